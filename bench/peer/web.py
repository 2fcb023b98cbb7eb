"""The peer's door. PEER_DIRECT: no queue at all, the texts are sent in the request's own thread (the floor).

PEER_WITHOUT, for bench.bounds: `queue`, a report is stored and nobody told; `row`, it is not even stored.
"""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, jsonify, request

from bench.peer import store

app = Flask(__name__)
sessions = store.sessions(4)
WITHOUT = os.environ.get("PEER_WITHOUT")
if WITHOUT:

    def hand_over(report: store.Report) -> None:
        pass

elif os.environ.get("PEER_DIRECT"):
    provider = store.provider()

    def hand_over(report: store.Report) -> None:
        store.tell_police(provider, report)
        store.tell_counselor(provider, report)
        with sessions() as session:
            store.follow_up(session, report.id)

else:
    from bench.peer import tasks

    def hand_over(report: store.Report) -> None:
        tasks.hand_over(report.id)


@app.post("/api/v1/reports")
def take_report() -> Any:
    body = request.get_json(silent=True) or {}
    phone, transfers = (body.get("reporter") or {}).get("phone"), body.get("transfers") or []
    if not phone or not transfers or not transfers[0].get("amount"):
        return jsonify(error="reporter.phone and transfers[0].amount are required"), 422
    if WITHOUT == "row":
        return jsonify(case=store.new_code()), 201
    first = transfers[0]
    with sessions() as session:
        report = store.Report(code=store.new_code(), phone=phone, amount=first["amount"],
                              account=first.get("payee_account"), name=first.get("payee_name"))  # fmt: skip
        session.add(report)
        session.commit()
    hand_over(report)
    return jsonify(case=report.code), 201
