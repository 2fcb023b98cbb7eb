"""The ledger of the follow-ups as a file: one person asks, another of the office signs, then the asker may fetch it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import timedelta
from typing import IO, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from desk import access
from desk.auth import me, roles
from ledger.errors import NotAllowed, NotFound
from ledger.export import export_rows, exports
from ledger.export.export_rows import Record
from ledger.export.exports import Export
from ledger.store.unit_of_work import Ledger
from ledger.values import clean_text

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
USUAL = timedelta(days=29)  # before today: what the form proposes
REASON = 500


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("exports", __name__, template_folder="templates", url_prefix="/desk")

    def shown(typed: Mapping[str, str] | None = None, wrong: Mapping[str, str] | None = None, found: int = 0) -> str:
        """`wrong`: field → problem; `found`: how many records there are where they are too many."""
        now = ledger.clock.now()
        today = now.astimezone(ledger.zone).date()
        with ledger.read() as conn:
            mine = exports.mine(conn, ledger.keys, me())
            waiting = exports.to_sign(conn, ledger.keys, me())
        access.log("export.shown", *(f"export:{it.id}" for it in waiting))
        usual = {"first": str(today - USUAL), "last": str(today), "reason": ""}
        return render_template("desk/exports.html", mine=mine, waiting=waiting, typed=typed or usual, wrong=wrong or {},
                               found=found, most=exports.MOST, longest=REASON, now=now, today=today)  # fmt: skip

    @bp.get("/exports")
    @roles(*exports.ASKERS)
    def page() -> str:
        return shown()

    @bp.post("/exports")
    @roles(*exports.ASKERS)
    def ask() -> Any:
        """`first`, `last` (days, 2026-01-31), `reason`."""
        typed = {name: request.form.get(name, "")[:40] for name in ("first", "last")}
        reason = typed["reason"] = clean_text(request.form.get("reason", ""), REASON)
        now = ledger.clock.now()
        period, wrong = exports.period(typed["first"], typed["last"], now.astimezone(ledger.zone).date())
        wrong |= {} if reason else {"reason": "empty"}
        if period is None or wrong:
            return shown(typed, wrong), 422
        with ledger.read() as conn:
            found = export_rows.count(conn, export_rows.scope_of(me()), period.span(ledger.zone, now))
        if not 0 < found <= exports.MOST:
            return shown(typed, {"first": "many" if found else "none"}, found), 422
        with ledger.begin("export-ask") as uow:
            new = exports.ask(uow, me(), period, reason, found)
        flash("asked" if new else "asked_before", "exports")
        return redirect(url_for("exports.page"), 303)

    @contextmanager
    def noting_refusals(export: UUID) -> Iterator[None]:
        try:
            yield
        except (NotAllowed, NotFound):
            access.log("export.denied", f"export:{export}")
            raise

    def decide(export: str, *, sign: bool) -> Response:
        wanted = id_of(export)
        try:
            with noting_refusals(wanted), ledger.begin("export-decide") as uow:
                exports.decide(uow, wanted, me(), sign=sign)
            flash("signed" if sign else "refused", "exports")
        except NotAllowed:
            flash("not_done", "exports")
        return redirect(url_for("exports.page"), 303)

    @bp.post("/exports/<export>/sign")
    @roles(*exports.SIGNERS)
    def sign(export: str) -> Response:
        return decide(export, sign=True)

    @bp.post("/exports/<export>/refuse")
    @roles(*exports.SIGNERS)
    def refuse(export: str) -> Response:
        return decide(export, sign=False)

    @bp.post("/exports/<export>/drop")
    @roles(*exports.ASKERS)
    def drop(export: str) -> Response:
        wanted = id_of(export)
        try:
            with noting_refusals(wanted), ledger.begin("export-drop") as uow:
                exports.take_back(uow, wanted, me())
            flash("dropped", "exports")
        except NotAllowed:
            flash("answered", "exports")
        return redirect(url_for("exports.page"), 303)

    @bp.get("/ledger.xlsx")
    @roles(*exports.ASKERS)
    def fetch() -> Any:
        """The export that was signed last, or the one whose id is `export`; 403 while there is none."""
        wanted = id_of(request.args["export"]) if "export" in request.args else None
        with noting_refusals(wanted) if wanted else nullcontext(), ledger.read() as conn:
            held = exports.signed(conn, ledger.keys, me(), ledger.clock.now(), wanted)
        if held is None:
            access.log("page.denied", f"page:{request.endpoint}")
            return render_template("desk/export_unsigned.html"), 403
        made = _made(ledger, held)
        answer = send_file(made, XLSX, as_attachment=True,
                           download_name=f"stopline-ledger-{held.period.first}-{held.period.last}.xlsx")  # fmt: skip
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return bp


def id_of(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError:
        raise NotFound from None


def _made(ledger: Ledger, held: Export) -> IO[bytes]:
    """A file without a name, which is gone as soon as it was sent. Each record in it is noted as read before that."""
    from ledger.export import export_sheet

    english = request.args.get("lang", request.cookies.get("lang")) == "en"
    access.log("export.fetch", f"export:{held.id}")

    def note(batch: Sequence[Record]) -> None:
        access.log("ledger.export", *(f"case:{it.id}" for it in batch))

    span = held.period.span(ledger.zone, held.asked_at)
    with ExitStack() as unless_whole:
        made = unless_whole.enter_context(tempfile.TemporaryFile())
        export_sheet.write(ledger, export_rows.scope_of(me()), span, made, english=english, note=note)
        made.seek(0)
        unless_whole.pop_all()
        return made
