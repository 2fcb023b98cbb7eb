"""Reached is not filed: half an hour after the report the office and the officer see it, and the owner is told once."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from ledger import tables as t
from tests.behaviour.stories import read_all, taken
from tests.behaviour.test_drills_touch_nobody import start
from tests.world import Report, World

ZH, EN = "已联系未报送，超过30分钟", "Reached, not filed for over 30 min"


def press(world: World, office: FlaskClient, report: Report, **form: str) -> None:
    assert world.press(office, f"/duty/{report.code}/outcome", **form).status_code == 303


def shown(office: FlaskClient) -> list[bool]:
    """On board and list, in both languages."""
    pages = ((path, lang) for path in ("/desk/board", "/duty") for lang in ("zh", "en"))
    return [{"zh": ZH, "en": EN}[lang] in office.get(f"{path}?lang={lang}").text for path, lang in pages]


def only_reached(world: World, office: FlaskClient) -> Report:
    report = taken(world)
    world.until(300)
    press(world, office, report, progress="contacted")
    return report


def test_from_the_deadline_on_it_is_shown_and_its_owner_is_told_once(world: World, office: FlaskClient) -> None:
    report = only_reached(world, office)
    world.until(1799)
    world.phones.assert_all_read()
    assert shown(office) == [False] * 4
    world.until(1800)
    world.phones["officer"].expects(report.code, "报案已30分钟", "已联系报案人", "尚未报送")
    assert shown(office) == [True] * 4
    row = office.get("/desk/board?lang=zh").text.split(ZH)[1]
    assert f'<b class="code">{report.code}</b> 欧阳警官' in row[:200]
    press(world, office, report, progress="contacted")  # once more, which files nothing
    world.until(4 * 3600)
    world.phones.assert_all_read()
    assert shown(office) == [True] * 4
    assert report.status()["obligations"]["police"]["late"] is False  # that is: not acknowledged in time
    assert len(report.events("case.owner_reminded.v1")) == 1


@pytest.mark.parametrize("form", [
    {"progress": "filed"}, {"progress": "accepted_110"}, {"transfer": "1", "outcome": "stopped", "amount": "100"},
    {"transfer": "1", "outcome": "accepted_110"},
])  # fmt: skip
@pytest.mark.parametrize("at", [1700, 2000])
def test_what_is_filed_or_has_an_outcome_is_over(
    world: World, office: FlaskClient, form: dict[str, str], at: int
) -> None:
    report = only_reached(world, office)
    world.until(at)
    if at > 1800:
        world.phones["officer"].expects(report.code, "尚未报送")
    press(world, office, report, **form)
    world.until(3600)
    world.phones.assert_all_read()
    assert shown(office) == [False] * 4


def test_a_transfer_that_came_after_an_outcome_has_half_an_hour_of_its_own(world: World, office: FlaskClient) -> None:
    report = only_reached(world, office)
    press(world, office, report, transfer="1", outcome="stopped", amount="100")
    world.until(7200)
    world.client.post(f"/r/{report.token}/more/transfer", data={"page": "p", "amount": "500"})
    read_all(world)
    press(world, office, report, progress="contacted")
    world.until(7200 + 1799)
    read_all(world)
    assert shown(office) == [False] * 4
    world.until(7200 + 1800)
    world.phones["officer"].expects(report.code, "已联系报案人", "尚未报送")
    assert shown(office) == [True] * 4


def test_an_outcome_of_one_transfer_ends_no_watch_over_another(world: World, office: FlaskClient) -> None:
    report = only_reached(world, office)
    world.client.post(f"/r/{report.token}/more/transfer", data={"page": "p", "amount": "500"})
    read_all(world)
    press(world, office, report, progress="contacted")
    press(world, office, report, transfer="1", outcome="stopped", amount="100")
    world.until(300 + 1799)
    world.phones.assert_all_read()
    world.until(300 + 1800)
    world.phones["officer"].expects(report.code, "已联系报案人", "尚未报送")


def test_where_its_owner_has_left_the_office_is_told(world: World, office: FlaskClient) -> None:
    report = only_reached(world, office)
    with world.parts.ledger.engine.begin() as conn:
        conn.execute(update(t.people).where(t.people.c.key == "O01").values(active=False))
    world.until(1800)
    world.phones["office"].expects(report.code, "已联系报案人", "尚未报送")


def test_nobody_is_asked_to_file_the_stop_of_a_drill(world: World, office: FlaskClient) -> None:
    drill = start(world, college="WY")
    world.phones.catch_up()
    press(world, office, drill, progress="contacted")
    world.until(2400)
    assert drill.state("police") == "contacted" and shown(office) == [False] * 4
    assert "progress" not in {row.kind for row in world.rows("SELECT kind FROM deliveries")}
