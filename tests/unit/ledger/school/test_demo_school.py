"""The made-up school: complete at every hour, and clearly nobody's."""

from collections import Counter

from ledger import escalation
from ledger.school.demo_school import demo_school
from ledger.school.schoolcheck import first_gap
from ledger.values import parse_phone

SCHOOL = demo_school()


def test_size() -> None:
    roles = Counter(person.role for person in SCHOOL.people)
    assert (len(SCHOOL.colleges), len(SCHOOL.classes)) == (2, 4)
    assert (roles["student"], roles["officer"], roles["counselor"], roles["desk"]) == (40, 4, 3, 2)
    assert SCHOOL.people[-1].student_no == "2026020210"


def test_every_name_and_number_is_made_up_and_can_be_dialled() -> None:
    assert all(person.name.startswith("测试") for person in SCHOOL.people)
    assert all(person.phone.startswith("+861380000") for person in SCHOOL.people)
    assert all(parse_phone(person.phone) == person.phone for person in SCHOOL.people)
    assert len({person.phone for person in SCHOOL.people}) == len(SCHOOL.people)


def test_names_read_well_in_a_stand_down() -> None:
    called = [person.called for person in SCHOOL.people if person.role == "officer"]
    assert f"K7M3P已有人接单（{called[0]}03:14），您无需再处理。" == "K7M3P已有人接单（欧阳警官03:14），您无需再处理。"


def test_somebody_is_there_for_every_target_at_every_hour() -> None:
    for target in set(escalation.TARGETS) - {"stand_in", "centre"}:
        assert first_gap(row for row in SCHOOL.duty if row.college == "*" and row.role == target) is None
    assert any(person.role == "psychologist" for person in SCHOOL.people)  # the centre has no shifts


def test_its_ladders_are_the_default_ones() -> None:
    for kind, ladder in escalation.DEFAULTS.items():
        rows = [(row.after_s, row.targets) for row in SCHOOL.ladder if row.obligation == kind]
        assert escalation.ladder_of(rows) == ladder
