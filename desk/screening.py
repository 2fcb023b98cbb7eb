"""The screening of a referred student by the psychology centre: whether they agree to it, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import RowMapping
from werkzeug.wrappers import Response

from desk import access
from desk.auth import me, roles
from ledger.care import screening, screenings
from ledger.school import people
from ledger.store.unit_of_work import Ledger
from ledger.values import clean_text, parse_when

CENTRE = "psychologist"


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("screening", __name__, template_folder="templates", url_prefix="/desk/care/<code>/screening")

    def shown(case: RowMapping, typed: Mapping[str, str], wrong: Mapping[str, str], *, danger: bool = False) -> str:
        """`wrong`: field → problem. `danger`: of one who thinks of dying right now nothing was kept."""
        with ledger.read() as conn:
            it = screenings.of_case(conn, ledger.keys, me(), case)
            centre = people.by_id(conn, ledger.keys, people.with_role(conn, CENTRE)) if danger else []
        access.log("student.read", f"case:{case['id']}")
        return render_template("desk/screening.html", case=case, it=it, typed=typed, wrong=wrong, danger=danger,
                               centre=centre, how=screenings.HOW, now=ledger.clock.now())  # fmt: skip

    def done(case: RowMapping, said: str) -> Response:
        flash(said, f"screening {case['code']}")
        return redirect(url_for("screening.page", code=case["code"]), 303)

    @bp.get("")
    @roles(CENTRE)
    def page(code: str) -> str:
        return shown(access.case_of(ledger, code), {}, {})

    @bp.post("/consent")
    @roles(CENTRE)
    def consent(code: str) -> Any:
        """`said`: given, refused, withdrawn; of the first two `how`, perhaps `when` and `asker`."""
        case, form = access.case_of(ledger, code), request.form
        if form.get("said") == screenings.WITHDRAWN:
            with ledger.begin("screening-consent") as uow:
                screenings.say(uow, uow.case(case["id"]), screenings.WITHDRAWN, me())
            return done(case, "withdrawn")
        typed = {name: clean_text(form.get(name, ""), 40) for name in ("said", "how", "when", "asker")}
        about, wrong = _about(typed)
        if wrong:
            return shown(case, typed, wrong), 422
        with ledger.begin("screening-consent") as uow:
            screenings.say(uow, uow.case(case["id"]), typed["said"], me(), about)
        return done(case, typed["said"])

    def _about(typed: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        now = ledger.clock.now()
        when = parse_when(typed["when"], now, ledger.zone) if typed["when"] else None
        at = when.at if when and when.at and when.at <= now else None
        wrong = {} if typed["said"] in (screenings.GIVEN, screenings.REFUSED) else {"said": "said"}
        wrong |= {} if typed["how"] in screenings.HOW else {"how": "how"}
        wrong |= {"when": "when"} if typed["when"] and at is None else {}
        asker = typed["asker"] or me().username
        return {"how": typed["how"], "when": at.isoformat() if at else "", "asker": asker}, wrong

    @bp.post("")
    @roles(CENTRE)
    def keep(code: str) -> Any:
        """Each of screening.ITEMS; what is left out was not asked."""
        case, answers = access.case_of(ledger, code), screening.read(request.form)
        wrong = {"asq5": "now"} if screening.lacks_now(answers) else {} if answers else {"phq2_1": "empty"}
        if wrong:
            return shown(case, answers, wrong), 422
        with ledger.begin("screening") as uow:
            kept = screenings.keep(uow, uow.case(case["id"]), answers, me())
        if not kept.kept:
            return shown(case, answers, {"said": "consent"}, danger=kept.done is not None), 422
        return done(case, kept.done or "kept")

    return bp
