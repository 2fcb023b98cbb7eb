"""The traceback review of a case (倒查) by the security office: its steps with their minutes, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import RowMapping

from desk import access
from desk.auth import me, roles
from ledger.errors import NotAllowed
from ledger.pages.views import ALL_CASES
from ledger.police import reviews
from ledger.store.unit_of_work import Ledger
from ledger.values import clean_text


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("reviews", __name__, template_folder="templates", url_prefix="/duty/<code>/review")

    def shown(case: RowMapping, typed: Mapping[str, str], wrong: Mapping[str, str]) -> str:
        """Before the emergency is over neither its steps nor a form."""
        key, steps, made = ledger.keys.unwrap(case["id"], case["row_key"]), [], []
        with ledger.read() as conn:
            over = reviews.over(conn, case["id"])
            if over:
                steps, made = reviews.steps(conn, case), reviews.of_case(conn, key, case["id"])
        access.log("review.read", f"case:{case['id']}")
        return render_template("desk/review.html", case=case, over=over, steps=steps, made=made, typed=typed,
                               wrong=wrong, longest=reviews.LONGEST)  # fmt: skip

    @bp.get("")
    @roles(*ALL_CASES)
    def page(code: str) -> str:
        return shown(access.case_of(ledger, code), {}, {})

    @bp.post("")
    @roles(*ALL_CASES)
    def add(code: str) -> Any:
        """`step` (what could have been quicker, one of reviews.STEPS) and `text`."""
        case, step = access.case_of(ledger, code), request.form.get("step", "")
        text = clean_text(request.form.get("text", ""), reviews.LONGEST)
        wrong = {"step": "step"} if step not in reviews.STEPS[1:] else {}
        wrong |= {} if text else {"text": "text"}
        if wrong:
            return shown(case, {"step": step, "text": text}, wrong), 422
        try:
            with ledger.begin("review") as uow:
                reviews.add(uow, uow.case(case["id"]), step, text, f"user:{me().id}")
            said = "reviewed"
        except NotAllowed:
            said = "not_over"
        flash(said, f"review {case['code']}")  # the page of the case has other words for what was done to it
        return redirect(url_for("reviews.page", code=case["code"]), 303)

    return bp
