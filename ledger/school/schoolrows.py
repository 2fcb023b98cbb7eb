"""The rows of a school file: what each sheet's columns are called, and how one cell is read. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ledger.errors import StoplineError
from ledger.values import parse_phone

DEFAULT = "*"  # the compulsory row for everybody whom the roster does not know

ROLES: Mapping[str, str] = {
    "student": "学生",
    "staff": "教职工",
    "officer": "民警",
    "desk": "值班室",
    "counselor": "辅导员",
    "deputy_secretary": "副书记",
    "liaison": "联络员",
    "psychologist": "心理老师",
    "leader": "负责人",
    "keeper": "台账责任人",
    "security": "保卫部",
}
DUTIES: Mapping[str, str] = {
    "officer": "值班民警",
    "backup": "备班民警",
    "desk": "值班室",
    "college_duty": "学院值班",
    "office": "保卫部",
    "counselor": "辅导员",
    "deputy_secretary": "副书记",
    "liaison": "联络员",
}
TARGETS: Mapping[str, str] = {**DUTIES, "stand_in": "代班辅导员", "centre": "心理中心", "repeat": "重复"}
OBLIGATIONS: Mapping[str, str] = {
    "police": "报警",
    "counselor": "辅导员",
    "dissuade": "劝阻",
    "unsafe": "不安全",
    "immediate": "立即处置",
}
LANGUAGES: Mapping[str, str] = {"zh": "中文", "en": "英文"}


@dataclass(frozen=True)
class CollegeRow:
    code: str
    name: str


@dataclass(frozen=True)
class ClassRow:
    """`college` is a college's code, `counselor` a person's key."""

    code: str
    name: str
    college: str
    counselor: str


@dataclass(frozen=True)
class PersonRow:
    """`role` is one of ROLES, `phone` E.164 or empty, `stand_in` a key, `called` how others see them: 欧阳警官."""

    key: str
    name: str
    role: str
    phone: str = ""
    college: str = ""
    class_code: str = ""
    student_no: str = ""
    stand_in: str = ""
    language: str = "zh"
    called: str = ""


@dataclass(frozen=True)
class DutyRow:
    """`days` as "1-5" or "6-7" (1 = Monday), times "HH:MM" in the school's zone; an end at or before the start passes
    midnight, and the same time twice is a whole day. `college` is a code or `*`, `role` one of DUTIES."""

    college: str
    role: str
    person: str
    days: str
    start: str
    end: str


@dataclass(frozen=True)
class LadderRow:
    """Steps count from 1; a last row whose only target is `repeat` says in `after_s` when the ladder begins anew."""

    obligation: str
    college: str
    step: int
    after_s: int
    targets: tuple[str, ...]


@dataclass(frozen=True)
class School:
    """Everything a school file says."""

    colleges: tuple[CollegeRow, ...] = ()
    classes: tuple[ClassRow, ...] = ()
    people: tuple[PersonRow, ...] = ()
    duty: tuple[DutyRow, ...] = ()
    ladder: tuple[LadderRow, ...] = ()


@dataclass(frozen=True)
class Fault:
    """One thing wrong, where the person who wrote the file can find it; row 0 means the file as a whole."""

    file: str
    row: int
    column: str
    message: str
    message_zh: str

    def __str__(self) -> str:
        where = self.file + (f", row {self.row}" if self.row else "") + (f", {self.column}" if self.column else "")
        return f"{where}: {self.message}"


class BadRows(StoplineError):
    """The file has faults; nothing of it was applied."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class BadRoster(BadRows):
    """The school file has faults; nothing of it was applied."""


@dataclass(frozen=True)
class Column:
    """One column: our field, its header in both languages, an example, and how a cell is read (None: cannot be).

    `also`: what else its header may be called, in lower case.
    """

    field: str
    zh: str
    example: str
    compulsory: bool = True
    expected: tuple[str, str] = ("a text", "文字")
    read: Callable[[str], object | None] = str
    words: Mapping[str, str] | None = None  # code → what people read and write, where there is a choice
    also: tuple[str, ...] = ()


def _codes(words: Mapping[str, str]) -> dict[str, str]:
    return {spelling: code for code, zh in words.items() for spelling in (code, zh)}


def parse_days(text: str) -> str | None:
    """Days of the week as ranges in order (1 = Monday): 6,7 and 周末 give "6-7"; None when they are no days."""
    plain = {"每天": "1-7", "工作日": "1-5", "周末": "6-7"}.get(text, re.sub("[、，;；/ ]", ",", text))
    if re.fullmatch("[1-7]{2,7}", plain):  # a spreadsheet makes the number 67 of 6,7
        plain = ",".join(plain)
    days: set[int] = set()
    for part in plain.split(","):
        found = re.fullmatch("([1-7])(?:[-~–至到]([1-7]))?", part)
        if found is None:
            return None
        first, last = int(found[1]), int(found[2] or found[1])
        days |= set(range(first, last + 1)) if first <= last else {*range(first, 8), *range(1, last + 1)}
    starts = [day for day in sorted(days) if day - 1 not in days]
    ends = [day for day in sorted(days) if day + 1 not in days]
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))


def parse_clock(text: str) -> str | None:
    """ "8:00" as "08:00"; 24:00 is 00:00."""
    found = re.fullmatch(r"(\d{1,2})[:：](\d\d)(?::00)?", text, re.ASCII)
    if found is None or int(found[2]) > 59 or int(found[1]) * 60 + int(found[2]) > 24 * 60:
        return None
    return f"{int(found[1]) % 24:02}:{found[2]}"


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,6}", text, re.ASCII) else None


def _targets(text: str) -> tuple[str, ...] | None:
    named = [_codes(TARGETS).get(part.lower()) for part in re.split(r"[+、，,;；/\s]+", text.strip()) if part]
    return tuple(dict.fromkeys(name for name in named if name)) if named and None not in named else None


def _at_most(most: int) -> Callable[[str], str | None]:
    """What the ledger's column has room for."""
    return lambda text: text if len(text) <= most else None


_CODE, _CODE_ROOM = ("a code of at most 32 characters", "至多32个字符的代码"), _at_most(32)
_KEY, _KEY_ROOM = ("at most 64 characters", "至多64个字符"), _at_most(64)
_PHONE = ("a full phone number", "完整的电话号码")
_TARGETS = ("targets joined by +: " + ", ".join(TARGETS), "用+连接的对象：" + "、".join(TARGETS.values()))
_DAYS = ("days such as 1-5 or 6,7 (1 = Monday)", "星期，如1-5或6,7（1为周一）")
_CLOCK = ("a time such as 08:00", "时间，如08:00")


def _choice(name: str, zh: str, example: str, words: Mapping[str, str], compulsory: bool = True) -> Column:
    codes = _codes(words)
    expected = ("one of " + ", ".join(words), "以下之一：" + "、".join(words.values()))
    return Column(name, zh, example, compulsory, expected, lambda text: codes.get(text.lower()), words)


ROWS: Mapping[str, type] = {
    "colleges": CollegeRow,
    "classes": ClassRow,
    "people": PersonRow,
    "duty": DutyRow,
    "ladder": LadderRow,
}
SHEETS_ZH: Mapping[str, str] = {
    "colleges": "学院",
    "classes": "班级",
    "people": "人员",
    "duty": "值班",
    "ladder": "升级",
}
COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "colleges": (Column("code", "学院代码", "WY", True, _CODE, _CODE_ROOM), Column("name", "学院名称", "示例文学院")),
    "classes": (
        Column("code", "班级代码", "WY2601", True, _CODE, _CODE_ROOM),
        Column("name", "班级名称", "示例2601班"),
        Column("college", "学院代码", "WY"),
        Column("counselor", "辅导员编号", "C01"),
    ),
    "people": (
        Column("key", "编号", "C01", False, _KEY, _KEY_ROOM),
        Column("name", "姓名", "示例姓名"),
        _choice("role", "身份", "辅导员", ROLES),
        Column("phone", "手机号", "13800000001", False, _PHONE, parse_phone),
        Column("college", "学院代码", "WY", compulsory=False),
        Column("class_code", "班级代码", "", compulsory=False),
        Column("student_no", "学号", "", False, _KEY, _KEY_ROOM),  # the key, where that is left out
        Column("stand_in", "代班人编号", "C02", compulsory=False),
        _choice("language", "语言", "中文", LANGUAGES, compulsory=False),
        Column("called", "称呼", "示例老师", compulsory=False),
    ),
    "duty": (
        Column("college", "学院代码", "*"),
        _choice("role", "岗位", "值班室", DUTIES),
        Column("person", "人员编号", "D01"),
        Column("days", "星期", "1-7", True, _DAYS, parse_days),
        Column("start", "开始", "08:00", True, _CLOCK, parse_clock),
        Column("end", "结束", "20:00", True, _CLOCK, parse_clock),
    ),
    "ladder": (
        _choice("obligation", "事项", "报警", OBLIGATIONS),
        Column("college", "学院代码", "*"),
        Column("step", "步骤", "1", True, ("a whole number", "整数"), _number),
        Column("after_s", "秒数", "0", True, ("a whole number of seconds", "整数秒"), _number),
        Column("targets", "对象", "值班民警+备班民警", True, _TARGETS, _targets),
    ),
}
NOTES = "备注"
EXAMPLE = "示例行"  # a note that begins so marks a row of the template, which is not read


def plain(text: str) -> str:
    """A header or cell as we compare it: NFKC, no blanks around, without the apostrophe that keeps formulas asleep."""
    folded = unicodedata.normalize("NFKC", text).replace("\x00", "").strip()
    return folded[1:] if re.match(r"'[=+\-@]", folded) else folded
