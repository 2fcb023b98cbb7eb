"""How most stories begin: a report has come in, everybody has read their first text, and only the police still ring."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from ledger import codes
from ledger import tables as t
from ledger.care import contacts
from ledger.police import progress
from ledger.school.demo_school import demo_school
from ledger.school.schoolrows import School
from ledger.store import naming
from tests.world import Report, World

# For tables of cases that say nothing about a database: one kind is enough.
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# For what SQLite does not have, which takes one writer at a time.
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def reported(world: World, **changes: Any) -> Report:
    """The officer, the counselor and the student have their first texts."""
    report = world.report(**changes)
    world.phones["officer"].expects("紧急止付", report.code)
    world.phones["counselor"].expects(report.code, "30分钟内致电")
    world.phones["student"].expects("已收到", report.code)
    return report


def only_police_ring(world: World, **changes: Any) -> Report:
    """As above, and the counselor has reached the student, so that no text of theirs comes in between for a day."""
    report = reported(world, **changes)
    world.call_the_student(report)
    return report


def taken(world: World, **changes: Any) -> Report:
    """As above, and the officer has the case."""
    report = only_police_ring(world, **changes)
    world.phones["officer"].replies(report.code).expects("由您接单", report.code)
    return report


@contextmanager
def world_with(database_url: str, folder: Path, school: School, **more: Any) -> Iterator[World]:
    """A world with another roster; at its end, as ever, no text may be unread."""
    made = World.make(database_url, folder, school, **more)
    try:
        yield made
        made.phones.assert_all_read()
    finally:
        made.close()


def school_without(*duties: str) -> School:
    """The made-up school with nobody on these duties."""
    school = demo_school()
    return replace(school, duty=tuple(row for row in school.duty if row.role not in duties))


def only_counselor_rings(world: World, **changes: Any) -> Report:
    """The officer has the case and has filed the stop."""
    report = reported(world, **changes)
    world.phones["officer"].replies(report.code).expects("由您接单", report.code)
    with world.parts.ledger.begin("progress") as uow:
        case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
        progress.record_progress(uow, case, "filed", None, "test")
    return report


def opened_again(world: World, office: FlaskClient, report: Report) -> None:
    """By the office, which closed it."""
    for deed in ("close", "reopen"):
        world.press(office, f"/duty/{report.code}/{deed}")


def read_all(world: World) -> None:
    """Whatever has come by now is another promise's business."""
    world.phones.catch_up()
    for text in world.phones.unread():
        world.phones.mark_read(text)


def at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run the jobs in a thread each, all released together; their results in order. A job's error is raised here."""
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        gate.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def days_later(report: Report, days: int) -> None:
    """The contacts that its record owes are due so much sooner, and nobody was reminded of any meanwhile."""
    c, f = t.contacts.c, t.follow_ups.c
    its = select(c.id, c.follow_up_id, c.due_at).join(t.follow_ups, f.id == c.follow_up_id).join(t.cases)
    with report.world.parts.ledger.begin("days-later") as uow:
        owed = uow.conn.execute(its.where(t.cases.c.code == report.code, c.done_at.is_(None))).all()
        for row in owed:
            uow.change(t.contacts, row.id, due_at=row.due_at - timedelta(days=days))
        contacts.note_next(uow, owed[0].follow_up_id)
