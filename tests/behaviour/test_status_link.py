"""What the reporter can see behind their link: states and times, nothing that was typed, for as long as somebody is
followed up and half a year beyond."""

from __future__ import annotations

from datetime import timedelta

from ledger import codes
from ledger.care import closing, contacts, dated
from ledger.followups import CADENCE
from ledger.store import naming
from tests.behaviour.door_tools import ledger_away
from tests.behaviour.stories import days_later, only_police_ring, read_all, reported, taken
from tests.world import STUDENT, Report, World


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


def pass_(world: World, days: int, seconds: int = 0) -> None:
    world.clock.advance(days * 24 * 3600 + seconds)


def end_record(report: Report) -> None:
    with report.world.parts.ledger.begin("end") as uow:
        closing.end(uow, uow.case(naming.case_by_code(uow.conn, codes.fold(report.code))))


def opens(report: Report) -> bool:
    """Its page, its API and the page elsewhere, which agree."""
    client, world = report.world.client, report.world
    found = client.get(f"/r/{report.token}").status_code, client.get(f"/api/v1/reports/{report.token}").status_code
    before = len(report.events("reopening.asked.v1"))
    client.post("/reopen", data={"code": report.code, "phone": STUDENT})
    world.clock.advance(3600)  # else the fourth is one too many
    elsewhere = len(report.events("reopening.asked.v1")) > before
    assert (found, elsewhere) in (((200, 200), True), ((410, 410), False))
    return elsewhere


def test_it_lives_for_half_a_year_beyond_the_record(world: World) -> None:
    report = only_police_ring(world)
    pass_(world, 100)
    end_record(report)
    pass_(world, 180)
    assert world.client.get(f"/api/v1/reports/{report.token}").status_code == 200
    world.clock.advance(1)
    answer = world.client.get(f"/api/v1/reports/{report.token}")
    assert (answer.status_code, answer.content_type) == (410, "application/problem+json")
    assert world.client.get(f"/r/{report.token}").status_code == 410
    assert report.code not in answer.text
    assert not opens(report)
    read_all(world)


def test_it_lives_as_long_as_somebody_is_followed_up_and_who_is_not_safe_is_heard(world: World) -> None:
    """A loan that falls due in two years is one of their contacts."""
    report = only_police_ring(world)
    pass_(world, 181)
    assert opens(report)
    pass_(world, 600)
    assert opens(report)
    assert world.client.post(f"/r/{report.token}/unsafe").status_code == 303
    assert report.events("student.unsafe.v1")
    read_all(world)


def test_it_lives_for_half_a_year_beyond_a_contact_that_falls_due_after_the_record_ended(world: World) -> None:
    report = only_police_ring(world)
    due = world.clock.now() + timedelta(days=300)
    with world.parts.ledger.begin("dated") as uow:
        case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
        for purpose in ("loan", "card"):
            dated.add(uow, case, purpose, due + timedelta(days=300 * (purpose == "card")), "test")
        dated.take_back(uow, case, "dated_card_2", "test")  # nobody owes it any more
    pass_(world, 100)
    end_record(report)
    pass_(world, 379)
    assert opens(report)
    pass_(world, 1, 1)
    assert not opens(report)
    read_all(world)


def test_without_a_record_it_lives_for_half_a_year_beyond_the_report(world: World) -> None:
    report = world.report()
    pass_(world, 180)
    assert world.client.get(f"/r/{report.token}").status_code == 200
    world.clock.advance(1)
    assert world.client.get(f"/r/{report.token}").status_code == 410
    read_all(world)


def test_a_link_given_while_the_ledger_was_away_lives_as_long(world: World) -> None:
    with ledger_away(world):
        token = world.report().token
    world.pump()
    read_all(world)
    pass_(world, 181)
    assert world.client.get(f"/r/{token}").status_code == 200
    assert world.client.post(f"/r/{token}/unsafe").status_code == 303
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
