"""Gaps of the week: what is told from the moments at which shifts and nights begin is what every minute would tell."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from ledger import escalation
from ledger.ready import gaps
from ledger.ready.lineup import ALL_KINDS, STAFF, Lineup
from ledger.ringing import ladders
from ledger.school.people import DEFAULT, Person
from ledger.school.shifts import Shift
from ledger.store.crypto import RowKey

SHANGHAI = ZoneInfo("Asia/Shanghai")
TUESDAY = datetime(2026, 11, 24, 6, 40, tzinfo=UTC)  # 14:40 in Shanghai
MINUTE = timedelta(minutes=1)


def lineup(*duty: tuple[str, str, str, str, str], zone: ZoneInfo = SHANGHAI, staff: bool = False) -> Lineup:
    """College, role, days, start, end of each shift; one person has them all. Two colleges, A and B.

    `staff`: whether anybody on the roster is a member of staff.
    """
    somebody = Person(UUID(int=1), "officer", "x", "x", "+8613800000001", "zh", None, None, RowKey(bytes(32)))
    names = {"A": "A", "B": "B", DEFAULT: ""}
    climbed = {(kind, code): ladders.from_rows([], kind, code) for kind in ALL_KINDS for code in names}
    held = [Shift(college, role, somebody.id, *times) for college, role, *times in duty]
    row = {"id": somebody.id, "active": True}
    return Lineup(names, held, climbed, [], {somebody.id: row}, {somebody.id: somebody}, [], zone, staff)  # type: ignore[dict-item]  # as much of a row as is asked for


def found(roster: Lineup, now: datetime = TUESDAY) -> list[gaps.Gap]:
    moments = gaps.moments(roster.shifts, now, roster.zone)
    return gaps.ahead(roster, [roster.at(moment) for moment in moments], roster.names)


def said(gap: gaps.Gap, zone: ZoneInfo = SHANGHAI) -> list[str]:
    return [f"{span.begins.astimezone(zone):%a %H:%M}-{span.ends.astimezone(zone):%a %H:%M}" for span in gap.spans]


ALWAYS = tuple((DEFAULT, role, "1-7", "00:00", "00:00") for role in ("desk", "counselor", "office"))


def test_a_full_week_has_no_gap() -> None:
    assert (
        found(lineup(*ALWAYS, (DEFAULT, "officer", "1-7", "08:00", "20:00"), ("*", "officer", "1-7", "20:00", "08:00")))
        == []
    )


def test_nights_without_an_officer_are_one_gap_of_all_who_share_it() -> None:
    (gap,) = found(
        lineup(*ALWAYS, (DEFAULT, "officer", "1-7", "08:00", "20:00"), ("A", "officer", "1-7", "20:00", "08:00"))
    )
    assert (gap.kind, gap.nobody, gap.duties, gap.colleges) == ("police", False, ("officer",), ("B", DEFAULT))
    assert said(gap)[0] == "Tue 20:00-Wed 08:00" and said(gap)[-1] == "Mon 20:00-Tue 08:00" and len(gap.spans) == 7


def test_a_weekend_without_anybody_comes_before_an_empty_first_step() -> None:
    week = ((DEFAULT, role, "1-5", "00:00", "00:00") for role in ("officer", "desk"))
    gone, first, warned = found(
        lineup(*week, (DEFAULT, "office", "1-7", "00:00", "00:00"), ("A", "counselor", "1-7", "00:00", "00:00"))
    )
    assert gone.nobody and said(gone) == ["Sat 00:00-Mon 00:00"] and gone.kind == "police"
    assert (first.kind, first.nobody, first.duties) == ("counselor", False, ("college_duty", "counselor"))
    assert first.spans == (gaps.Span(TUESDAY, TUESDAY + gaps.AHEAD),)  # the office is only the last step
    assert (warned.kind, warned.nobody, said(warned)) == ("dissuade", False, ["Sat 00:00-Mon 00:00"])


def test_by_night_the_second_step_stands_in_for_the_first() -> None:
    """From 22 to 7 the first two counselor's steps are one; only by day is the first one alone, and empty."""
    (gap,) = found(
        lineup(
            *ALWAYS[:1],
            (DEFAULT, "officer", "1-7", "00:00", "00:00"),
            (DEFAULT, "college_duty", "1-7", "00:00", "00:00"),
        )
    )
    assert (gap.kind, gap.colleges, gap.duties) == ("counselor", (DEFAULT,), ("counselor",))
    assert said(gap)[:2] == ["Tue 14:40-Tue 22:00", "Wed 07:00-Wed 22:00"]


OFFICERS = (DEFAULT, "officer", "1-7", "00:00", "00:00")
OFFICE_HOURS = ("1-5", "08:00", "18:00")


def test_a_member_of_staff_has_the_liaison_whose_weekends_are_empty() -> None:
    """A student has the college's duty at every hour; by night whoever is on the second step is rung at once."""
    college_duty = (DEFAULT, "college_duty", "1-7", "00:00", "00:00")
    shifts = (*ALWAYS, OFFICERS, college_duty, (DEFAULT, "liaison", *OFFICE_HOURS), ("A", "liaison", *college_duty[2:]))
    (gap,) = found(lineup(*shifts, staff=True))
    assert (gap.kind, gap.nobody, gap.victims, gap.duties) == ("counselor", False, ("staff",), ("liaison",))
    assert gap.colleges == ("B", DEFAULT)
    assert "Sat 07:00-Sat 22:00" in said(gap) and said(gap)[0] == "Tue 18:00-Tue 22:00"
    assert found(lineup(*shifts)) == []  # nobody on the roster is staff


def test_what_students_and_staff_lack_alike_is_one_gap() -> None:
    shifts = [(DEFAULT, role, *OFFICE_HOURS) for role in ("counselor", "college_duty", "liaison")]
    (gap,) = found(lineup(*ALWAYS[:1], *ALWAYS[2:], OFFICERS, *shifts, staff=True))
    assert (gap.kind, gap.victims) == ("counselor", ("student", "staff"))
    assert gap.duties == ("college_duty", "counselor", "liaison") and gap.colleges == ("A", "B", DEFAULT)
    shifts[2] = (DEFAULT, "liaison", "1-5", "08:00", "17:00")
    assert [gap.victims for gap in found(lineup(*ALWAYS[:1], *ALWAYS[2:], OFFICERS, *shifts, staff=True))] == [
        ("staff",),  # whose hours begin sooner
        ("student",),
    ]


def test_no_more_moments_for_more_colleges() -> None:
    one = [Shift("A", "officer", UUID(int=1), "1-7", "08:00", "20:00")]
    many = [Shift(f"C{n}", "officer", UUID(int=n), "1-7", "08:00", "20:00") for n in range(100)]
    assert gaps.moments(one, TUESDAY, SHANGHAI) == gaps.moments(many, TUESDAY, SHANGHAI)
    assert len(gaps.moments(many, TUESDAY, SHANGHAI)) == 1 + 7 * 4


ASKED = [(kind, "student") for kind in ALL_KINDS] + [("counselor", "staff"), ("dissuade", "staff")]


@pytest.mark.parametrize(("zone", "now"), [
    ("Asia/Shanghai", TUESDAY),
    ("Europe/Berlin", datetime(2026, 10, 22, 11, 3, tzinfo=UTC)),  # on Sunday 02:00 to 03:00 comes twice
    ("Europe/Berlin", datetime(2027, 3, 25, 22, 58, tzinfo=UTC)),  # on Sunday it does not come at all
    ("Australia/Lord_Howe", datetime(2027, 4, 1, 6, 40, tzinfo=UTC)),  # half an hour twice
])  # fmt: skip
def test_every_minute_of_the_week_would_say_the_same(zone: str, now: datetime) -> None:
    chance = random.Random(7)
    for _ in range(4):
        roster = lineup(*some_shifts(chance), zone=ZoneInfo(zone), staff=True)
        spans = {
            (gap.kind, victim, college, gap.nobody): gap.spans
            for gap in found(roster, now)
            for college in gap.colleges
            for victim in gap.victims
        }
        for n in range(7 * 24 * 60):
            standing = roster.at(now + n * MINUTE)
            for kind, victim in ASKED:
                steps = [bool(called) for _, called in standing.steps(kind, "A", STAFF if victim == "staff" else None)]
                for nobody, holds in ((True, not any(steps)), (False, any(steps) and not steps[0])):
                    its = spans.get((kind, victim, "A", nobody), ())
                    inside = any(s.begins <= standing.moment < s.ends for s in its)
                    assert inside == holds, (standing.moment, kind, victim, nobody)


def some_shifts(chance: random.Random) -> Iterator[tuple[str, str, str, str, str]]:
    for role in ("officer", "backup", "desk", "college_duty", "counselor", "office", "liaison"):
        for college in ("A", DEFAULT):
            clocks = (f"{chance.randrange(24):02}:{chance.choice((0, 30, 50)):02}" for _ in range(2))
            yield college, role, chance.choice(("1-7", "1-5", "6-7", "7", "2,4")), *clocks  # type: ignore[misc]


def test_the_night_is_that_of_the_ladder() -> None:
    clocks = {moment.astimezone(SHANGHAI).time() for moment in gaps.moments([], TUESDAY, SHANGHAI)[1:]}
    assert clocks == {escalation.NIGHT_BEGINS, escalation.NIGHT_ENDS}
