"""The way to a person's record: filtered by who asks; each reading and each refusal is logged, without its content."""

from __future__ import annotations

from flask import abort
from flask_login import current_user
from sqlalchemy import RowMapping

from desk.auth import me
from ledger import codes
from ledger.errors import NotFound
from ledger.pages import views
from ledger.store.unit_of_work import Ledger


def log(action: str, *read: str) -> None:
    """`action`: case.read, case.denied, page.denied …; `read` names the objects by their ids."""
    if read:
        current_user.log(action, *read)


def find(ledger: Ledger, code: str) -> RowMapping | None:
    """The case with this code, look-alikes allowed; None also for one that is not this user's."""
    try:
        with ledger.read() as conn:
            return views.find_case(conn, me(), code)
    except NotFound:
        if codes.looks_like_code(code):
            log("case.denied", f"code:{codes.fold(code)}")
        return None


def still_theirs(ledger: Ledger, code: str) -> bool:
    """Whether this user may read the case after what they have just done to it."""
    try:
        with ledger.read() as conn:
            views.find_case(conn, me(), code)
    except NotFound:
        return False
    return True


def case_of(ledger: Ledger, code: str) -> RowMapping:
    """As above, for a page of that case: 404 where there is none."""
    return find(ledger, code) or abort(404)
