"""The stop-payment sheet to take along: a page to print, a PDF, and JSON for the police's own systems."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from desk import access
from desk.auth import roles
from ledger.pages import sheet
from ledger.pages.sheet import Sheet
from ledger.store.unit_of_work import Ledger

POLICE = ("officer", "security", "admin")


def add(bp: Blueprint, ledger: Ledger) -> None:
    @bp.get("/<code>/sheet")
    @roles(*POLICE)
    def sheet_page(code: str) -> str:
        return render_template("desk/sheet.html", sheet=_read(ledger, code))

    @bp.get("/<code>/sheet.pdf")
    @roles(*POLICE)
    def sheet_pdf(code: str) -> Response:
        from desk import sheet_pdf  # its library is large, and most processes never print

        english = request.args.get("lang", request.cookies.get("lang")) == "en"
        made = _read(ledger, code)
        return Response(sheet_pdf.draw(made, english=english), mimetype="application/pdf",
                        headers={"Content-Disposition": f'inline; filename="{made.code}.pdf"'})  # fmt: skip

    @bp.get("/<code>/sheet.json")
    @roles(*POLICE)
    def sheet_json(code: str) -> Any:
        return jsonify(_read(ledger, code).json())


def _read(ledger: Ledger, code: str) -> Sheet:
    found = access.case_of(ledger, code)
    with ledger.read() as conn:
        made = sheet.stop_payment(conn, ledger.keys, found, ledger.zone, current_app.config["SCHOOL"],
                                  ledger.clock.now())  # fmt: skip
    access.log("sheet.read", f"case:{found['id']}")
    return made
