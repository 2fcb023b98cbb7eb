"""Drills begin and end over HTTP, with a token only this installation can sign; the rest is the real path."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from intake.doors import Door, problem
from ledger import deadlines, values
from ledger.errors import Expired, NotFound
from ledger.reporting import reports, status
from ledger.reporting.reports import ReportIn, TransferIn
from ledger.school import people
from ledger.store.unit_of_work import DOOR

_NOBODY = "+8613800000000"  # the made-up reporter: no text goes there
_AMOUNT_FEN = 3_860_000


def blueprint(door: Door) -> Blueprint:
    bp = Blueprint("drills", __name__)

    def authorised() -> str | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return token if scheme == "Bearer" and door.drill_token_holds(token) else None

    @bp.post("/drill")
    def begin() -> Response | tuple[Response, int]:
        """Form: `college` (a code), `phones` (1: ring real phones). The same token begins one drill only."""
        token = authorised()
        if token is None:
            return problem(403, "Not signed", "The drill token is missing, stale or not ours.")
        now, college = door.ledger.clock.now(), request.form.get("college")
        with door.ledger.read() as conn:
            if college and not people.college(conn, college):
                return problem(422, "Unknown college", "There is no such college on the roster. 名册中没有这个学院。")
        report = ReportIn(
            phone=_NOBODY,
            transfers=(TransferIn(_AMOUNT_FEN, channel="bank", when=values.When(None, now)),),
            source="drill_phones" if request.form.get("phones") == "1" else "drill",
            college=values.clean_text(request.form.get("college", ""), 32) or None,
        )
        with door.ledger.begin("drill", DOOR) as uow:
            taken = reports.accept(uow, report, f"drill:{token}", "drill")
        return jsonify({"case": taken.code, "token": taken.token}), 201

    @bp.post("/drill/<token>/end")
    def end(token: str) -> Response | tuple[str, int]:
        if authorised() is None:
            return problem(403, "Not signed", "The drill token is missing, stale or not ours.")
        with door.ledger.read() as conn:
            try:
                case = status.case_by_token(conn, token, door.ledger.clock.now())
            except (NotFound, Expired):
                return problem(404, "Not found", "There is no such drill.")
        with door.ledger.begin("end-drill") as uow:
            deadlines.end_drill(uow, uow.case(case["id"]), "command")
        return "", 204

    return bp
