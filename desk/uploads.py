"""What the reporter added in stage 2, beside the facts of a case; screenshots come as attachments, each one logged."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response
from sqlalchemy import RowMapping

from desk import access
from desk.auth import roles
from ledger import fraud
from ledger.reporting import additions, uploads
from ledger.store.unit_of_work import Ledger

_FRAUD = {lang: {code: words[n] for code, words in fraud.KINDS.items()} for n, lang in enumerate(("zh", "en"))}
POLICE = ("officer", "security", "admin")


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("uploads", __name__, url_prefix="/duty/<code>/uploads")

    @bp.app_context_processor
    def added() -> dict[str, Any]:
        """`additions_of(case)` and `uploads_of(case)` for the page of a case, which has logged the reading."""

        def additions_of(case: RowMapping) -> list[tuple[str, str]]:
            return additions.for_staff(ledger.keys.unwrap(case["id"], case["row_key"]).lenient(), case)

        def uploads_of(case: RowMapping) -> list[RowMapping]:
            with ledger.read() as conn:
                return uploads.of_case(conn, case["id"])

        return {"additions_of": additions_of, "uploads_of": uploads_of, "fraud_kinds": _FRAUD}

    @bp.get("/<uuid:upload>")
    @roles(*POLICE)
    def picture(code: str, upload: UUID) -> Response:
        case = access.case_of(ledger, code)
        with ledger.read() as conn:
            jpeg = uploads.content(conn, ledger.keys.unwrap(case["id"], case["row_key"]), case["id"], upload)
        access.log("upload.read", f"upload:{upload}")
        answer = Response(jpeg, mimetype="image/jpeg")
        answer.headers["Content-Disposition"] = f'attachment; filename="{case["code"]}-{upload.hex[-8:]}.jpg"'
        return answer

    return bp
