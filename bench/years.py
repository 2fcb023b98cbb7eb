"""A ledger as it is after years: copies of a few real histories, each sealed and chained anew, spread over five years.

The histories are made by the service itself (see `histories`), so what a page finds in a copy is what it finds in life.
Only rows that hang on a case are copied; people, classes and duties are the made-up school's.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import JSON, Column, LargeBinary, Table, Uuid, select, update

from ledger import codes
from ledger import tables as t
from ledger.police import progress
from ledger.ringing import referrals
from ledger.school.demo_school import demo_school
from ledger.school.schoolrows import ClassRow, CollegeRow, PersonRow, School
from ledger.store import chain
from ledger.store.crypto import Keys, RowKey, digest
from ledger.store.unit_of_work import Ledger
from ledger.tables.base import UtcTime
from tests.world import World, another_fraud

YEARS = 5
# Parents before children; `inbound` has keys of its own and nothing reads it by case.
TABLES = (t.cases, t.transfers, t.obligations, t.case_events, t.work, t.deliveries, t.follow_ups, t.contacts)
DAY_S = 86_400
AGES_D = (100, 40, 10, 2)  # of the histories, in days: each stands for cases at least as old, the oldest is closed
BATCH = 500
COLLEGES, COUNSELORS = 30, 10  # of each college
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass(frozen=True)
class History:
    """The rows of one case as they stand at `at`, sealed fields opened, by table."""

    age: timedelta
    at: datetime
    rows: dict[str, list[dict[str, Any]]]


def school() -> School:
    """The made-up school with more colleges, each with counselors and a class of its own for every one of them."""
    small = demo_school()
    colleges = [CollegeRow(f"K{n:02}", f"示例{n}学院") for n in range(COLLEGES - len(small.colleges))]
    staff = [
        PersonRow(f"{it.code}C{n}", f"测试{it.code}{n}", "counselor", f"+8613700{at:02}1{n:03}", it.code)
        for at, it in enumerate(colleges)
        for n in range(COUNSELORS)
    ]
    classes = [ClassRow(f"{it.key}A", f"示例{it.key}班", it.college, it.key) for it in staff]
    return replace(
        small, colleges=(*small.colleges, *colleges), people=(*small.people, *staff),
        classes=(*small.classes, *classes),
    )  # fmt: skip


def histories(world: World) -> list[History]:
    """Cases of several ages, each taken and answered; at the end of it the world's clock stands at their `at`."""
    made: list[tuple[str, int]] = []
    for age, following in zip(AGES_D, (*AGES_D[1:], 0), strict=True):
        report = world.report(**another_fraud())
        world.pump()
        world.phones["officer"].replies(report.code)
        world.phones["counselor"].replies(report.code)
        world.call_the_student(report)
        _file(world, report.code)
        made.append((report.code, age))
        world.clock.advance((age - following) * DAY_S)
        world.pump()
    for code, age in made:
        if age == AGES_D[0]:
            _end(world, code)
    return [_read(world.parts.ledger, code, age) for code, age in made]


def _case_id(world: World, code: str) -> UUID:
    return UUID(str(world.rows("SELECT id FROM cases WHERE code = :code", code=code)[0][0]))


def _file(world: World, code: str) -> None:
    with world.parts.ledger.begin("bench") as uow:
        case = uow.case(_case_id(world, code))
        progress.record_progress(uow, case, "filed", None, "bench")
        progress.record_outcome(uow, case, 1, "stopped", 3_860_000, None, "bench")


def _end(world: World, code: str) -> None:
    """Its follow-up closed, as after ninety days, without what closing asks for: nothing reads how it came about."""
    case_id, now = _case_id(world, code), world.clock.now()
    with world.parts.ledger.begin("bench") as uow:
        f, k, o = t.follow_ups.c, t.contacts.c, t.obligations.c
        closed = {"state": "closed", "closed_at": now, "next_due_at": None, **referrals.QUIET}
        uow.conn.execute(update(t.follow_ups).where(f.case_id == case_id).values(closed))
        its = select(f.id).where(f.case_id == case_id).scalar_subquery()
        uow.conn.execute(update(t.contacts).where(k.follow_up_id == its).values(remind_at=None, done_at=k.due_at))
        care = update(t.obligations).where(o.case_id == case_id, o.kind == "care")
        uow.conn.execute(care.values(state="closed", done_at=now))


def _read(ledger: Ledger, code: str, age: int) -> History:
    rows: dict[str, list[dict[str, Any]]] = {}
    with ledger.read() as conn:
        case = conn.execute(select(t.cases).where(t.cases.c.code == code)).mappings().one()
        key = ledger.keys.unwrap(case["id"], case["row_key"])
        ids: list[UUID] = [case["id"]]
        for table in TABLES:
            parent = _parent(table)
            found = conn.execute(select(table).where(parent.in_(ids))).mappings().all()
            rows[table.name] = [_opened(table, dict(row), key) for row in found]
            ids += [row["id"] for row in found if "id" in row]
    rows["case_events"].sort(key=lambda row: row["seq"])
    return History(timedelta(days=age), ledger.clock.now(), rows)


def _parent(table: Table) -> Column[Any]:
    """The column that ties a row to its case, or to what hangs on it."""
    names = {"cases": "id", "work": "event_id", "contacts": "follow_up_id"}
    return table.c[names.get(table.name, "case_id")]


def _opened(table: Table, row: dict[str, Any], key: RowKey) -> dict[str, Any]:
    for name in _sealed(table):
        row[name] = key.open(table.name, row["id"], name.removesuffix("_sealed"), row[name])
    return row


@cache
def _of_type(table: Table, kind: type[Any]) -> tuple[str, ...]:
    return tuple(column.name for column in table.c if isinstance(column.type, kind))


@cache
def _sealed(table: Table) -> tuple[str, ...]:
    return tuple(name for name in _of_type(table, LargeBinary) if name.endswith("sealed"))


class Years:
    """Fills a ledger. `seed`: the same ledger each time, but for keys and ids."""

    def __init__(
        self, ledger: Ledger, some: Sequence[History], people: Sequence[tuple[str, UUID]], seed: int = 1
    ) -> None:
        self._ledger, self._some, self._people = ledger, some, people
        self._chance = random.Random(seed)
        with ledger.read() as conn:
            self._codes = set(conn.scalars(select(t.cases.c.code_fold)))

    def fill(self, cases: int) -> None:
        """So many more, evenly over the years before now, in the order in which they came."""
        ages = sorted((self._chance.uniform(0, YEARS * 365 * DAY_S) for _ in range(cases)), reverse=True)
        with self._ledger.engine.connect() as conn:
            # Copies refer to each other as the histories do: it need not be checked of every row.
            conn.exec_driver_sql("SET session_replication_role = replica")
            raw = conn.connection.driver_connection
            for first in range(0, cases, BATCH):
                batch = [self._case(timedelta(seconds=age)) for age in ages[first : first + BATCH]]
                for table in TABLES:
                    _copy(raw, table, [row for rows in batch for row in rows[table.name]])
                raw.commit()  # type: ignore[union-attr]  # psycopg's own connection
            conn.invalidate()

    def _case(self, age: timedelta) -> dict[str, list[dict[str, Any]]]:
        of = next((it for it in self._some if age >= it.age), self._some[-1])
        return self._copied(of, max(timedelta(), age - of.age))

    def _copied(self, of: History, earlier: timedelta) -> dict[str, list[dict[str, Any]]]:
        came = of.rows["cases"][0]["received_at"] - earlier
        keys, case_id = self._ledger.keys, self._id(came)
        key, wrapped = keys.new_row_key(case_id)
        ids = {row["id"]: self._id(came) for rows in of.rows.values() for row in rows if "id" in row}
        ids[of.rows["cases"][0]["id"]] = case_id
        college, counselor = self._chance.choice(self._people)
        ids[of.rows["cases"][0]["counselor_id"]] = counselor  # also as whom the texts went to, and as owner
        made: dict[str, list[dict[str, Any]]] = {}
        for table in TABLES:
            made[table.name] = [self._row(table, row, ids, key, earlier) for row in of.rows[table.name]]
        code, phone = self._code(), f"+8613{self._chance.randrange(10**9):09}"
        head = self._chain(keys, made["case_events"])
        made["cases"][0] |= {
            "code": code, "code_fold": codes.fold(code), "row_key": wrapped, "chain_head": head,
            "token_hash": digest(key.token("status")), "submission_hash": digest(str(case_id)),
            "anchored_seq": made["cases"][0]["last_seq"],
            "phone_index": keys.blind("phone", phone), "college_code": college,
            "phone_sealed": key.seal("cases", case_id, "phone", phone),
        }  # fmt: skip
        for row in made["transfers"]:
            row["payee_account_index"] = keys.blind("account", str(row["id"]))
        for row in made["contacts"]:
            if row["due_at"] <= of.at:  # whoever looks after them has called by then
                row |= {"done_at": row["done_at"] or row["due_at"], "reached": True, "remind_at": None}
        owed = [row["due_at"] for row in made["contacts"] if row["done_at"] is None]
        for row in made["follow_ups"]:
            row |= {"next_due_at": min(owed, default=None), **referrals.QUIET}
        for row in made["obligations"]:
            if row["next_at"] and row["next_at"] <= of.at:
                row["next_at"] = None
        return made

    def _row(
        self, table: Table, row: dict[str, Any], ids: dict[UUID, UUID], key: RowKey, earlier: timedelta
    ) -> dict[str, Any]:
        made = dict(row)
        for name in _of_type(table, UtcTime):
            if row[name] is not None:
                made[name] = row[name] - earlier
        for name in _of_type(table, Uuid):
            made[name] = ids.get(row[name], row[name])
        for name in _of_type(table, JSON):
            made[name] = _renamed(row[name], ids) if row[name] else row[name]
        for name in _sealed(table):
            made[name] = key.seal(table.name, made["id"], name.removesuffix("_sealed"), row[name])
        if table is t.deliveries:
            made |= {"dedup": str(made["id"]), "sid": f"SM{made['id'].hex}" if row["sid"] else None}
        return made

    def _id(self, at: datetime) -> UUID:
        """As it would have been made then: ids are ordered by time."""
        return UUID(int=int(at.timestamp() * 1000) << 80 | 0x7 << 76 | self._chance.getrandbits(76))

    def _chain(self, keys: Keys, events: list[dict[str, Any]]) -> bytes:
        head = b""
        for row in events:
            head = row["mac"] = keys.chain(head, chain.entry(row))
        return head

    def _code(self) -> str:
        while True:
            code = codes.new_code("case")
            if (fold := codes.fold(code)) not in self._codes:
                self._codes.add(fold)
                return code


def _renamed(value: Any, ids: dict[UUID, UUID]) -> Any:
    """The same data about the copies: ids stand in it as text."""
    said = json.dumps(value)
    if not _ID.search(said):
        return value

    def named(found: re.Match[str]) -> str:
        return str(ids.get(UUID(found[0]), found[0]))

    return json.loads(_ID.sub(named, said))


def _copy(raw: Any, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    names = [column.name for column in table.c]
    quoted = ", ".join(f'"{name}"' for name in names)
    json_columns = set(_of_type(table, JSON))
    with raw.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({quoted}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row([Jsonb(row[it]) if it in json_columns and row[it] is not None else row[it] for it in names])


def colleges(world: World) -> Iterator[tuple[str, UUID]]:
    """(college, counselor) for each of the school's colleges."""
    for row in world.rows("SELECT DISTINCT college_code, counselor_id FROM classes WHERE counselor_id IS NOT NULL"):
        yield row[0], UUID(str(row[1]))
