"""Pages that few people ever see, and those on the worst day: the ledger away, too many tries, an invitation, a danger
to life, a signature, a case that is over. All stand as well as the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from bench.years import school as school_of_thirty
from ledger.export import exports
from ledger.export.exports import Period
from ledger.followups import CADENCE
from ledger.reporting.additions import MAX_TRANSFERS
from ledger.school import roster
from ledger.school.demo_school import demo_school
from ledger.school.schoolrows import School
from ledger.staff import attempts
from tests.behaviour.door_tools import FORM, a_client, ledger_away
from tests.behaviour.export_tools import answer, ask, newest
from tests.behaviour.stories import SQLITE, days_later, read_all, reported
from tests.behaviour.test_a_new_stop_is_owed import add
from tests.behaviour.test_a_student_who_declines import answers, ask_the_centre
from tests.behaviour.test_drills_touch_nobody import end, start
from tests.behaviour.test_few_tries_from_one_address import guess_code
from tests.behaviour.test_invitations_and_remembered_phones import invite
from tests.behaviour.test_readiness_is_seen_before_it_rings import drilled, full_of_faults
from tests.behaviour.test_the_counselor_s_record import centre, complete, contact, counselor
from tests.browser.looks import assert_fit_to_use
from tests.world import PUBLIC, World, another_fraud, csrf

pytestmark = [
    SQLITE,
    pytest.mark.parametrize(("device", "lang"), [("phone", "zh"), ("phone", "en"), ("desktop", "en")]),
]
Show = Callable[..., Page]


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_about: object) -> None:
        """Say nothing."""


@pytest.fixture
def show(world: World, page: Callable[..., Page], device: str, lang: str) -> Iterator[Show]:
    """`show(path, client)`: a page of this world on this screen in this language, signed in as `client` is."""
    server = make_server("127.0.0.1", 0, world.client.application, threaded=True, request_handler=_Quiet)
    address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def opened(path: str, client: FlaskClient | None = None) -> Page:
        screen = page(device)
        session = client.get_cookie("session") if client else None
        if session:
            screen.context.add_cookies([{"name": "session", "value": session.value, "url": address}])
        screen.goto(f"{address}{path}{'&' if '?' in path else '?'}lang={lang}")
        return screen

    yield opened
    server.shutdown()
    server.server_close()


@contextmanager
def spooled(world: World, path: str = "/report", **form: str) -> Iterator[str]:
    """The ledger is away, and a report waits on disk; the path of its page."""
    with ledger_away(world):
        world.parts.spooler.ask()
        answer = a_client(world).post(path, data=(FORM if path == "/report" else {}) | {"submission_key": "k"} | form)
        yield answer.headers["Location"].removeprefix(PUBLIC)
    world.pump()
    read_all(world)


def test_the_list_of_follow_ups_in_every_state(world: World, show: Show, lang: str) -> None:
    mine = counselor(world)
    for client in (mine, office := world.user("xuanyuan", "security")):
        assert_fit_to_use(show("/desk/followups", client), f"nobody, {lang}")
    reports = [world.report(**another_fraud()) for _ in range(7)]
    world.pump()
    danger, unsafe, late, signing, done, _today, week = reports
    for it in (signing, done):
        complete(world, mine, it)
    world.press(mine, f"/desk/followups/{signing.code}/close", debt="none", told="1")
    for kind in ("call_30m", "face_24h"):
        contact(world, mine, week, kind)
    world.clock.advance(31 * 60)
    contact(world, mine, danger, danger="yes")
    world.client.post(f"/r/{unsafe.token}/unsafe")
    world.pump()
    for client in (mine, office):
        screen = show("/desk/followups", client)
        for it in (danger, unsafe, late, signing, done, week):
            expect(screen.get_by_text(it.code).first).to_be_visible()
        assert_fit_to_use(screen, f"every state, {lang}")
    read_all(world)


def test_readiness_in_every_state(world: World, show: Show, lang: str) -> None:
    """Ready, with thirty colleges, with nobody, with every kind of thing to mend, and as a leader sees that."""
    office, leader = world.user("guard", "security"), world.user("dean", "leader", None, "WY")
    drilled(world, "WY", "GX", "")
    screen = show("/desk/readiness", office)
    expect(screen.locator("#verdict")).to_contain_text("准备好了" if lang == "zh" else "Ready.")
    assert_fit_to_use(screen, "ready")
    for many in (school_of_thirty(), School(), demo_school()):
        with world.parts.ledger.begin("roster") as uow:
            roster.apply(uow, many)
        assert_fit_to_use(show("/desk/readiness", office), f"{len(many.colleges)} colleges")
    full_of_faults(world)
    for client in (office, leader):
        screen = show("/desk/readiness", client)
        expect(screen.locator(".things > li").nth(6)).to_be_visible()
        assert_fit_to_use(screen, "much to mend")
    read_all(world)


def test_a_report_taken_while_the_ledger_is_away(world: World, show: Show, lang: str) -> None:
    with spooled(world, phone_unsafe="1") as path:
        screen = show(path)
        assert_fit_to_use(screen, "spooled")
        main = screen.locator("main")
        expect(main).to_contain_text("我被骗了，请紧急止付")  # 110 answers in Chinese, whatever the page is in
        expect(main).to_contain_text("换一部手机打110" if lang == "zh" else "Call 110 from another")


def test_a_warning_taken_while_the_ledger_is_away(world: World, show: Show) -> None:
    with spooled(world, "/warn", phone="13800000055") as path:
        assert_fit_to_use(show(path), "spooled, second door")


def test_a_page_that_is_away_frightens_nobody_about_what_was_sent(world: World, show: Show, lang: str) -> None:
    token = world.report().token
    read_all(world)
    with ledger_away(world):
        screen = show(f"/r/{token}")
        assert_fit_to_use(screen, "503")
        expect(screen.locator("main")).to_contain_text("报过的都在" if lang == "zh" else "What you sent before is kept")
        again = screen.locator("main a.go")
        expect(again).to_have_attribute("href", "")
    again.click()
    expect(screen.locator(".code")).to_be_visible()


def test_too_many_tries(world: World, show: Show) -> None:
    for _ in range(attempts.MOST):
        guess_code(a_client(world))
    screen = show("/reopen")
    screen.locator("#code").fill("K7M3P")
    screen.locator("#phone").fill("13800000001")
    screen.locator("main button").click()
    expect(screen.locator("main")).to_contain_text("429")
    assert_fit_to_use(screen, "429")


def test_a_safe_number_is_asked_for_once_the_phone_is_not(world: World, show: Show) -> None:
    screen = show("/")
    expect(screen.locator("#safe_phone")).to_be_hidden()
    screen.locator("[name=phone_unsafe]").check()
    expect(screen.locator("#safe_phone")).to_be_visible()
    assert_fit_to_use(screen, "unsafe phone, in the form")


def test_an_invitation(world: World, show: Show) -> None:
    screen = show(invite(world, "new"))
    assert_fit_to_use(screen, "invitation")
    screen.locator("#otp").fill("000000")
    screen.locator("#password").fill("a long enough password")
    screen.locator("button.big").click()
    expect(screen.get_by_role("alert")).to_be_visible()
    assert_fit_to_use(screen, "invitation, wrong code")
    assert_fit_to_use(show("/invite/nothing"), "no invitation")


def test_danger_and_a_second_signature(world: World, show: Show) -> None:
    report, mine = world.report(), counselor(world)
    office = world.user("guard", "security", world.phones["office"].number)
    leader = world.user("dean", "leader", None, world.college)
    away = world.report(**another_fraud())
    read_all(world)
    world.client.post(f"/r/{away.token}/unsafe")
    contact(world, mine, report, danger="yes", sign="sleep", note="室友陪着")
    world.pump()
    read_all(world)
    world.clock.advance(59 * 60)
    for path, who in (
        ("/desk/followups", mine),
        (f"/desk/followups/{report.code}", mine),
        ("/desk/care", centre(world)),
        ("/desk/board", office),
        ("/desk/figures", leader),
    ):
        assert_fit_to_use(show(path, who), path)
    world.phones["desk"].replies(report.code)
    read_all(world)
    for path in ("/desk/board", f"/desk/followups/{report.code}"):
        assert_fit_to_use(show(path, office), f"{path}, answered")
    world.press(office, f"/desk/followups/{report.code}/safe")
    complete(world, mine, report)
    world.press(world.user("zhong", "psychologist"), f"/desk/care/{report.code}/note", seen="1")
    world.press(mine, f"/desk/followups/{report.code}/close", debt="none", told="1")
    for who in (mine, office):
        assert_fit_to_use(show(f"/desk/followups/{report.code}", who), "waiting for a signature")
    world.press(office, f"/desk/followups/{report.code}/close", sign="1")
    assert_fit_to_use(show(f"/desk/followups/{report.code}", mine), "closed")
    world.pump()
    read_all(world)


def test_a_referral_that_waits_and_a_danger_that_the_office_hears_of(world: World, show: Show) -> None:
    report = reported(world)
    contact(world, counselor(world), report, need="centre")
    read_all(world)
    world.clock.advance(4 * 3600)
    world.pump()
    read_all(world)
    office, path = world.user("guard", "security"), f"/desk/followups/{report.code}"
    assert_fit_to_use(show("/desk/board", office), "a referral on the board")
    for page in (f"/duty/{report.code}", path):
        screen = show(page, office)
        screen.locator("details", has=screen.locator("[name=danger]")).locator("summary").click()
        expect(screen.locator("[name=danger]")).to_be_visible()
        assert_fit_to_use(screen, f"{page}, danger")
    screen.locator("[name=danger]").check()
    screen.locator("form", has=screen.locator("[name=danger]")).locator("button").click()
    expect(screen.locator("ol")).to_be_visible()
    assert_fit_to_use(screen, "raised")
    world.pump()
    read_all(world)


def test_a_student_who_declines_until_they_are_left_in_peace(world: World, show: Show) -> None:
    report, mine = reported(world), counselor(world)
    contact(world, mine, report, reached="declined")
    read_all(world)
    path = f"/desk/followups/{report.code}"
    assert_fit_to_use(show(path, mine), "declines, too early")
    days_later(report, 91)
    for it in CADENCE[1:]:
        contact(world, mine, report, it.kind, reached="declined")
    assert_fit_to_use(show(path, mine), "declines")
    ask_the_centre(world, mine, report)
    assert_fit_to_use(show(path, mine), "the centre was asked")
    theirs = centre(world)
    assert_fit_to_use(show(f"/desk/care/{report.code}", theirs), "the question to the centre")
    answers(world, theirs, report)
    assert_fit_to_use(show(path, mine), "left in peace")
    contact(world, mine, report, "extra", danger="no", sign="tears", page="00000001")
    mine.post(f"{path}/close", data={"debt": "none", "told": "1", "csrf_token": csrf(mine, path)})
    screen = show(path, mine)
    assert_fit_to_use(screen, "heard of again, in tears")
    read_all(world)


def test_an_export_from_the_asking_to_the_file(world: World, show: Show, lang: str) -> None:
    """Nothing asked for; a form with faults; each state of one's own; what waits for the office, the machine's too."""
    mine, office = counselor(world), world.user("guard", "security", world.phones["office"].number)
    for who in (mine, office):
        assert_fit_to_use(show("/desk/exports", who), f"nothing asked for, {lang}")
    assert_fit_to_use(show("/desk/ledger.xlsx", mine), f"not signed, {lang}")
    world.report()
    world.pump()
    screen = show("/desk/exports", mine)
    screen.locator("#first").fill("2026-11-20")
    screen.locator("#last").fill("2026-11-19")
    screen.locator("#last").evaluate("field => field.removeAttribute('max')")
    screen.locator("#reason").fill("学期总结")
    screen.locator("button.big").click()
    expect(screen.get_by_role("alert")).to_be_visible()
    expect(screen.locator("#first")).to_have_value("2026-11-20")
    assert_fit_to_use(screen, f"faults, {lang}")
    for first, said in (("2026-11-22", "refuse"), ("2026-11-23", "sign"), ("2026-11-24", "")):
        ask(world, mine, first=first, reason="向学院汇报本学期的跟进情况，" * 12)
        if said:
            answer(world, office, newest(world), said)
    with world.parts.ledger.begin("test") as uow:
        exports.made_on_the_machine(uow, Period(None, None), 1)
    screen = show("/desk/exports", mine)
    expect(screen.locator("main .rows > li")).to_have_count(3)
    assert_fit_to_use(screen, f"asked for, {lang}")
    screen = show("/desk/exports", office)
    expect(screen.locator("main .rows > li")).to_have_count(2)
    assert_fit_to_use(screen, f"to sign, {lang}")
    screen.locator("main .rows button").first.click()
    expect(screen.get_by_role("alert")).to_be_visible()
    assert_fit_to_use(show("/desk/board", office), f"alarm, {lang}")
    read_all(world)


def test_who_has_said_that_they_cannot_stands_on_the_board(world: World, show: Show, lang: str) -> None:
    report, office = world.report(), world.user("guard", "security", world.phones["office"].number)
    read_all(world)
    for name in ("officer", "backup", "desk"):
        world.phones[name].replies(f"{report.code}我在外地，找别人")
        read_all(world)
    screen = show("/desk/board", office)
    expect(screen.locator(".tried li").first).to_contain_text("表示办不了" if lang == "zh" else "Says they cannot")
    assert_fit_to_use(screen, f"nobody can come, {lang}")
    assert_fit_to_use(show("/duty", office), f"duty list, {lang}")


def test_a_case_that_is_over_promises_nothing_more(world: World, show: Show) -> None:
    report, office = world.report(), world.user("guard", "security", world.phones["office"].number)
    read_all(world)
    world.client.post(f"/r/{report.token}/withdraw")
    world.press(office, f"/duty/{report.code}/close")
    world.pump()
    read_all(world)
    screen = show(f"/r/{report.token}")
    assert_fit_to_use(screen, "closed")
    expect(screen.locator("#withdrawn")).to_have_count(0)
    expect(screen.locator("form[action$=withdraw]")).to_have_count(0)


def test_a_closed_case_that_a_further_transfer_has_opened(world: World, show: Show, lang: str) -> None:
    report, office = world.report(), world.user("guard", "security", world.phones["office"].number)
    read_all(world)
    world.press(office, f"/duty/{report.code}/close")
    add(world, report)
    read_all(world)
    said = {
        f"/duty/{report.code}": ("正在通知值班民警", "Officers on duty are being called"),
        f"/r/{report.token}": ("又有止付要办", "Another stop is to be filed"),
        "/duty": ("又有止付要办", "Another stop to file"),
        "/desk/board": ("又有止付", "another stop"),
    }
    for path, words in said.items():
        screen = show(path, None if path.startswith("/r/") else office)
        expect(screen.locator("main")).to_contain_text(words[lang == "en"])
        assert_fit_to_use(screen, path)


def test_more_transfers_than_are_listed(world: World, show: Show, lang: str) -> None:
    report = world.report(transfers=[{"amount": f"{n}.00"} for n in range(1, MAX_TRANSFERS + 1)])
    read_all(world)
    screen = show(f"/r/{report.token}/more/transfer")
    expect(screen.locator(".notice")).to_contain_text("请打110，逐笔说清" if lang == "zh" else "Call 110 and name each")
    assert_fit_to_use(screen, "no more fit")


def test_a_drill_from_its_start_to_its_end(world: World, show: Show) -> None:
    office = world.user("guard", "security", world.phones["office"].number)
    drill = start(world, college="WY", phones="1")
    assert_fit_to_use(show(f"/duty/{drill.code}", office), "drill, on duty")
    assert_fit_to_use(show(f"/r/{drill.token}"), "drill")
    end(world, drill)
    world.pump()
    read_all(world)
    screen = show(f"/r/{drill.token}")
    assert_fit_to_use(screen, "drill, over")
    expect(screen.locator(".asks")).to_have_count(0)
