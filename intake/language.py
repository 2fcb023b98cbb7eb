"""Two languages on every page of a student's: asked for in the address, then remembered in a cookie."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, request

from intake.doors import Door


def install(bp: Blueprint, door: Door) -> None:
    """`t(zh, en)`, `lang` and `school` for the templates of this blueprint; no body is read for it."""

    @bp.before_request
    def choose() -> None:
        g.lang = "en" if request.args.get("lang", request.cookies.get("lang")) == "en" else "zh"

    @bp.after_request
    def keep(response: Response) -> Response:
        if request.args.get("lang") in ("zh", "en"):
            response.set_cookie("lang", g.lang, max_age=86400 * 365, secure=door.public_url.startswith("https://"),
                                httponly=True, samesite="Lax")  # fmt: skip
        return response

    @bp.context_processor
    def words() -> dict[str, Any]:
        return {"lang": g.lang, "t": lambda zh, en: en if g.lang == "en" else zh, "school": door.school}
