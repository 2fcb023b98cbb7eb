"""The report form: two fields can be missing, everything typed is kept, and pressing twice makes one case."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from tests.behaviour.door_tools import FORM, a_client, cases, ledger_away, shared_world, sheet, spool_full, unread
from tests.world import World

LANGUAGES = {"zh": "先打 110", "en": "Call 110 first"}
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


def send(world: World, key: str | None = None, **changes: Any) -> TestResponse:
    form = {**FORM, **changes} | ({"submission_key": key} if key else {})
    return a_client(world).post("/report", data={name: value for name, value in form.items() if value is not None})


def shown(page: TestResponse) -> dict[str, str]:
    """What the form on a page would send: its values, ticks and choices."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page.text):
        has = dict(re.findall(r'([a-z_-]+)="([^"]*)"', tag))
        if has.get("type") not in ("radio", "checkbox") or " checked" in tag:
            found[has["name"]] = html.unescape(has.get("value", ""))
    return found


def code_of(answer: TestResponse, world: World) -> str:
    assert answer.status_code == 303, answer.text
    page = world.client.get(answer.headers["Location"])
    assert page.status_code == 200
    code = re.search(r'class="code">([A-Z2-9]{5})<', page.text)
    assert code, page.text
    return code[1]


def test_the_form_needs_no_script_and_gives_a_key_of_its_own(door: World) -> None:
    pages = [a_client(door).get("/") for _ in range(2)]
    assert all('<form method="post" action="/report" novalidate>' in page.text for page in pages)
    assert len({shown(page)["submission_key"] for page in pages}) == 2
    assert len(shown(pages[0])["submission_key"]) >= 20
    sent = shown(pages[0]) | {"amount": "3800", "phone": "13800000001"}
    assert code_of(a_client(door).post("/report", data=sent), door)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("field, value", [
    ("amount", ""), ("amount", "很多"), ("amount", "-5"), ("amount", "0"), ("amount", None),
    ("phone", ""), ("phone", "110"), ("phone", "abc"), ("phone", "٣"), ("phone", None),
])  # fmt: skip
def test_what_is_missing_is_said_at_its_field_and_nothing_typed_is_lost(
    door: World, field: str, value: str | None, language: str
) -> None:
    before = cases(door)
    typed = {
        "payee_name": '<b>"李"</b> & 某',
        "victim_phone": "随便",
        "phone_unsafe": "1",
        "for_whom": "other",
        field: value,
    }
    page = send(door, "kept-key", lang=language, **typed)
    assert page.status_code == 422 and page.content_type == "text/html; charset=utf-8"
    assert LANGUAGES[language] in page.text
    summary = page.text.split('role="alert"')[1].split("</div>")[0]
    assert f'href="#{field}"' in summary
    assert re.search(rf'<input id="{field}"[^>]*aria-describedby="[^"]*{field}-bad"[^>]*aria-invalid="true"', page.text)
    again = shown(page)
    expected = {**FORM, **typed, field: value or "", "safe_phone": "", "submission_key": "kept-key", "lang": language}
    assert again == expected
    assert "<b>" not in page.text.split("<form")[1].split("李")[0][-20:]
    assert cases(door) == before
    mended = again | {"amount": "3800", "phone": "13800000001"}
    assert code_of(a_client(door).post("/report", data=mended), door)


def test_pressing_twice_reloading_and_trying_again_is_one_case(door: World) -> None:
    before = cases(door)
    answers = [send(door, "twice") for _ in range(4)]
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert cases(door) == before + 1


def test_the_same_key_with_another_amount_corrects_and_with_another_phone_is_another_case(door: World) -> None:
    first = send(door, "corrected").headers["Location"]
    assert send(door, "corrected", amount="5000").headers["Location"] == first
    assert send(door, "corrected", phone="13800000002").headers["Location"] != first


def test_long_keys_that_differ_in_their_tail_are_different(door: World) -> None:
    assert send(door, "k" * 300 + "1").headers["Location"] != send(door, "k" * 300 + "2").headers["Location"]


def test_without_a_key_every_post_is_a_report(door: World) -> None:
    assert send(door).headers["Location"] != send(door).headers["Location"]


def test_a_multipart_form_is_taken(door: World) -> None:
    answer = a_client(door).post("/report", data=FORM, content_type="multipart/form-data")
    assert sheet(door, code_of(answer, door))["transfers"][0]["amount"] == "38,600"


def test_only_the_two_fields_are_enough(door: World) -> None:
    answer = a_client(door).post("/report", data={"amount": "１.２万", "phone": " +86 138-0000-0001 "})
    facts = sheet(door, code_of(answer, door))
    assert (facts["transfers"][0]["amount"], facts["reporter"]["phone"]) == ("12,000", "+8613800000001")


@pytest.mark.parametrize(
    "value", ["\x00", "\u202e反", "💥" * 500, "'; DROP TABLE cases; --", "=1+1", "a" * 50_000, "{{7*7}}", "\r\n"]
)
def test_nonsense_in_every_optional_field_never_refuses(door: World, value: str) -> None:
    optional = ("channel", "when", "payee_account", "payee_name", "phone_unsafe", "for_whom", "victim_phone")
    code = code_of(send(door, value, lang=value, **dict.fromkeys(optional, value)), door)
    if value.strip("\x00\r\n"):
        assert {"channel", "when", "for_whom", "victim_phone"} <= unread(door, code).keys()


@pytest.mark.parametrize(
    "raw", [b"", b"amount=%ff&phone=%fe", b"\xff\xfe=\xfa", b"&&&&", b"amount", b"a=" + b"b&a=" * 5000]
)
def test_a_form_that_cannot_be_read_is_a_page_that_asks(door: World, raw: bytes) -> None:
    before = cases(door)
    assert a_client(door).post("/report", data=raw, content_type=URLENCODED).status_code == 422
    assert cases(door) == before


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/json", "multipart/form-data", "multipart/form-data; boundary=x"]
)
def test_another_type_is_a_page_that_asks(door: World, kind: str) -> None:
    assert a_client(door).post("/report", data=json.dumps(FORM), content_type=kind).status_code == 422


def padded(kind: str, size: int) -> bytes:
    """A complete form with a name so long."""
    form = FORM | {"payee_name": "x" * size}
    if kind == URLENCODED:
        return urlencode(form).encode()
    head = '--x\r\nContent-Disposition: form-data; name="'
    return "".join([f'{head}{name}"\r\n\r\n{text}\r\n' for name, text in form.items()] + ["--x--\r\n"]).encode()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [URLENCODED, MULTIPART])
def test_over_one_mebibyte_is_a_page_with_110(door: World, kind: str, language: str) -> None:
    before = cases(door)
    page = a_client(door).post(f"/report?lang={language}", data=padded(kind, 2 << 20), content_type=kind)
    assert page.status_code == 413
    assert "tel:110" in page.text and LANGUAGES[language] in page.text
    assert cases(door) == before


@pytest.mark.parametrize("kind", [URLENCODED, MULTIPART])
def test_just_under_one_mebibyte_is_taken(door: World, kind: str) -> None:
    assert a_client(door).post("/report", data=padded(kind, 1_000_000), content_type=kind).status_code == 303


@pytest.mark.parametrize("language", LANGUAGES)
def test_with_ledger_and_spool_away_everything_typed_stays(door: World, language: str) -> None:
    typed = FORM | {"submission_key": "away", "payee_name": "张三", "lang": language}
    before, client = cases(door), a_client(door)
    with ledger_away(door), spool_full(door):
        page = client.post("/report", data=typed)
        assert page.status_code == 503 and page.headers["Retry-After"] == "2"
        assert LANGUAGES[language] in page.text
        assert shown(page) == {**typed, "victim_phone": "", "safe_phone": ""}
        gone = client.get("/r/whatever")
        assert gone.status_code == 503 and "tel:110" in gone.text
    assert cases(door) == before
    assert client.post("/report", data=shown(page)).status_code == 303
    assert client.post("/report", data=shown(page)).status_code == 303


def test_the_ledger_being_away_is_said_to_a_signed_in_browser_too(door: World) -> None:
    """Looking the user up must not break the very page that says so."""
    officer = door.user("away-officer", "officer")
    with ledger_away(door), spool_full(door):
        for method, path in (("POST", "/report"), ("GET", "/duty"), ("GET", "/r/x"), ("GET", "/desk")):
            answer = officer.open(path, method=method, data=FORM if method == "POST" else None)
            assert answer.status_code == 503, path
            assert "tel:110" in answer.text


def test_the_language_is_chosen_by_link_and_kept_by_cookie(door: World) -> None:
    client = a_client(door)
    assert 'lang="zh-CN"' in client.get("/").text.split(">")[1]
    answer = client.get("/?lang=en")
    assert '<html lang="en">' in answer.text and "HttpOnly" in answer.headers["Set-Cookie"]
    assert '<html lang="en">' in client.get("/").text
    assert '<html lang="zh-CN">' in client.get("/?lang=zh").text
    assert "Set-Cookie" not in client.get("/?lang=fr").headers
    client.set_cookie("lang", "<script>")
    assert "<script>" not in client.get("/").text.replace("<script src=", "")


def test_an_english_report_is_answered_in_english(door: World) -> None:
    send(door, "english", lang="en")
    assert door.rows("SELECT language FROM cases ORDER BY received_at DESC, id DESC LIMIT 1") == [("en",)]


def test_the_status_page_reads_nothing_back_after_a_quarter_of_an_hour(world: World) -> None:
    link = world.client.post("/report", data=FORM | {"payee_name": "独一"}).headers["Location"]
    page = world.client.get(link)
    assert "独一" in page.text and "6217 0000 0000 4417" in page.text
    assert "13800000001" not in page.text
    etag = page.headers["ETag"]
    assert world.client.get(link, headers={"If-None-Match": etag}).status_code == 304
    world.clock.advance(901)
    hidden = world.client.get(link)
    assert "独一" not in hidden.text and "4417" not in hidden.text
    assert 'role="status"' in hidden.text
    world.clock.advance(181 * 86400)
    assert world.client.get(link).status_code == 410
    _read_all(world)


def _read_all(world: World) -> None:
    """What the long wait rang is not this test's matter."""
    world.phones.catch_up()
    for text in world.phones.unread():
        world.phones.mark_read(text)


@pytest.mark.parametrize("token", ["x", "%00", "%ff", "..%2f..", "a" * 5000, "'", "static"])
def test_a_wrong_link_is_404_with_110(door: World, token: str) -> None:
    page = door.client.get(f"/r/{token}")
    assert page.status_code == 404 and "tel:110" in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_the_account_is_asked_for_as_its_channel_has_it_without_script(world: World) -> None:
    for channel, words in (("bank", "看转账记录。"), ("wechat", "看账单里的这一笔。")):
        page = world.client.post("/report", data={"channel": channel}).text
        assert f'id="payee_account-hint">{words}' in page
    assert 'id="payee_account-hint">微信、支付宝' in world.client.get("/").text
