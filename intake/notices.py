"""What hangs on walls and what the law asks for: the poster with its code to scan, and the privacy notice."""

from __future__ import annotations

import segno
from flask import Blueprint, render_template
from markupsafe import Markup

from intake import language
from intake.doors import Door

PRIVACY_VERSION = "2026-11.4"  # raised with every change of the notice's meaning


def blueprint(door: Door) -> Blueprint:
    """Pages of the `intake` blueprint's look; both languages stand side by side on the poster."""
    bp = Blueprint("notices", __name__, template_folder="templates")
    language.install(bp, door)

    @bp.get("/poster")
    def poster() -> str:
        return render_template("intake/poster.html", address=short(door.public_url),
                               picture=picture(door.public_url))  # fmt: skip

    @bp.get("/privacy")
    def privacy() -> str:
        return render_template("intake/privacy.html", version=PRIVACY_VERSION)

    return bp


def picture(address: str) -> Markup:
    """A QR code as SVG without a size of its own; error level Q, since posters get dirty."""
    drawn: str = segno.make(address, error="q", micro=False).svg_inline(border=4, omitsize=True)
    return Markup(drawn)  # noqa: S704  # drawn by the library from our own address


def short(address: str) -> str:
    """As somebody would type it."""
    return address.removeprefix("https://").removeprefix("http://")
