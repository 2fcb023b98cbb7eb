"""示例大学, the made-up school of the demo: nobody in it exists, and every number is of the range 138 0000 xxxx."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.escalation import DEFAULTS
from ledger.school.schoolrows import DEFAULT, ClassRow, CollegeRow, DutyRow, LadderRow, PersonRow, School

_COLLEGES = (CollegeRow("WY", "示例文学院"), CollegeRow("GX", "示例工学院"))
_CLASSES = (
    ClassRow("WY2601", "示例文2601班", "WY", "C01"),
    ClassRow("WY2602", "示例文2602班", "WY", "C01"),
    ClassRow("GX2601", "示例工2601班", "GX", "C02"),
    ClassRow("GX2602", "示例工2602班", "GX", "C02"),
)
_PER_CLASS = 10
_FOREIGN = 10  # the last student of each class reads English

# key, surname (as 测试… nobody's), how others address them, role, college, stand-in; the phone follows from the place
_STAFF = (
    ("C01", "慕容", "老师", "counselor", "WY", "C03"),
    ("C02", "令狐", "老师", "counselor", "GX", "C03"),
    ("C03", "公孙", "老师", "counselor", "", "C01"),
    ("O01", "欧阳", "警官", "officer", "", "O02"),
    ("O02", "上官", "警官", "officer", "", "O01"),
    ("O03", "司马", "警官", "officer", "", "O04"),
    ("O04", "诸葛", "警官", "officer", "", "O03"),
    ("D01", "端木", "值班员", "desk", "", "D02"),
    ("D02", "皇甫", "值班员", "desk", "", "D01"),
    ("S01", "尉迟", "副书记", "deputy_secretary", "WY", ""),
    ("S02", "东方", "副书记", "deputy_secretary", "GX", ""),
    ("L01", "夏侯", "老师", "liaison", "WY", ""),
    ("L02", "南宫", "老师", "liaison", "GX", ""),
    ("P01", "钟离", "老师", "psychologist", "", ""),
    ("A01", "独孤", "院长", "leader", "WY", ""),
    ("A02", "百里", "院长", "leader", "GX", ""),
    ("B01", "轩辕", "处长", "security", "", ""),
    ("T01", "西门", "老师", "staff", "WY", ""),
    ("K01", "宇文", "老师", "keeper", "WY", ""),
    ("K02", "长孙", "老师", "keeper", "GX", ""),
)

_DAY, _NIGHT, _ALWAYS = ("08:00", "20:00"), ("20:00", "08:00"), ("00:00", "00:00")
# each college has its own pair of officers (一学院一警组) who change over at 8 and 20 o'clock
_SHIFTS = (
    ("WY", "officer", "O01", _DAY),
    ("WY", "officer", "O02", _NIGHT),
    ("WY", "backup", "O02", _DAY),
    ("WY", "backup", "O01", _NIGHT),
    ("GX", "officer", "O03", _DAY),
    ("GX", "officer", "O04", _NIGHT),
    ("GX", "backup", "O04", _DAY),
    ("GX", "backup", "O03", _NIGHT),
    ("WY", "college_duty", "C02", _ALWAYS),
    ("GX", "college_duty", "C01", _ALWAYS),
    ("WY", "deputy_secretary", "S01", _ALWAYS),
    ("GX", "deputy_secretary", "S02", _ALWAYS),
    ("WY", "liaison", "L01", _ALWAYS),
    ("GX", "liaison", "L02", _ALWAYS),
    (DEFAULT, "officer", "O01", _DAY),
    (DEFAULT, "officer", "O03", _NIGHT),
    (DEFAULT, "backup", "O04", _ALWAYS),
    (DEFAULT, "desk", "D01", _DAY),
    (DEFAULT, "desk", "D02", _NIGHT),
    (DEFAULT, "counselor", "C03", _ALWAYS),
    (DEFAULT, "college_duty", "C03", _ALWAYS),
    (DEFAULT, "deputy_secretary", "S01", _ALWAYS),
    (DEFAULT, "liaison", "L01", _ALWAYS),
    (DEFAULT, "office", "B01", _ALWAYS),
)


def demo_school() -> School:
    """2 colleges, 4 classes of 10 students, and everybody whom a report would reach at any hour.

    Students have +8613800000001 to …040 and the numbers 2026010101 to 2026020210; staff begin at +8613800001001.
    """
    staff = (
        PersonRow(key, f"测试{surname}", role, _phone(1000 + n), college, stand_in=stand_in, called=surname + title)
        for n, (key, surname, title, role, college, stand_in) in enumerate(_STAFF, 1)
    )
    duty = (DutyRow(college, role, person, "1-7", *times) for college, role, person, times in _SHIFTS)
    return School(_COLLEGES, _CLASSES, (*staff, *_students()), tuple(duty), tuple(_ladders()))


def _phone(last: int) -> str:
    return f"+861380000{last:04}"


def _students() -> Iterator[PersonRow]:
    for n in range(_PER_CLASS * len(_CLASSES)):
        at, seat = divmod(n, _PER_CLASS)
        number = f"2026{at // 2 + 1:02}{at % 2 + 1:02}{seat + 1:02}"
        yield PersonRow(
            key=number,
            name=f"测试学生{n + 1:02}",
            role="student",
            phone=_phone(n + 1),
            college=_CLASSES[at].college,
            class_code=_CLASSES[at].code,
            student_no=number,
            language="en" if seat + 1 == _FOREIGN else "zh",
            called=f"测试学生{n + 1:02}",
        )


def _ladders() -> Iterator[LadderRow]:
    for obligation, ladder in DEFAULTS.items():
        for step, rung in enumerate(ladder.rungs, 1):
            yield LadderRow(obligation, DEFAULT, step, rung.after_s, rung.targets)
        yield LadderRow(obligation, DEFAULT, len(ladder.rungs) + 1, ladder.repeat_s, ("repeat",))
