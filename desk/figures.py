"""All numbers of each college, and how its cases stand: for the leader the own one, for the security office all.

The office brings here once a month what the police registered and what the school counted.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, render_template, request, send_file

from desk import access
from desk.auth import me, roles
from desk.exports import XLSX
from ledger.figures import college, monthimport, oversight, prevention, preventionfile, registered
from ledger.figures.monthfile import BadMonth
from ledger.figures.monthimport import Change, Sort
from ledger.pages.views import ALL_CASES
from ledger.school.schoolrows import Fault
from ledger.store.unit_of_work import Ledger
from ledger.values import clean_text

READERS = ("leader", *ALL_CASES)
SHOWN = 30  # faults, or lines of what was changed


@dataclass(frozen=True)
class Imported:
    """What became of a file that was sent, of this sort: its changes, or its faults."""

    sort: str
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
        names = {line.code: line.name for line in both.lines}
        return render_template("desk/figures.html", rows=rows, name=name, both=both, now=now, names=names,
                               listed=college.LISTED, runs=registered.runs, **common(imported))  # fmt: skip

    def counts(imported: Imported | None = None) -> str:
        with ledger.read() as conn:
            names = oversight.names(conn, me())
            counted = prevention.latest(conn, me(), list(names), ledger.clock.now(), ledger.zone)
        access.log("figures.read", f"college:{me().college or '*'}")
        return render_template("desk/prevention.html", counted=counted, names=names, **common(imported))

    def common(imported: Imported | None) -> dict[str, Any]:
        return {"imported": imported, "most": SHOWN, "measures": prevention.MEASURES,
                "numbers": preventionfile.NUMBERS, "office": me().role in ALL_CASES}  # fmt: skip

    @bp.get("/figures")
    @roles(*READERS)
    def page() -> str:
        return shown()

    @bp.post("/figures")
    @roles(*ALL_CASES)
    def bring_registered() -> Any:
        """`file`: cases registered by the police, .xlsx or .csv; its months replace those that are there."""
        return brought(monthimport.REGISTERED, shown)

    @bp.get("/figures/prevention")
    @roles(*READERS)
    def counted() -> str:
        """What the school counted of the plan's targets, by college."""
        return counts()

    @bp.post("/figures/prevention")
    @roles(*ALL_CASES)
    def bring_counted() -> Any:
        """`file`: what was counted, in the same way."""
        return brought(monthimport.PREVENTION, counts)

    def brought(sort: Sort, shown: Callable[[Imported], str]) -> Any:
        file = request.files.get("file")
        name = clean_text(file.filename or "", 80) if file else ""
        if file is None or not name:
            return shown(Imported(sort.name, faults=[Fault("", 0, "", "choose a file", "请选择文件")])), 422
        try:
            read = monthimport.read(sort, name, file.read())
            with ledger.begin(sort.name) as uow:
                changes = monthimport.apply(uow, sort, read, f"user:{me().id}")
        except BadMonth as bad:
            return shown(Imported(sort.name, faults=bad.faults)), 422
        return shown(Imported(sort.name, changes))

    @bp.get("/figures/<sort>.xlsx")
    @roles(*ALL_CASES)
    def template(sort: str) -> Any:
        """To fill in: one of monthimport.SORTS."""
        if sort not in monthimport.SORTS:
            abort(404)
        out = io.BytesIO()
        with ledger.read() as conn:
            month = monthimport.write_template(conn, monthimport.SORTS[sort], ledger.clock.now(), ledger.zone, out)
        return _file(out, f"{sort}-{month}.xlsx")

    @bp.get("/figures/unreviewed")
    @roles(*READERS)
    def unreviewed() -> str:
        """Cases of a year that are over and of which nobody has written a review (倒查)."""
        now = ledger.clock.now()
        with ledger.read() as conn:
            rows, name = college.unreviewed(conn, me(), now), college.name(conn, me())
        access.log("figures.read", f"college:{me().college or '*'}")
        return render_template("desk/unreviewed.html", rows=rows, name=name, now=now, listed=college.LISTED,
                               office=me().role in ALL_CASES)  # fmt: skip

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
