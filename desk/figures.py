"""Both numbers of each college, and how its cases stand: for the leader the own one, for the security office all.

The office brings the police's number here once a month.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, send_file

from desk import access
from desk.auth import me, roles
from desk.exports import XLSX
from ledger.figures import college, oversight, registered, registerfile, registerimport
from ledger.figures.registerfile import BadRegister
from ledger.figures.registerimport import Change
from ledger.pages.views import ALL_CASES
from ledger.school.schoolrows import Fault
from ledger.store.unit_of_work import Ledger
from ledger.values import clean_text

READERS = ("leader", *ALL_CASES)
SHOWN = 30  # faults, or lines of what was changed


@dataclass(frozen=True)
class Imported:
    """What became of a file that was sent: its changes, or its faults."""

    changes: Sequence[Change] = ()
    faults: Sequence[Fault] = ()


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("figures", __name__, template_folder="templates", url_prefix="/desk")

    def shown(imported: Imported | None = None) -> str:
        now = ledger.clock.now()
        with ledger.read() as conn:
            rows, name = college.cases(conn, me(), now), college.name(conn, me())
            both = oversight.figures(conn, me(), now, ledger.zone)
        access.log("figures.read", f"college:{me().college or '*'}")
        return render_template("desk/figures.html", rows=rows, name=name, both=both, now=now, imported=imported,
                               most=SHOWN, listed=college.LISTED, runs=registered.runs,
                               office=me().role in ALL_CASES)  # fmt: skip

    @bp.get("/figures")
    @roles(*READERS)
    def page() -> str:
        return shown()

    @bp.post("/figures")
    @roles(*ALL_CASES)
    def bring() -> Any:
        """`file`: cases registered by the police, .xlsx or .csv; its months replace those that are there."""
        file = request.files.get("file")
        name = clean_text(file.filename or "", 80) if file else ""
        if file is None or not name:
            return shown(Imported(faults=[Fault("", 0, "", "choose a file", "请选择文件")])), 422
        try:
            read = registerfile.read(name, file.read())
            with ledger.begin("registered") as uow:
                changes = registerimport.apply(uow, read, f"user:{me().id}")
        except BadRegister as bad:
            return shown(Imported(faults=bad.faults)), 422
        return shown(Imported(changes))

    @bp.get("/figures/template.xlsx")
    @roles(*ALL_CASES)
    def template() -> Any:
        month, out = registered.last_month(ledger.clock.now(), ledger.zone), io.BytesIO()
        with ledger.read() as conn:
            registerfile.write_template(registerimport.colleges(conn), month, out)
        return _file(out, f"registered-{month}.xlsx")

    @bp.get("/figures.xlsx")
    @roles(*READERS)
    def sheet() -> Any:
        from ledger.figures import oversight_sheet

        now, out = ledger.clock.now(), io.BytesIO()
        with ledger.read() as conn:
            both = oversight.figures(conn, me(), now, ledger.zone)
        access.log("figures.export", f"college:{me().college or '*'}")
        english = request.args.get("lang", request.cookies.get("lang")) == "en"
        oversight_sheet.write(both, out, english=english)
        return _file(out, f"stopline-figures-{now.astimezone(ledger.zone):%Y-%m-%d}.xlsx")

    return bp


def _file(out: io.BytesIO, name: str) -> Any:
    out.seek(0)
    return send_file(out, XLSX, as_attachment=True, download_name=name)
