"""The second door, 还没转: a phone alone rings the counselor and the duty desk; one tap makes it a report."""

from __future__ import annotations

import pytest

from tests.behaviour.door_tools import cases, unread
from tests.behaviour.stories import read_all
from tests.world import Report, World

STUDENT = "138 0000 0001"


def warned(world: World, **form: str) -> Report:
    answer = world.client.post("/warn", data={"phone": STUDENT, **form})
    assert answer.status_code == 303
    token = answer.location.rsplit("/", 1)[1]
    code = world.client.get(f"/api/v1/reports/{token}").get_json()["case"]
    return Report(world, code, token, duplicate=False)


def all_rung(world: World, report: Report) -> None:
    world.phones["counselor"].expects(report.code, "劝")
    world.phones["desk"].expects(report.code, "劝")
    world.phones["counselor"].expects(report.code, "30分钟内致电")
    world.phones["student"].expects(report.code)


def test_a_phone_alone_rings_counselor_and_duty_desk(world: World) -> None:
    report = warned(world)
    all_rung(world, report)
    assert report.status()["obligations"].keys() == {"dissuade", "counselor", "care"}
    assert "先别转。挂断电话。" in world.client.get(f"/r/{report.token}").text


def test_the_first_screen_has_both_doors_and_110_before_them(world: World) -> None:
    page = world.client.get("/").text
    places = [page.index(words) for words in ("tel:110", "还没转，正被催", "先别转。挂断电话。", "<h1>钱已转出")]
    assert places == sorted(places)


@pytest.mark.parametrize(("typed", "said"), [("", "请填写手机号"), ("abc", "看不懂这个手机号")])
def test_a_number_that_cannot_be_read_is_asked_for_again(world: World, typed: str, said: str) -> None:
    before = cases(world)
    answer = world.client.post("/warn", data={"phone": typed})
    assert answer.status_code == 422
    assert said in answer.text
    assert '<details class="warn" open>' in answer.text
    assert cases(world) == before


def test_the_same_send_again_is_the_same_case(world: World) -> None:
    first = warned(world, submission_key="once")
    again = warned(world, submission_key="once", phone="13800000001")
    assert (again.code, cases(world)) == (first.code, 1)
    all_rung(world, first)


def test_one_tap_makes_it_a_report_that_rings_officers_and_nobody_dissuades_any_more(world: World) -> None:
    report = warned(world)
    all_rung(world, report)
    world.call_the_student(report)
    for _ in range(2):
        sent = world.client.post(f"/r/{report.token}/sent", data={"amount": "3800", "channel": "wechat"})
        assert sent.status_code == 303
    alert = world.phones["officer"].expects("紧急止付", report.code, "3800元")
    empty = world.client.post(f"/r/{report.token}/sent", data={"amount": ""})  # nor does one that says nothing any more
    assert (empty.status_code, empty.headers["Location"]) == (303, f"/r/{report.token}")
    assert report.status()["obligations"].keys() == {"police", "counselor", "care"}
    assert len(report.events("report.converted.v1")) == 1
    assert "对订单有疑惑" in world.client.get(f"/r/{report.token}").text
    desk = world.user("baoan", "security")
    assert report.code in desk.get("/duty").text
    assert desk.get(f"/duty/{report.code}").status_code == 200
    alert.replies(report.code).expects("由您接单")
    world.advance(599)
    world.phones.assert_all_read()


def test_what_is_said_of_the_money_and_cannot_be_read_is_kept_for_the_officer(world: World) -> None:
    report = warned(world)
    all_rung(world, report)
    form = {"amount": "3800", "channel": "骗子的钱包", "payee_account": "不知道"}
    assert world.client.post(f"/r/{report.token}/sent", data=form).status_code == 303
    world.phones["officer"].expects("紧急止付", report.code, "3800元", "缺")
    assert unread(world, report.code) == {"channel": "骗子的钱包", "payee_account": "不知道"}
    page = world.user("baoan", "security").get(f"/duty/{report.code}?lang=zh").text
    assert "骗子的钱包" in page and "不知道" in page


def test_without_an_amount_the_page_asks_for_it(world: World) -> None:
    report = warned(world)
    all_rung(world, report)
    answer = world.client.post(f"/r/{report.token}/sent", data={"amount": ""})
    assert answer.status_code == 422
    assert "请填写金额" in answer.text
    assert "police" not in report.status()["obligations"]


def test_no_page_speaks_of_money_that_has_not_gone(world: World) -> None:
    report = warned(world)
    all_rung(world, report)
    world.clock.advance(11 * 60)
    desk, counselor = world.user("s", "security"), world.user("c", "counselor", world.phones["counselor"].number)
    assert "超时无人接手，请马上致电" in desk.get("/duty?lang=zh").text
    case = desk.get(f"/duty/{report.code}?lang=zh").text
    assert "谁来接手" in case and "待接手" in case and "接单" not in case
    assert "先说：先别转，挂断电话。" in counselor.get(f"/desk/followups/{report.code}?lang=zh").text
    figures = desk.get("/desk/figures?lang=zh").text
    assert "还没转" in figures and "0 元" not in figures
    listed = world.client.get(f"/r/{report.token}/more?lang=zh").text
    assert "是谁的事" in listed and "这笔钱从哪来" not in listed
    assert world.client.get(f"/r/{report.token}/more/money").status_code == 404
    read_all(world)
