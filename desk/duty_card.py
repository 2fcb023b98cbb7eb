"""A card for an officer's pocket: where the duty page is, and how to take a case by text."""

from __future__ import annotations

import segno
from flask import Blueprint, render_template
from markupsafe import Markup

from desk.auth import roles

POLICE = ("officer", "security", "admin")


def blueprint(public_url: str) -> Blueprint:
    bp = Blueprint("duty_card", __name__, template_folder="templates")

    @bp.get("/duty/card")
    @roles(*POLICE)
    def card() -> str:
        address = f"{public_url}/duty"
        drawn: str = segno.make(address, error="m", micro=False).svg_inline(border=4, omitsize=True)
        picture = Markup(drawn)  # noqa: S704  # drawn by the library from our own address
        return render_template("desk/card.html", address=address, picture=picture)

    return bp
