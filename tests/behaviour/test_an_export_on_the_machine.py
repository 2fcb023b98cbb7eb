"""`stopline export ledger`: whoever holds the keys gets the whole ledger, and the office has to look and sign."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.export import export_rows
from services import cli_export
from services.cli import main
from tests.behaviour.door_tools import shared_world
from tests.behaviour.export_tools import answer, known, log, newest, records, seal, state
from tests.behaviour.test_the_counselor_s_record import centre, contact, counselor
from tests.world import START, World

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command over this world's ledger: its exit status and what it printed."""
    monkeypatch.setattr(cli_export, "load", lambda: world.parts.settings)
    monkeypatch.setattr("services.compose.build_ledger", lambda _: (world.parts.ledger, None))

    def run(path: Path, *words: str) -> tuple[int, str, str]:
        status = main(["export", "ledger", "--xlsx", str(path), *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_it_has_everything_but_the_centre_s_notes_and_only_its_owner_reads_it(
    world: World, run: Run, tmp_path: Path
) -> None:
    report, other, path = known(world), known(world, student_no="2026020104"), tmp_path / "ledger.xlsx"
    seal(world, report, family="父母在外地", money_source="借的学费")
    mine, theirs = counselor(world), centre(world)
    contact(world, mine, report, note="室友陪着", need="centre")
    world.press(theirs, f"/desk/care/{report.code}/note", note="量表另存")
    path.write_bytes(b"the one of last year")
    path.chmod(0o644)
    assert run(path) == (0, f"2 records in {path}; somebody of the office has to sign for it at /desk/exports\n", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [it.name for it in tmp_path.iterdir()] == ["ledger.xlsx"]
    by_code = {it["案件编号"]: it for it in records(path)}
    assert set(by_code) == {report.code, other.code}
    assert (by_code[report.code]["家庭情况"], by_code[report.code]["被骗资金来源"]) == ("父母在外地", "借的学费")
    told = str(by_code)
    assert "室友陪着" in told and "量表另存" not in told and "6217" not in told


def test_an_alarm_stays_until_somebody_of_the_office_has_signed(world: World, run: Run, tmp_path: Path) -> None:
    known(world)
    run(tmp_path / "ledger.xlsx")
    assert len(log(world, "ledger.export")) == len(log(world, "export.make")) == 1
    office = world.user("xuanyuan", "security", world.phones["office"].number)
    assert "export_unsigned" in world.alarms()
    assert 'href="/desk/exports"' in office.get("/desk/board").text.split('id="late"')[1]
    assert "去签字" in office.get("/duty").text
    page = office.get("/desk/exports").text
    assert "在服务器上导出" in page and "1 条记录" in page
    assert answer(world, office, newest(world)).status_code == 303
    assert (state(world, newest(world)), world.alarms()) == ("signed", [])
    assert office.get("/desk/ledger.xlsx").status_code == 403  # it is nobody's on the page


@pytest.mark.parametrize(("words", "codes"), [
    (("--from", "2026-11-25"), [1]), (("--to", "2026-11-24"), [0]), (("--from", "2026-11-24", "--to", "2026-11-25"),
    [0, 1]), (("--from", "2026-11-26"), []),
])  # fmt: skip
def test_a_period_is_of_days_in_the_school_s_zone(
    world: World, run: Run, tmp_path: Path, words: tuple[str, ...], codes: list[int]
) -> None:
    """14:40 on the 24th, and 00:40 on the 25th, which is still the 24th in UTC."""
    made = [known(world)]
    world.clock.advance(10 * 3600)
    made.append(known(world))
    assert run(tmp_path / "a.xlsx", *words)[0] == 0
    assert [it["案件编号"] for it in records(tmp_path / "a.xlsx")] == [made[n].code for n in codes]
    assert world.clock.now().day == START.day


@pytest.mark.parametrize(("words", "said"), [
    (("--from", "yesterday"), "--from: not a date such as 2026-01-31: yesterday"),
    (("--to", "2026-02-30"), "--to: not a date such as 2026-01-31: 2026-02-30"),
    (("--from", "2026-02-02", "--to", "2026-02-01"), "--from must not be after --to"),
])  # fmt: skip
def test_a_fault_is_one_line_and_leaves_no_file(
    world: World, run: Run, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    assert run(tmp_path / "a.xlsx", *words) == (1, "", said + "\n")
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_written_nothing_is_claimed(world: World, run: Run, tmp_path: Path) -> None:
    known(world)
    path = tmp_path / "nowhere" / "a.xlsx"
    assert run(path) == (1, "", f"cannot write {path}: No such file or directory\n")
    assert not world.rows("SELECT 1 FROM exports")


def test_one_that_fails_in_the_middle_leaves_the_old_file(
    world: World, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(world)
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"before")

    def away(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_rows, "_minutes", away)
    assert run(path) == (1, "", f"cannot write {path}: No space left on device\n")
    assert (path.read_bytes(), [it.name for it in tmp_path.iterdir()]) == (b"before", ["a.xlsx"])
