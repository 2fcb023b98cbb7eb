"""The ledger of the follow-ups leaves as a file only after one person has asked and another has signed, with what its
asker may read at that moment and no more; every record in it is noted as read before it goes."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Table, update
from structlog.testing import capture_logs

from ledger import tables as t
from ledger.export import export_rows, exports
from ledger.export.export_rows import WHOLE
from ledger.export.exports import Period
from tests.behaviour import export_tools
from tests.behaviour.door_tools import a_client, contents
from tests.behaviour.export_tools import FILE, answer, ask, fetched, known, log, newest, signed, state, status
from tests.behaviour.test_statements_are_counted import counted
from tests.behaviour.test_the_counselor_s_record import centre
from tests.world import World

DAY = 86400


world, mine, office = export_tools.unread, export_tools.mine, export_tools.office


def said(page: str) -> str:
    return re.sub(r"\s+", "", re.sub(r"<[^>]+>", " ", page))


# ── two people ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_asker_may_fetch_it_for_a_day_after_another_has_signed(
    world: World, mine: FlaskClient, office: FlaskClient
) -> None:
    report = known(world)
    refused = mine.get(FILE)
    assert refused.status_code == 403 and "导出台账要两个人" in refused.text
    assert 'href="/desk/exports"' in refused.text
    assert "An export needs two people" in mine.get(FILE + "?lang=en").text
    mine.get("/desk/exports?lang=zh")

    assert ask(world, mine).headers["Location"] == "/desk/exports"
    assert "等待签字" in mine.get("/desk/exports").text
    assert status(mine) == 403
    page = said(office.get("/desk/exports").text)
    for fact in ("慕容老师", "murong", "2026-11-01至2026-11-24", "1条记录", "含家庭情况", "理由：学期总结"):
        assert fact in page, fact

    assert answer(world, office, newest(world)).status_code == 303
    with mine.get(FILE) as file:
        assert file.headers["Cache-Control"] == "no-store"
        assert file.headers["Content-Disposition"].startswith("attachment; filename=stopline-ledger-2026-11-01")
    assert [it["案件编号"] for it in fetched(mine)] == [report.code]
    assert status(office) == 403  # who signs has asked for nothing
    assert status(office, f"?export={newest(world)}") == 404
    world.clock.advance(DAY - 1)
    assert len(fetched(mine, f"?export={newest(world)}")) == 1
    world.clock.advance(1)
    assert status(mine) == status(mine, f"?export={newest(world)}") == 403
    assert "已过期" in mine.get("/desk/exports").text


def test_nobody_signs_for_themselves_under_whichever_account(world: World, office: FlaskClient) -> None:
    known(world)
    again = world.user("xuanyuan-admin", "admin", world.phones["office"].number)
    ask(world, office)
    for client in (office, again):
        assert "没有等待签字的导出" in client.get("/desk/exports").text
        answer(world, client, newest(world))
        assert "不能签自己的" in client.get("/desk/exports").text
    assert (state(world, newest(world)), status(office)) == ("asked", 403)
    answer(world, world.user("another", "admin"), newest(world))
    assert (state(world, newest(world)), status(office)) == ("signed", 200)


def test_pressed_twice_it_is_done_once_and_the_first_answer_stands(
    world: World, mine: FlaskClient, office: FlaskClient
) -> None:
    known(world)
    for _ in range(2):
        ask(world, mine)
    assert "同一时段已在等待签字" in mine.get("/desk/exports").text
    assert len(world.rows("SELECT 1 FROM exports")) == len(log(world, "export.ask")) == 1
    for _ in range(2):
        answer(world, office, newest(world), "refuse")
    answer(world, world.user("another", "security"), newest(world), "sign")
    assert (state(world, newest(world)), status(mine)) == ("refused", 403)
    assert (len(log(world, "export.refuse")), log(world, "export.sign")) == (1, [])
    assert "已拒绝" in mine.get("/desk/exports").text
    assert ask(world, mine).status_code == 303  # it may be asked for again
    assert len(world.rows("SELECT 1 FROM exports")) == 2


def test_who_asked_may_take_it_back_until_it_is_answered(world: World, mine: FlaskClient, office: FlaskClient) -> None:
    known(world)
    ask(world, mine, reason="写错了")
    wish = newest(world)
    assert answer(world, office, wish, "drop").status_code == 404  # another's
    assert state(world, wish) == "asked"
    for _ in range(2):
        assert answer(world, mine, wish, "drop").status_code == 303
    page = mine.get("/desk/exports").text
    assert page.count("已撤回。") == 1 and "等待签字" not in page
    assert (state(world, wish), len(log(world, "export.drop"))) == ("dropped", 1)
    assert "没有等待签字的导出" in office.get("/desk/exports").text
    answer(world, office, wish)
    assert "或已有人答复、已撤回" in office.get("/desk/exports").text
    assert (state(world, wish), status(mine)) == ("dropped", 403)
    world.clock.advance(1)
    signed(world, mine, office)  # the same period may be asked for again
    answer(world, mine, newest(world), "drop")
    assert "没有撤回：已有人答复" in mine.get("/desk/exports").text
    assert (state(world, newest(world)), status(mine)) == ("signed", 200)


def test_only_those_with_a_ledger_ask_and_only_the_office_signs(world: World, mine: FlaskClient) -> None:
    known(world)
    ask(world, mine)
    for role in ("officer", "leader"):
        client = world.user(f"a-{role}", role, world.phones["officer"].number if role == "officer" else None, "WY")
        for path in ("/desk/exports", FILE):
            assert client.get(path).status_code == 403
        assert ask(world, client).status_code == 403
        assert "/desk/exports" not in client.get("/desk", follow_redirects=True).text
    for client in (centre(world), world.user("other", "counselor", "+8613800001002"), mine):
        assert answer(world, client, newest(world)).status_code == 403
        assert 'href="/desk/exports"' in client.get("/desk", follow_redirects=True).text
    assert state(world, newest(world)) == "asked"
    assert a_client(world).get(FILE).status_code == 302
    for nonsense in ("x", str(t.new_id()), "%00"):
        assert status(mine, f"?export={nonsense}") == 404
        assert answer(world, world.user(f"s{nonsense[:2]}", "admin"), nonsense).status_code == 404


def test_a_signature_is_for_the_role_that_asked(world: World, mine: FlaskClient, office: FlaskClient) -> None:
    known(world)
    signed(world, mine, office)
    with world.parts.ledger.begin("promoted") as uow:
        uow.conn.execute(update(t.users).where(t.users.c.username == "murong").values(role="security"))
    assert status(mine) == 403


def test_a_wish_under_a_former_role_does_not_block_one_under_the_new(
    world: World, mine: FlaskClient, office: FlaskClient
) -> None:
    known(world)
    ask(world, mine)
    with world.parts.ledger.begin("promoted") as uow:
        uow.conn.execute(update(t.users).where(t.users.c.username == "murong").values(role="security"))
    world.clock.advance(1)
    signed(world, mine, office)
    assert [row.role for row in world.rows("SELECT role FROM exports ORDER BY asked_at")] == ["counselor", "security"]
    assert "家庭情况" not in fetched(mine)[0]


# ── what is noted, and what it costs ────────────────────────────────────────────────────────────────────────────────


def test_each_record_is_noted_as_read_before_the_file_goes_and_nothing_else_is_changed(
    world: World, mine: FlaskClient, office: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        known(world)
    signed(world, mine, office)
    before = contents(world, "access_log")
    monkeypatch.setattr(export_rows, "BATCH", 2)
    fetched(mine)
    cases = [UUID(str(row.id)) for row in world.rows("SELECT id FROM cases")]
    assert sorted(log(world, "ledger.export")) == sorted(f"case:{it}" for it in cases)
    assert log(world, "export.fetch") == [f"export:{UUID(newest(world))}"]
    assert contents(world, "access_log") == before


def test_a_reason_is_sealed(world: World, mine: FlaskClient, office: FlaskClient) -> None:
    known(world)
    ask(world, mine, reason="金丝雀的事")
    assert "金丝雀的事" in office.get("/desk/exports").text
    [row] = world.rows("SELECT reason_sealed FROM exports")
    assert "金丝雀".encode() not in bytes(row.reason_sealed)
    assert "金丝雀" not in str(world.rows("SELECT * FROM access_log"))


@pytest.mark.parametrize(("table", "column"), [(t.exports, "reason_sealed"), (t.users, "row_key")])
@pytest.mark.parametrize("spoiled", [b"x" * 60, b"old:" + b"x" * 60], ids=["spoiled", "with a key that is gone"])
def test_one_reason_that_cannot_be_opened_keeps_nobody_from_signing_the_others(
    world: World, mine: FlaskClient, office: FlaskClient, table: Table, column: str, spoiled: bytes
) -> None:
    known(world)
    ask(world, mine, reason="金丝雀的事")
    blank, row = newest(world), table.c.id if table is t.exports else table.c.username
    with world.parts.ledger.begin("spoil") as uow:
        it = UUID(blank) if table is t.exports else "murong"
        uow.conn.execute(update(table).where(row == it).values({column: spoiled}))
    ask(world, world.user("second", "admin"), reason="年度检查")
    with capture_logs() as logs:
        page = office.get("/desk/exports")
    assert page.status_code == mine.get("/desk/exports").status_code == 200
    assert "年度检查" in page.text and "金丝雀" not in page.text
    assert [it["export"] for it in logs if it["event"] == "export_reason_unreadable"] == [str(UUID(blank))]
    assert answer(world, office, blank).status_code == 303
    assert (state(world, blank), len(fetched(mine))) == ("signed", 1)


def test_refusals_are_noted_with_the_export_that_was_refused(
    world: World, mine: FlaskClient, office: FlaskClient
) -> None:
    known(world)
    export = signed(world, mine, office)
    other = world.user("other", "counselor", "+8613800001002")
    assert status(other, f"?export={export}") == 404  # another's
    answer(world, office, export, "refuse")  # after the answer
    answer(world, world.user("second", "admin"), unknown := str(t.new_id()))
    assert log(world, "export.denied") == [f"export:{UUID(it)}" for it in (export, export, unknown)]
    world.clock.advance(1)
    ask(world, office)
    answer(world, office, newest(world))  # one's own
    assert log(world, "export.denied")[3:] == [f"export:{UUID(newest(world))}"]
    for client in (mine, office):
        assert (status(client, "?export=x"), answer(world, office, "x").status_code) == (404, 404)
    assert len(fetched(mine, f"?export={export}")) == 1
    assert len(log(world, "export.denied")) == 4  # no id of an export, and what is allowed


def test_more_batches_take_no_more_statements_each(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_rows, "BATCH", 2)
    ledger, totals = world.parts.ledger, []
    for _ in range(7):
        known(world)
    span = Period(None, None).span(ledger.zone, world.clock.now())
    batches = export_rows.batches(ledger, WHOLE, span)
    for size in (2, 2, 2, 1):
        with counted(world, here=True) as found:
            assert len(next(batches)) == size
        totals.append(found.total())
    assert set(totals) == {6}, totals  # cases, students, sums, obligations, contacts, answers
    assert next(batches, None) is None


def test_a_file_that_fails_in_the_middle_leaves_nothing_behind(
    world: World, mine: FlaskClient, office: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(world)
    signed(world, mine, office)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def broken(*_: Any) -> None:
        raise RuntimeError("金丝雀")

    with monkeypatch.context() as patch:
        patch.setattr(export_rows, "_minutes", broken)
        assert status(mine) == 500
    assert len(fetched(mine)) == 1
    assert list(tmp_path.iterdir()) == []


# ── the form ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("form", "zh", "en"), [
    ({"first": "昨天"}, "请填日期，例如 2026-09-01", "Enter a date"),
    ({"last": "2026-02-30"}, "请填日期", "Enter a date"),
    ({"first": "0001-01-01"}, "请填日期", "Enter a date"),
    ({"last": "2026-11-25"}, "不能晚于今天", "Not after today"),
    ({"first": "2026-11-20", "last": "2026-11-19"}, "结束日期不能早于开始日期", "The last day must not come before"),
    ({"first": "2025-11-23"}, "最长一年", "A year at most"),
    ({"first": "2026-11-01", "last": "2026-11-02"}, "这段时间没有您能导出的记录", "No record of yours"),
    ({"reason": " \x00 "}, "请写明理由", "Say what it is for"),
])  # fmt: skip
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    world: World, mine: FlaskClient, form: dict[str, str], zh: str, en: str
) -> None:
    known(world)
    before = contents(world, "access_log")
    mine.get("/desk/exports?lang=zh")
    refused = ask(world, mine, **form)
    assert refused.status_code == 422 and zh in refused.text
    [field] = re.findall(r'<(?:input|textarea) id="(\w+)"[^>]* aria-invalid="true"', refused.text)
    assert f'href="#{field}"' in refused.text
    for name, value in ({"reason": "学期总结"} | form).items():
        assert value.strip(" \x00") in refused.text, name
    mine.get("/desk/exports?lang=en")
    assert en in ask(world, mine, **form).text
    assert contents(world, "access_log") == before


def test_too_many_are_counted_and_a_shorter_period_is_asked_for(
    world: World, mine: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST", 2)
    for _ in range(3):
        known(world)
    refused = ask(world, mine)
    assert refused.status_code == 422 and "这段时间有 3 条，最多 2 条" in refused.text
    assert not world.rows("SELECT 1 FROM exports")


def test_a_whole_year_may_be_asked_for(world: World, mine: FlaskClient) -> None:
    known(world)
    assert ask(world, mine, first="2025-11-24").status_code == 303
