"""What hangs on walls and lies in pockets leads to the right page, and the notice says what happens to one's data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.behaviour.door_tools import a_client, shared_world
from tests.world import PUBLIC, World


@pytest.fixture(scope="module")
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


pytestmark = pytest.mark.parametrize("door", ["sqlite"], indirect=True)


def read(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.status
    return answer.text


def test_the_poster_says_110_before_it_shows_the_code(door: World) -> None:
    page = read(a_client(door), "/poster")
    assert page.index("tel:110") < page.index("<svg")
    assert PUBLIC.removeprefix("http://") in page


@pytest.mark.parametrize("path", ["/poster", "/privacy", "/"])
def test_pages_for_everybody_need_no_login_and_no_third_party(door: World, path: str) -> None:
    page = read(a_client(door), path)
    assert "http://" not in page.replace(PUBLIC, "").replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page


@pytest.mark.parametrize(("lang", "words"), [("zh", "另行征得您同意"), ("en", "only with your separate consent")])
def test_the_notice_speaks_both_languages(door: World, lang: str, words: str) -> None:
    page = read(a_client(door), f"/privacy?lang={lang}")
    assert words in page
    assert "2026-11" in page


def test_every_page_of_a_student_leads_to_the_notice(door: World) -> None:
    report = door.report()
    for path in ("/", f"/r/{report.token}", "/reopen", "/r/unknown"):
        assert 'href="/privacy"' in a_client(door).get(path).text, path


def test_the_card_is_for_officers_and_desk(door: World) -> None:
    for role, status in (("officer", 200), ("security", 200), ("counselor", 403), ("leader", 403)):
        client = door.user(f"card-{role}", role, college="*" if role == "leader" else None)
        assert client.get("/duty/card").status_code == status, role
    assert a_client(door).get("/duty/card").status_code in (302, 303)
    assert f"{PUBLIC}/duty" in read(door.user("card-again", "officer"), "/duty/card")
