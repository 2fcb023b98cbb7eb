"""A case with something personal in every place, over; and a search that opens whatever can be opened."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from ledger import codes
from ledger import tables as t
from ledger.care import closing
from ledger.errors import KeyMissing, Tampered
from ledger.police import casework
from ledger.store import keyring, naming
from ledger.store.crypto import RowKey, digest
from ledger.store.unit_of_work import Case, UnitOfWork
from services import cli_erase
from services.cli import main
from tests.behaviour.stories import read_all
from tests.behaviour.test_uploads_are_clean import picture, send
from tests.world import Report, World, another_fraud

OFFICE = "xuanyuan"
CENTRE = "P01"
SAID = {
    "phone": "13912340001",
    "victim_phone": "13912340002",
    "name": "金丝雀",
    "student_no": "9926010101",
    "payee_name": "黄鹂鸟",
    "payee_account": "6222020200112233445",
    "payee_bank": "画眉银行",
    "payer_bank": "白鹭银行",
    "payer_account_tail": "9988776",
    "serial": "2026112422001477",
    "narrative": "百灵唱了一整夜",
}
LATER = {
    "note": "夜莺不肯说话",
    "centre": "斑鸠的量表",
    "asker": "信天翁",
    "family": "燕子的父母",
    "money": "鸬鹚借来的",
    "contact": "鸳鸯表姐",
    "corrected": "白头翁",
    "number": "受案7788",
    "review": "杜鹃叫得太晚",
    "student": "喜鹊写的短信",
    "officer": "百舌马上到",
}
Run = Callable[..., tuple[int, str, str]]


def runs(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command over this world's ledger: its exit status and what it printed. `typed`: the answer, if it asks."""

    def run(*words: str, typed: str | None = None, days: int = 1095) -> tuple[int, str, str]:
        settings = world.parts.settings.model_copy(update={"retention_days": days})

        def answer(_: str) -> str:
            if typed is None:
                raise EOFError
            return typed

        monkeypatch.setattr(cli_erase, "load", lambda: settings)
        monkeypatch.setattr("services.compose.build_ledger", lambda _: (world.parts.ledger, None))
        monkeypatch.setattr("builtins.input", answer)
        done = main(words)
        said = capsys.readouterr()
        return done, said.out, said.err

    return run


def of(uow: UnitOfWork, code: str) -> Case:
    return uow.case(naming.case_by_code(uow.conn, codes.fold(code)))


def id_of(world: World, code: str) -> UUID:
    with world.parts.ledger.read() as conn:
        return naming.case_by_code(conn, codes.fold(code))


def full(world: World, office: FlaskClient) -> Report:
    """Everything that anybody can write about a case, in it; and it is over."""
    report = world.report(key="the-key", for_whom="other", when="2026-11-24T14:32:00+08:00", **SAID)
    world.pump()
    read_all(world)
    world.client.post(f"/r/{report.token}/more/money", data={"money_source": LATER["money"]})
    world.client.post(f"/r/{report.token}/more/contact", data={"person": LATER["contact"]})
    world.client.post(f"/r/{report.token}/more/correct", data={"payee_name": LATER["corrected"]})
    send(report, picture())
    world.client.post("/reopen", data={"code": report.code, "phone": SAID["phone"]})
    world.pump()
    world.double.reply(f"+86{SAID['phone']}", LATER["student"])
    world.double.reply(world.phones["officer"].number, f"{LATER['officer']} {report.code}")
    read_all(world)
    officer = world.user("o", "officer", world.phones["officer"].number)
    outcome = {"transfer": "1", "outcome": "too_late", "number": LATER["number"]}
    world.press(officer, f"/duty/{report.code}/outcome", **outcome)
    person = world.user("c", "counselor", world.phones["C03"].number)
    form = {"contact": "call_30m", "reached": "yes", "note": LATER["note"]}
    assert world.press(person, f"/desk/followups/{report.code}/contact", **form).status_code == 303
    world.press(person, f"/desk/followups/{report.code}/background", family=LATER["family"], shown_family="")
    world.press(person, f"/desk/followups/{report.code}/refer")
    centre = world.user("p", "psychologist", world.phones[CENTRE].number)
    screening = f"/desk/care/{report.code}/screening"
    world.press(centre, f"{screening}/consent", said="given", how="phone", asker=LATER["asker"])
    world.press(centre, screening, phq2_1="0")
    world.press(centre, f"/desk/care/{report.code}/note", note=LATER["centre"], seen="1")
    world.press(office, f"/duty/{report.code}/close")
    world.press(office, f"/duty/{report.code}/review", step="filed", text=LATER["review"])
    read_all(world)
    end_record(world, report.code)
    return report


def end_record(world: World, code: str) -> None:
    with world.parts.ledger.begin("test") as uow:
        closing.end(uow, of(uow, code))


def over(world: World, days: int = 0, **changes: Any) -> Report:
    """A report whose case and record are closed, so many days ago."""
    report = world.report(**{**another_fraud(), **changes})
    world.pump()
    read_all(world)
    world.call_the_student(report)
    with world.parts.ledger.begin("test") as uow:
        case = of(uow, report.code)
        casework.close(uow, case, None, "test")
        closing.end(uow, case)
    read_all(world)
    ended = world.clock.now() - timedelta(days=days)
    with world.parts.ledger.begin("test") as uow:
        case_id = of(uow, report.code).id
        uow.conn.execute(update(t.follow_ups).where(t.follow_ups.c.case_id == case_id).values(closed_at=ended))
        uow.conn.execute(update(t.obligations).where(t.obligations.c.case_id == case_id).values(done_at=ended))
    return report


def events_of(world: World, code: str) -> list[str]:
    query = select(t.case_events.c.type).join(t.cases, t.cases.c.id == t.case_events.c.case_id)
    with world.parts.ledger.read() as conn:
        return list(conn.scalars(query.where(t.cases.c.code == code).order_by(t.case_events.c.seq)))


def keys_left(world: World) -> list[RowKey]:
    """All that the ring opens."""
    found = []
    with world.parts.ledger.read() as conn:
        for table in keyring.TABLES:
            for row_id, wrapped in conn.execute(select(table.c.id, table.c.row_key)):
                try:
                    found.append(world.parts.ledger.keys.unwrap(row_id, wrapped))
                except (KeyMissing, Tampered):
                    continue
    return found


def everything(world: World) -> Iterator[tuple[str, Any]]:
    """(table.column, value) of every row of every table: as it stands, and opened by whatever key opens it."""
    keys = keys_left(world)
    with world.parts.ledger.read() as conn:
        for table in t.metadata.sorted_tables:
            for row in conn.execute(select(table)).mappings():
                for column, value in row.items():
                    place = f"{table.name}.{column}"
                    yield place, value
                    if isinstance(value, bytes) and "sealed" in column:
                        its = (table.name, row["id"], column.removesuffix("_sealed"))
                        yield from ((place, it) for it in _opened(keys, *its, value))


def _opened(keys: Sequence[RowKey], table: str, row: UUID, column: str, sealed: bytes) -> Iterator[bytes]:
    for key in keys:
        try:
            yield key.open_bytes(table, row, column, sealed)
        except Tampered:
            continue


def digests(world: World, report: Report) -> dict[str, bytes]:
    """What somebody could look the student up by, without any key but that of the index."""
    blind = world.parts.ledger.keys.blind
    found = {
        "phone": blind("phone", f"+86{SAID['phone']}"),
        "victim": blind("phone", f"+86{SAID['victim_phone']}"),
        "account": blind("account", SAID["payee_account"]),
        "link": digest(report.token),
        "key": digest("api:the-key"),
    }
    return {name: index for name, index in found.items() if index}


def found(world: World, report: Report) -> dict[str, set[str]]:
    """What of the story stands where: name → columns."""
    secrets = {**SAID, **LATER}
    indexes, places = digests(world, report), dict[str, set[str]]()
    for place, value in everything(world):
        names = [name for name, index in indexes.items() if index == value]
        said = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        names += [name for name, it in secrets.items() if it in said or json.dumps(it)[1:-1] in said]
        for name in names:
            places.setdefault(name, set()).add(place)
    return places
