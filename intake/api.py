"""The report as JSON, for apps and other schools' systems."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from intake import openapi
from intake.doors import Door, Spooled, problem
from intake.reading import Reading, parse_json, read_json
from ledger.errors import Conflict, Expired, NotFound
from ledger.reporting import status


def blueprint(door: Door) -> Blueprint:
    bp = Blueprint("api", __name__)

    @bp.post("/api/v1/reports")
    def take_report() -> Response:
        if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
            return problem(415, "Wrong type", "Send application/json. 请用 application/json 发送。", slug="wrong-type")
        try:
            body = parse_json(request.get_data(cache=False))
        except ValueError:
            return problem(400, "Malformed JSON", "The body is not JSON. 请求体不是 JSON。", slug="malformed")
        reading = read_json(body, door.ledger.clock.now(), door.ledger.zone)
        return _accept(door, reading, body)

    @bp.get("/api/v1/reports/<token>")
    def report_status(token: str) -> Response:
        now = door.ledger.clock.now()

        def in_ledger() -> dict[str, Any]:
            with door.ledger.read() as conn:
                return status.of_case(conn, door.ledger.keys, status.case_by_token(conn, token, now), now)

        try:
            shown = door.wherever(token, in_ledger, _not_yet)
        except NotFound:
            return problem(404, "Not found", "There is no such report. 没有这份报告。", slug="not-found")
        except Expired:
            return problem(410, "Expired", "This link has expired. 链接已过期。", slug="expired")
        return jsonify(_plain(shown))

    @bp.get("/openapi.json")
    def specification() -> Response:
        return jsonify(openapi.document(door.public_url))

    return bp


def _not_yet(waiting: Spooled) -> dict[str, Any]:
    """A report in the spool, in the shape of one in the ledger: nothing has been begun that the ledger knows of."""
    first = "dissuade" if waiting.report.kind == "in_progress" else "police"
    pending = {"state": "pending", "late": False, "alerted_at": None, "acknowledged_at": None}
    care = {"state": "open", "late": False, "opened_at": None, "next_contact_at": None}
    owed = {"owed_since": None} if first == "police" else {}
    obligations = {first: pending | owed, "counselor": pending, "care": care}
    head = {"case": waiting.code, "state": "received", "received_at": waiting.taken_at}
    return {**head, "obligations": obligations, "asked": []}


def _accept(door: Door, reading: Reading, body: Any) -> Response:
    if reading.report is None:
        errors = [{"field": p.field, "message": p.en, "message_zh": p.zh} for p in reading.problems]
        return problem(422, "Incomplete report", "See errors. 请看 errors。", errors, "incomplete")
    key = request.headers.get("Idempotency-Key")
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    try:
        taken = door.accept(reading.report, f"api:{key}" if key else None, canonical)
    except Conflict:
        return problem(
            422, "Key used before", "This key came with another body. 此键已用于另一份报告。", slug="key-reused"
        )
    answer = jsonify(
        {
            "case": taken.code,
            "token": taken.token,
            "status_url": f"{door.public_url}/r/{taken.token}",
            "received_at": _zulu(taken.received_at),
            "duplicate": taken.duplicate,
        }
    )
    answer.status_code = 200 if taken.duplicate else 201
    return answer


def _zulu(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return _zulu(value)
    return {name: _plain(item) for name, item in value.items()} if isinstance(value, dict) else value
