"""`stopline retention` lists what is over for longer than it may be kept, and erases it when it is told to: each case
in a transaction of its own, so that whatever stops it leaves each whole or erased."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from flask.testing import FlaskClient

from ledger import tables as t
from ledger.erasure import holds, retention
from services import doctor
from tests.behaviour import erasing_tools as tools
from tests.behaviour.door_tools import contents
from tests.behaviour.erasing_tools import OFFICE, Run, events_of, of, over
from tests.behaviour.stories import SQLITE, read_all, reported
from tests.world import World

DIES = "from ledger.store import failpoints; failpoints.arm({!r}); from services.cli import main; main({!r})"


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return tools.runs(world, monkeypatch, capsys)


@pytest.fixture(autouse=True)
def office(world: World) -> FlaskClient:
    return world.user(OFFICE, "security", world.phones["office"].number)


def erased(world: World, *codes: str) -> list[bool]:
    return ["case.erased.v1" in events_of(world, code) for code in codes]


def test_what_is_over_for_long_enough_is_listed_and_erased_only_when_told(world: World, run: Run) -> None:
    old, older = over(world, days=1096), over(world, days=2000)
    young, open_one = over(world, days=1094), reported(world)
    read_all(world)
    kept = contents(world)
    status, said, _ = run("retention")
    assert (status, contents(world)) == (0, kept)
    assert [line[:5] for line in said.splitlines()[:-1]] == [older.code, old.code]
    assert said.splitlines()[-1] == "2 to erase 应删除, 0 held 保留 (STOPLINE_RETENTION_DAYS=1095)"
    assert run("retention", "--erase", "--by", OFFICE)[0] == 1 and contents(world) == kept, "nobody has confirmed it"
    assert run("retention", "--erase", "--yes")[2] == "--erase needs --by NAME 删除须写明由谁负责\n"
    status, said, _ = run("retention", "--erase", "--by", OFFICE, "--yes")
    assert status == 0 and said.endswith("2 erased 已删除\n")
    codes = (old.code, older.code, young.code, open_one.code)
    assert erased(world, *codes) == [True, True, False, False]
    assert [it["reason"] for it in old.events("case.erased.v1")] == ["retention"]
    assert run("retention", "--erase", "--by", OFFICE, "--yes")[1].startswith("0 to erase")
    read_all(world)


def test_what_is_held_is_listed_with_why_and_stays(world: World, run: Run) -> None:
    report = over(world, days=3000)
    with world.parts.ledger.begin("hold") as uow:
        holds.place(uow, of(uow, report.code), "appeal", t.new_id(), "test")
    status, said, _ = run("retention", "--erase", "--by", OFFICE, "--yes")
    assert status == 0 and "申诉未了  an appeal is open" in said and "0 to erase 应删除, 1 held 保留" in said
    assert erased(world, report.code) == [False]


@SQLITE
@pytest.mark.parametrize("days, due", [(0, 0), (180, 2), (1095, 1)])
def test_the_setting_says_how_long_and_0_is_never(world: World, run: Run, days: int, due: int) -> None:
    for age in (179, 181, 1096):
        over(world, days=age)
    assert f"{due} to erase" in run("retention", days=days)[1]


@SQLITE
def test_what_the_police_have_ended_lately_is_not_due(world: World) -> None:
    report = over(world, days=1096)
    with world.parts.ledger.begin("test") as uow:
        its = t.obligations.c.case_id == of(uow, report.code).id
        uow.conn.execute(t.obligations.update().where(its, t.obligations.c.kind == "police").values(done_at=uow.now))
    with world.parts.ledger.read() as conn:
        assert retention.due(conn, world.clock.now(), 1095) == []


@pytest.mark.parametrize("where, done", [("before-commit@erase", 0), ("after-commit@erase", 1)])
def test_killed_in_the_middle_each_is_whole_or_erased_and_the_next_run_goes_on(
    world: World, run: Run, where: str, done: int
) -> None:
    codes = [over(world, days=days).code for days in (3300, 3200, 3100)]
    settings = world.parts.settings
    environment = {
        "STOPLINE_DATABASE_URL": settings.database_url, "STOPLINE_STATE_DIR": settings.state_dir,
        "STOPLINE_SECRET_KEY": settings.secret_key, "STOPLINE_DATA_KEYS": settings.data_keys,
        "STOPLINE_INDEX_KEY": settings.index_key,
    }  # fmt: skip
    words = ["retention", "--erase", "--by", OFFICE, "--yes"]
    killed = subprocess.run([sys.executable, "-c", DIES.format(where, words)], env={**os.environ, **environment},
                            capture_output=True, timeout=60)  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    assert sum(erased(world, *codes)) == done
    for code, gone in zip(codes, erased(world, *codes), strict=True):
        key = world.rows("SELECT row_key, phone_sealed FROM cases WHERE code = :code", code=code)[0]
        assert (bytes(key.row_key) == b"", key.phone_sealed is None) == (gone, gone)
    assert f"{3 - done} erased" in run(*words)[1]
    assert erased(world, *codes) == [True] * 3


def looked_at(world: World, days: int = 1095) -> tuple[list[str], list[str]]:
    settings = world.parts.settings.model_copy(update={"retention_days": days})
    return doctor._ledger(world.parts.ledger, settings)


def test_the_doctor_says_how_many_are_due_and_takes_it_for_no_fault(world: World) -> None:
    assert not [line for line in looked_at(world)[0] if line.startswith("hint")]
    over(world, days=1096)
    held = over(world, days=1096)
    with world.parts.ledger.begin("hold") as uow:
        holds.place(uow, of(uow, held.code), "other", t.new_id(), "test")
    lines, faults = looked_at(world)
    [hint] = [line for line in lines if line.startswith("hint")]
    assert "over for more than 1095 days (STOPLINE_RETENTION_DAYS): 1; see: stopline retention" in hint
    assert not [line for line in faults if "retention" in line]
