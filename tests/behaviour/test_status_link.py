"""What the reporter can see behind their link: states and times, nothing that was typed, for half a year."""

from __future__ import annotations

from ledger import codes
from ledger.care import contacts
from ledger.followups import CADENCE
from ledger.store import naming
from tests.behaviour.stories import days_later, only_police_ring, read_all, reported, taken
from tests.world import Report, World


def test_each_step_has_its_time(world: World) -> None:
    report = reported(world)
    world.advance(65)
    world.phones["officer"].replies(report.code).expects("由您接单")
    world.phones["counselor"].replies(report.code).expects("由您联系")
    shown = report.status()
    assert shown["received_at"] == "2026-11-24T06:40:00.000Z"
    for kind in ("police", "counselor"):
        assert shown["obligations"][kind] == {
            "state": "acknowledged",
            "late": False,
            "alerted_at": "2026-11-24T06:40:00.000Z",
            "acknowledged_at": "2026-11-24T06:41:05.000Z",
            **({"owed_since": "2026-11-24T06:41:05.000Z"} if kind == "police" else {}),
        }


def test_care_is_late_while_a_contact_is_overdue_and_not_while_the_record_waits_to_be_closed(world: World) -> None:
    report = reported(world)
    days_later(report, 91)
    assert report.status()["obligations"]["care"]["late"]
    with world.parts.ledger.begin("contacts") as uow:
        case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
        for contact in CADENCE:
            contacts.record(uow, case, contact.kind, contacts.Said("yes"), "test")
    shown = report.status()["obligations"]["care"]
    assert (shown["state"], shown["next_contact_at"], shown["late"]) == ("in_progress", None, False)
    read_all(world)


def test_care_is_late_after_half_an_hour_where_no_record_was_opened(world: World) -> None:
    report = world.report()
    for minutes, late in ((29, False), (2, True)):
        world.clock.advance(minutes * 60)
        shown = report.status()["obligations"]["care"]
        assert (shown["opened_at"], shown["late"]) == (None, late)
    read_all(world)


def test_what_was_acknowledged_before_the_provider_answered_was_alerted_all_the_same(world: World) -> None:
    report = taken(world)
    assert report.status()["obligations"]["police"]["alerted_at"]


def test_it_says_nothing_of_what_was_typed_or_of_anybody(world: World) -> None:
    report = reported(world, name="张三", narrative="我被骗了三万八")
    world.clock.advance(16 * 60)  # until then the page has the words for 110
    shown = str(report.status()) + world.client.get(f"/r/{report.token}").text
    for secret in ("张三", "三万八", "13800000001", "4417", "某人", "欧阳", "慕容", "测试"):
        assert secret not in shown
    read_all(world)


def test_it_lives_for_half_a_year(world: World) -> None:
    report = only_police_ring(world)
    world.clock.advance(180 * 24 * 3600)
    assert world.client.get(f"/api/v1/reports/{report.token}").status_code == 200
    world.clock.advance(1)
    answer = world.client.get(f"/api/v1/reports/{report.token}")
    assert (answer.status_code, answer.content_type) == (410, "application/problem+json")
    assert world.client.get(f"/r/{report.token}").status_code == 410
    assert report.code not in answer.text
    read_all(world)


def test_a_token_of_nobody_says_nothing(world: World) -> None:
    report = only_police_ring(world)
    for token in (report.code, report.token[:-1], "A" * 32):
        assert world.client.get(f"/api/v1/reports/{token}").status_code == 404
        assert world.client.get(f"/r/{token}").status_code == 404


def test_the_token_is_not_in_the_ledger(world: World) -> None:
    report = only_police_ring(world)
    row = world.rows("SELECT * FROM cases")[0]
    assert report.token not in str([bytes(value) if isinstance(value, memoryview) else value for value in row])


def page(report: Report, lang: str = "zh") -> str:
    return report.world.client.get(f"/r/{report.token}?lang={lang}").text


def test_one_transfer_of_two_that_was_stopped_is_not_all_and_closing_forgets_it_not(world: World) -> None:
    report = taken(world)
    world.client.post(f"/r/{report.token}/more/transfer", data={"page": "t", "amount": "500"})
    world.advance(120)
    read_all(world)
    officer = world.user("o", "officer", world.phones["officer"].number)
    for n, (outcome, amount) in enumerate((("stopped", "38600"), ("too_late", "")), 1):
        form = {"outcome": outcome, "transfer": str(n), "amount": amount}
        assert world.press(officer, f"/duty/{report.code}/outcome", **form).status_code == 303
    assert "已止付2笔中的1笔" in page(report) and "1 of 2 transfers stopped" in page(report, "en")
    world.press(officer, f"/duty/{report.code}/close")
    assert report.status()["state"] == "closed" and "已止付2笔中的1笔" in page(report)


def test_a_call_within_30_minutes_is_promised_only_while_it_can_come(world: World) -> None:
    report = reported(world)
    promise = "辅导员30分钟内打给你"
    shown = page(report)
    assert promise in shown and shown.index("现在请这样做") < shown.index("还可以补充")
    world.clock.advance(31 * 60)
    assert promise not in page(report)
    read_all(world)


def test_what_is_said_to_110_stands_in_chinese_on_the_english_page(world: World) -> None:
    report = reported(world)
    shown = page(report, "en")
    for words in ("我被骗了，请紧急止付。", "qǐng jǐnjí zhǐfù", "Please stop the payment", "户名 Name", "账号 Account"):
        assert words in shown
    assert "qǐng" not in page(report)
