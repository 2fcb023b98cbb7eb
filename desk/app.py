"""The blueprints of this room, and what all its pages share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, Response, request
from flask_login import current_user

from desk import (
    auth,
    board,
    care,
    duty,
    duty_card,
    exports,
    figures,
    invitation,
    keeper,
    readiness,
    reviews,
    roster,
    screening,
    simulator,
    uploads,
)
from ledger import values
from ledger.store.unit_of_work import Ledger

# the blueprints whose pages switch language
STAFF = (
    "auth",
    "invitation",
    "duty",
    "duty_card",
    "reviews",
    "care",
    "screening",
    "keeper",
    "figures",
    "readiness",
    "roster",
    "board",
    "exports",
    "simulator",
)


def blueprints(
    ledger: Ledger, public_url: str, *, simulated: bool, network: simulator.Network | None
) -> list[Blueprint]:
    """`simulated`: the phones are shown; `network`: and their faults can be made in this process."""
    shared = Blueprint("desk", __name__, static_folder="static", static_url_path="/static/desk")
    made = [
        shared,
        auth.blueprint(ledger),
        invitation.blueprint(ledger),
        duty_card.blueprint(public_url),
        duty.blueprint(ledger),
        uploads.blueprint(ledger),
        reviews.blueprint(ledger),
        care.blueprint(ledger),
        screening.blueprint(ledger),
        keeper.blueprint(ledger),
        figures.blueprint(ledger),
        readiness.blueprint(ledger),
        roster.blueprint(ledger),
        board.blueprint(ledger),
        exports.blueprint(ledger),
    ]
    return [*made, simulator.blueprint(ledger, network)] if simulated else made


def install(app: Flask, ledger: Ledger, school: str) -> None:
    """Sessions, and the words and times that the templates use."""
    auth.install(app, ledger)
    app.config["SCHOOL"] = school

    @app.after_request
    def keep_language(response: Response) -> Response:
        if request.blueprint in STAFF and request.args.get("lang") in ("zh", "en"):
            response.set_cookie("lang", request.args["lang"], max_age=86400 * 365, httponly=True, samesite="Lax",
                                secure=app.config["SESSION_COOKIE_SECURE"])  # fmt: skip
        return response

    @app.context_processor
    def shared() -> dict[str, Any]:
        lang = "en" if request.args.get("lang", request.cookies.get("lang")) == "en" else "zh"
        words = {"lang": lang, "t": lambda zh, en: en if lang == "en" else zh, "school": school}
        return {**words, "current_user": current_user}  # a proxy: only pages that ask look the user up

    @app.template_filter("clock")
    def clock(at: datetime | None) -> str:
        return f"{at.astimezone(ledger.zone):%H:%M}" if at else ""

    @app.template_filter("day_clock")
    def day_clock(at: datetime | None) -> str:
        return f"{at.astimezone(ledger.zone):%m-%d %H:%M}" if at else ""

    @app.template_filter("day")
    def day(at: datetime | None) -> str:
        """Where it may be of another year."""
        return f"{at.astimezone(ledger.zone):%Y-%m-%d}" if at else ""

    @app.template_filter("to_second")
    def to_second(at: datetime) -> str:
        """As the stop-payment sheet needs it: the bank compares the time to the second."""
        return f"{at.astimezone(ledger.zone):%Y-%m-%d %H:%M:%S}"

    @app.template_filter("yuan")
    def yuan(fen: int) -> str:
        return values.yuan(fen)

    @app.template_filter("minutes_since")
    def minutes_since(at: datetime | None, now: datetime) -> int | None:
        return max(0, int((now - at).total_seconds()) // 60) if at else None
