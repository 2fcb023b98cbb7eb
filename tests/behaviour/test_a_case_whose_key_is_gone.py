"""Its key was destroyed while pages of it were open: each press says that nothing was done, and what to do now.

Every address of a case is asked; a new one has to be added to the tables here.
"""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from tests.behaviour.stories import read_all, reported
from tests.behaviour.test_one_spoiled_row_hides_no_other import spoil
from tests.behaviour.test_the_counselor_s_record import CENTRE, centre, counselor
from tests.behaviour.test_uploads_are_clean import picture
from tests.world import STUDENT, Report, World

# What a student's page sends, and what of it comes back; a picture stays on their phone.
STUDENT_POSTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "/unsafe": ({}, ("tel:12356",)),
    "/withdraw": ({}, ("tel:12356",)),
    "/sent": ({"amount": "38600", "channel": "wechat", "payee_account": "wxid-4417"}, ("38600", "wxid-4417")),
    "/more/who": ({"name": "金丝雀", "student_no": "2026010101"}, ("金丝雀", "2026010101", "tel:12356")),
    "/more/phone": ({"phone": "13912345678"}, ("13912345678", "tel:12356")),
    "/more/police": ({"called": "yes", "incident": "J-4417"}, ("J-4417", "tel:12356")),
    "/screenshots": ({}, ("tel:12356",)),
}
STUDENT_GETS = ("", "/more", "/more/who", "/screenshots")
COUNSELOR_POSTS = {
    "contact": {"contact": "call_30m", "reached": "yes", "sign": "tears", "note": "金丝雀"},
    "background": {"family": "金丝雀", "shown_family": "", "money_source": "学费"},
    "handover": {"person": "C03"},
    "dated": {"purpose": "loan", "day": "2026-12-25"},
    "family": {"consent": "no", "reason": "金丝雀", "by": "金老师"},
    "refer": {},
    "safe": {},
    "danger": {"danger": "yes"},
    "close": {"debt": "plan", "told": "1"},
    "reopen": {},
}
DUTY_POSTS = {
    "acknowledge": {},
    "outcome": {"transfer": "1", "outcome": "stopped", "amount": "38600", "number": "J-4417"},
    "ask": {},
    "stop-again": {"transfer": "1"},
    "voice": {"voice": "called"},
    "kind": {"kind": "BX"},
    "close": {},
    "reopen": {},
    "review": {"step": "filed", "text": "金丝雀"},
}
DUTY_GETS = ("", "/sheet", "/sheet.pdf", "/sheet.json", "/review", "/uploads/00000000-0000-0000-0000-000000000001")
CENTRE_POSTS = {
    "note": ({"note": "金丝雀", "seen": "1"}, {"zh": "金丝雀", "en": "金丝雀"}),
    "screening": ({"phq2_1": "3", "asq1": "no"}, {"zh": "几乎每天", "en": "Nearly every day"}),
    "screening/consent": ({"said": "given", "how": "writing", "asker": "金丝雀"}, {"zh": "书面", "en": "In writing"}),
}
KEEPER_POSTS = {"read": {"reason": "核对台账"}, "background": {"family": "金丝雀", "money_source": "学费"}}
LANGUAGES = {"zh": ("打不开", r"没有(保存|记录|通知)"), "en": ("cannot be opened", "Nothing was|Nobody was")}


@pytest.fixture
def report(world: World) -> Report:
    made = reported(world)
    read_all(world)
    return made


def says(answer: TestResponse, lang: str, *words: str, pressed: bool = True) -> None:
    cannot, nothing = LANGUAGES[lang]
    assert answer.status_code == 410, answer.text
    assert cannot in answer.text and "tel:110" in answer.text
    assert re.search(nothing, answer.text) or not pressed
    assert all(word in answer.text for word in words), words


def test_every_address_of_a_case_is_in_these_tables(world: World) -> None:
    rules = world.client.application.url_map.iter_rules()
    known = {f"/r/<token>{path.replace('/who', '/<slug>')}" for path in (*STUDENT_POSTS, *STUDENT_GETS)}
    known |= {f"/desk/followups/<code>/{path}" for path in COUNSELOR_POSTS}
    known |= {f"/duty/<code>/{path}" for path in DUTY_POSTS}
    known |= {f"/duty/<code>{re.sub('/0.*', '/<uuid:upload>', path)}" for path in DUTY_GETS}
    known |= {f"/desk/care/<code>/{path}" for path in CENTRE_POSTS} | {"/desk/followups/<code>", "/desk/care/<code>"}
    known |= {f"/desk/ledger/<code>/{path}" for path in KEEPER_POSTS} | {"/desk/ledger/<code>"}
    ours = ("/r/", "/duty/<code>", "/desk/followups/<", "/desk/care/<", "/desk/ledger/<")
    assert {rule.rule for rule in rules if rule.rule.startswith(ours)} <= known


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_student_hears_that_nothing_was_done_and_gets_back_what_they_typed(
    world: World, report: Report, lang: str
) -> None:
    spoil(world, report.code, row_key=b"")
    world.client.set_cookie("lang", lang)
    if lang == "en":
        world.client.get("/?lang=en")
    for path, (form, words) in STUDENT_POSTS.items():
        data = {**form, "lang": lang}
        if path == "/screenshots":
            data["picture"] = (io.BytesIO(picture()), "a.jpg")
        says(world.client.post(f"/r/{report.token}{path}", data=data), lang, *words)
    for path in STUDENT_GETS:
        answer = world.client.get(f"/r/{report.token}{path}")
        assert path == "/screenshots" or answer.status_code == 410
        if answer.status_code == 410:
            says(answer, lang, "tel:12356", pressed=False)
    assert world.client.get(f"/api/v1/reports/{report.token}").status_code == 200  # states and times are still there
    world.pump()
    world.phones.assert_all_read()


@pytest.mark.parametrize("row_key", [b"", b"gone:" + bytes(60)])
def test_the_money_has_gone_is_one_press_from_a_new_report(world: World, row_key: bytes) -> None:
    answer = world.client.post("/warn", data={"phone": STUDENT, "submission_key": "w"})
    token = answer.location.rsplit("/", 1)[1]
    world.pump()
    read_all(world)
    (row,) = world.rows("SELECT code FROM cases")
    spoil(world, row.code, row_key=row_key)
    form = {"amount": "38600", "channel": "wechat", "payee_account": "wxid-4417"}
    for amount in ("x", "38600"):  # also where the amount is at fault
        page = world.client.post(f"/r/{token}/sent", data={**form, "amount": amount})
        assert page.status_code == 410 and "先打110" in page.text and f'value="{amount}"' in page.text
    key = re.search(r'name="submission_key" value="([^"]+)"', page.text)
    assert key and re.search(r'value="wechat" checked', page.text)
    anew = world.client.post("/report", data={**form, "phone": STUDENT, "submission_key": key[1]})
    assert anew.status_code == 303 and world.client.get(anew.location).status_code == 200
    world.pump()
    assert any("紧急止付" in text.body for text in world.phones.unread(world.phones["officer"].number))
    read_all(world)


def test_its_code_and_phone_open_no_more_than_those_of_nobody(world: World, report: Report) -> None:
    spoil(world, report.code, row_key=b"")
    for code in (report.code, "K7M3P"):
        form = {"code": code, "phone": STUDENT, "digits": "123456"}
        answers = [world.client.post(path, data=form) for path in ("/reopen", "/reopen/check")]
        assert [it.status_code for it in answers] == [200, 422]
    world.pump()
    world.phones.assert_all_read()


def pressed(world: World, client: FlaskClient, path: str, form: dict[str, str], lang: str) -> None:
    client.get(f"/desk?lang={lang}")
    client.set_cookie("lang", lang)
    typed = [
        said
        for name, said in form.items()
        if name in ("note", "family", "money_source", "text", "number", "day", "reason", "by")
    ]
    says(world.press(client, path, **form), lang, *typed)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_staff_hear_that_nothing_was_done_and_get_back_what_they_typed(world: World, report: Report, lang: str) -> None:
    mine, theirs, police = counselor(world), centre(world), world.user("o", "officer", world.phones["officer"].number)
    office = world.user("xuanyuan", "security", world.phones["office"].number)
    keeper = world.user("yuwen", "keeper", None, world.college)
    world.press(mine, f"/desk/followups/{report.code}/refer")
    world.press(police, f"/duty/{report.code}/acknowledge")
    world.pump()
    read_all(world)
    spoil(world, report.code, row_key=b"")
    for deed, form in COUNSELOR_POSTS.items():
        form = {**form, "person": world.person("C03")} if deed == "handover" else form
        pressed(world, office if deed == "danger" else mine, f"/desk/followups/{report.code}/{deed}", form, lang)
    pressed(world, office, f"/desk/followups/{report.code}/close", {"sign": "1"}, lang)
    for deed, (form, back) in CENTRE_POSTS.items():
        pressed(world, theirs, f"/desk/care/{report.code}/{deed}", form, lang)
        assert back[lang] in world.press(theirs, f"/desk/care/{report.code}/{deed}", **form).text
    told = world.press(theirs, f"/desk/followups/{report.code}/family", **COUNSELOR_POSTS["family"])
    assert 'href="/desk/care"' in told.text and 'class="call" href="/desk/followups"' not in told.text  # their own list
    for deed, form in DUTY_POSTS.items():
        client = office if deed in ("reopen", "review") else police
        pressed(world, client, f"/duty/{report.code}/{deed}", form, lang)
    for deed, form in KEEPER_POSTS.items():
        pressed(world, keeper, f"/desk/ledger/{report.code}/{deed}", form, lang)
    says(world.press(keeper, f"/desk/ledger/{report.code}/read"), lang, 'class="call" href="/desk/ledger"')
    for path, client in (
        (f"/desk/followups/{report.code}", mine), (f"/desk/ledger/{report.code}", keeper),
        (f"/desk/care/{report.code}", theirs),
        (f"/desk/care/{report.code}/screening", theirs),
        *((f"/duty/{report.code}{path}", office) for path in DUTY_GETS if path != "/sheet.json"),
    ):  # fmt: skip
        says(client.get(path), lang, report.code, pressed=False)
    assert LANGUAGES[lang][0] in office.get(f"/duty/{report.code}/sheet.json").get_json()["detail"]
    world.pump()
    world.phones.assert_all_read()


@pytest.mark.parametrize(
    ("deed", "form"), [("screening", {"asq3": "yes", "asq5": "yes"}), ("note", {"danger": "yes", "note": "在天台"})]
)
def test_so_the_centre_hears_of_what_it_wrote_itself(
    world: World, report: Report, deed: str, form: dict[str, str]
) -> None:
    theirs = centre(world)
    world.press(counselor(world), f"/desk/followups/{report.code}/refer")
    world.pump()
    read_all(world)
    spoil(world, report.code, row_key=b"")
    with capture_logs() as logs:
        answer = world.press(theirs, f"/desk/care/{report.code}/{deed}", **form)
    says(answer, "zh", "没有通知任何人：不要让学生独处", "tel:120")
    assert {"event": "danger_unheard", "code": report.code, "log_level": "error"} in logs


@pytest.mark.parametrize("danger", ["yes", "refused"])
def test_that_nobody_was_rung_for_one_in_danger_is_said_first_and_logged(
    world: World, report: Report, danger: str
) -> None:
    mine = counselor(world)
    spoil(world, report.code, row_key=b"")
    form = {"contact": "call_30m", "reached": "yes", "danger": danger, "note": "在天台"}
    with capture_logs() as logs:
        answer = world.press(mine, f"/desk/followups/{report.code}/contact", **form)
    says(answer, "zh", "没有通知任何人：不要让学生独处", "tel:120", "在天台", f"tel:{world.phones[CENTRE].number}")
    assert {"event": "danger_unheard", "code": report.code, "log_level": "error"} in logs
    assert "在天台" not in str(logs)


@pytest.mark.parametrize(("role", "deed"), [("psychologist", "care/{}/note"), ("security", "followups/{}/danger")])
def test_so_do_the_centre_and_the_office(world: World, report: Report, role: str, deed: str) -> None:
    """What their boxes send."""
    world.press(counselor(world), f"/desk/followups/{report.code}/refer")
    read_all(world)
    client = world.user("somebody", role)
    place = "care" if role == "psychologist" else "followups"
    box = re.search(r'name="danger" value="(\w+)"', client.get(f"/desk/{place}/{report.code}").text)
    spoil(world, report.code, row_key=b"")
    assert box
    answer = world.press(client, f"/desk/{deed.format(report.code)}", danger=box[1])
    says(answer, "zh", "没有通知任何人：不要让学生独处", "tel:120", f"tel:{world.phones[CENTRE].number}")
