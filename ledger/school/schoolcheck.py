"""What must hold between the rows of a school file before any of it may be applied. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ledger.school.schoolrows import DEFAULT, ClassRow, CollegeRow, DutyRow, Fault, LadderRow, PersonRow

Row = TypeVar("Row")
_DAY = 24 * 60
_WEEK = 7 * _DAY
# a role may stand a duty of another name only where it sees no more by it: officers' sheets are for officers
_MAY_STAND = {"officer": {"officer"}, "backup": {"officer"}, "counselor": {"counselor"}}


@dataclass(frozen=True)
class Placed:
    """A row, and where it stood."""

    file: str
    row: int
    headers: dict[str, str]  # our field → the header as the file spells it

    def fault(self, field: str, message: str, message_zh: str) -> Fault:
        return Fault(self.file, self.row, self.headers.get(field, field), message, message_zh)


Rows = Sequence[tuple[Placed, Row]]


def check(
    colleges: Rows[CollegeRow],
    classes: Rows[ClassRow],
    people: Rows[PersonRow],
    duty: Rows[DutyRow],
    ladder: Rows[LadderRow],
) -> list[Fault]:
    """Every fault between rows: what is named twice, what is named and missing, and what is compulsory."""
    persons = {person.key: person for _, person in people}
    known = {college.code for _, college in colleges}
    return [
        *_twice("code", ((place, college.code) for place, college in colleges)),
        *_check_colleges(colleges),
        *_twice("code", ((place, row.code) for place, row in classes)),
        *_twice("key", ((place, person.key) for place, person in people)),
        *_twice("student_no", ((place, person.student_no) for place, person in people)),
        *_twice("phone", ((place, p.phone) for place, p in people if p.role != "student")),
        *_check_classes(classes, known, persons),
        *_check_people(people, known, {row.code: row for _, row in classes}, persons),
        *check_shifts(duty, known, persons),
        *check_compulsory(duty),
        *_check_ladders(ladder, known),
    ]


def _twice(field: str, values: Iterable[tuple[Placed, str]]) -> list[Fault]:
    seen: dict[str, Placed] = {}
    faults = []
    for place, value in values:
        if value and seen.setdefault(value, place) is not place:
            row = seen[value].row
            faults.append(place.fault(field, f"the same as in row {row}", f"与第{row}行重复"))
    return faults


def _missing(place: Placed, field: str, sheet: str, zh: str) -> Fault:
    return place.fault(field, f"is not in {sheet}", f"{zh}表中没有")


def _check_colleges(colleges: Rows[CollegeRow]) -> list[Fault]:
    stands_for_all = [place for place, row in colleges if row.code == DEFAULT]
    return [place.fault("code", "stands for all colleges", "代表所有学院，不能作学院代码") for place in stands_for_all]


def _check_classes(classes: Rows[ClassRow], colleges: set[str], persons: dict[str, PersonRow]) -> list[Fault]:
    faults = []
    for place, row in classes:
        if row.college not in colleges:
            faults.append(_missing(place, "college", "colleges", "学院"))
        counselor = persons.get(row.counselor)
        if counselor is None:
            faults.append(_missing(place, "counselor", "people", "人员"))
        elif counselor.role != "counselor" or not counselor.phone:
            faults.append(place.fault("counselor", "is not a counselor with a phone", "不是有手机号的辅导员"))
    return faults


def _check_people(
    people: Rows[PersonRow], colleges: set[str], classes: dict[str, ClassRow], persons: dict[str, PersonRow]
) -> list[Fault]:
    faults = []
    for place, person in people:
        if not person.key:
            faults.append(place.fault("key", "is empty, and so is the student number", "编号与学号都为空"))
        if person.college and person.college not in colleges:
            faults.append(_missing(place, "college", "colleges", "学院"))
        if person.class_code and person.class_code not in classes:
            faults.append(_missing(place, "class_code", "classes", "班级"))
        elif person.class_code and person.college != classes[person.class_code].college:
            faults.append(place.fault("college", "is not the college of the class", "与班级所属学院不符"))
        if person.role == "student" and not person.class_code:
            faults.append(place.fault("class_code", "a student needs a class", "学生须有班级"))
        stand_in = persons.get(person.stand_in)
        if person.stand_in and (stand_in is None or stand_in.role != person.role or person.stand_in == person.key):
            faults.append(place.fault("stand_in", "is nobody else of the same role", "不是另一位同身份人员"))
        elif stand_in and not stand_in.phone:
            faults.append(place.fault("stand_in", "has no phone", "没有手机号"))
    return faults


def check_shifts(duty: Rows[DutyRow], colleges: set[str], persons: dict[str, PersonRow]) -> list[Fault]:
    faults = []
    for place, row in duty:
        if row.college not in colleges | {DEFAULT}:
            faults.append(_missing(place, "college", "colleges", "学院"))
        person = persons.get(row.person)
        if person is None:
            faults.append(_missing(place, "person", "people", "人员"))
            continue
        if not person.phone:
            faults.append(place.fault("person", "has no phone", "没有手机号"))
        if person.role == "student" or person.role not in _MAY_STAND.get(row.role, {person.role}):
            faults.append(place.fault("person", f"a {person.role} cannot stand this duty", "身份不能担任此岗位"))
    return faults


def check_compulsory(duty: Rows[DutyRow]) -> list[Fault]:
    default = [row for _, row in duty if row.college == DEFAULT]
    file = duty[0][0].file if duty else "duty"
    faults = [
        Fault(file, 0, "", f"no {role} in a * row", f"缺少{DEFAULT}行：{zh}")
        for role, zh in (("officer", "值班民警"), ("counselor", "辅导员"), ("desk", "值班室"), ("liaison", "联络员"))
        if not any(row.role == role for row in default)
    ]
    desks = [row for row in default if row.role == "desk"]
    gap = first_gap(desks) if desks else None
    if gap:
        faults.append(Fault(file, 0, "", f"nobody at the desk on day {gap}", f"值班室无人：星期{gap}"))
    return faults


def first_gap(rows: Iterable[DutyRow]) -> str | None:
    """The first minute of the week that no shift covers, as "3 20:00" (Wednesday); None when all are covered."""
    covered = bytearray(_WEEK)
    for row in rows:
        start, end = _minute(row.start), _minute(row.end)
        for part in row.days.split(","):
            for day in range(int(part[0]) - 1, int(part[-1])):
                for minute in range(start, end if end > start else end + _DAY):
                    covered[(day * _DAY + minute) % _WEEK] = 1
    gap = covered.find(0)
    return None if gap < 0 else f"{gap // _DAY + 1} {gap % _DAY // 60:02}:{gap % 60:02}"


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _check_ladders(ladder: Rows[LadderRow], colleges: set[str]) -> list[Fault]:
    faults = []
    last: dict[tuple[str, str], LadderRow] = {}
    for place, row in ladder:
        if row.college not in colleges | {DEFAULT}:
            faults.append(_missing(place, "college", "colleges", "学院"))
        before = last.get((row.obligation, row.college))
        last[row.obligation, row.college] = row
        if row.step != (before.step + 1 if before else 1):
            faults.append(place.fault("step", "steps must follow one another from 1", "步骤须从1起连续"))
        if before and row.after_s <= before.after_s:
            faults.append(place.fault("after_s", "must be later than the step before", "须晚于上一步"))
        repeats_wrongly = "repeat" in row.targets and (len(row.targets) > 1 or before is None)
        if repeats_wrongly or (before and "repeat" in before.targets):
            faults.append(place.fault("targets", "repeat stands alone, in the last step", "“重复”须单独列在最后一步"))
    return faults
