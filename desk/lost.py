"""A page of a case that cannot be opened any more: its key was destroyed, or it is damaged.

Nothing of what was pressed can be stored and nobody be rung. The page says so and what is left to do, and gives back
what was typed.
"""

from __future__ import annotations

import structlog
from flask import render_template, request

from ledger.care import contacts, screening
from ledger.school import people
from ledger.school.people import Person
from ledger.store.unit_of_work import Ledger

log = structlog.get_logger()
_OURS = ("csrf_token", "page", "seen", "contact", "person", "raised", "unsafe")  # what no person typed or chose


def page(ledger: Ledger) -> str:
    code = (request.view_args or {})["code"]
    typed = [(name, said) for name, said in request.form.items(multi=True) if _somebody_s(name) and said]
    at_once = screening.action(screening.read(request.form)) == screening.IMMEDIATE
    danger = at_once or request.form.get("danger") in contacts.DANGER[1:]
    if danger:
        log.error("danger_unheard", code=code)
    centre = _centre(ledger) if danger else []
    return render_template("desk/lost.html", code=code, typed=typed, danger=danger, centre=centre)


def _centre(ledger: Ledger) -> list[Person]:
    with ledger.read() as conn:
        return [it for it in people.by_id(conn, ledger.keys, people.with_role(conn, "psychologist")) if it.phone]


def _somebody_s(name: str) -> bool:
    return name not in _OURS and not name.startswith("shown_")
