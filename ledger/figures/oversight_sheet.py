"""The figures of each college as a workbook for the office's report: a sheet for each sort, never mixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from ledger.cells import cell
from ledger.figures.oversight import Figures, Line
from ledger.figures.prevention import AWARE, INSTALLED, NAMED, WARNED, Counted, Share
from ledger.figures.registered import Registered, runs

Value = str | int | float | None
Words = tuple[str, str]
_WRAP, _BOLD = Alignment(vertical="top", wrap_text=True), Font(bold=True)
_SCHOOL, _UNKNOWN, _NOT_KNOWN = (
    ("全校", "Whole school"),
    ("学院待确认", "College not known"),
    ("数据未导入", "not imported"),
)
_NOT_COUNTED, _SOME = ("未统计", "not counted"), ("已统计的班级", "the classes counted")
_FREE = {True: ("是", "yes"), False: ("否", "no"), None: _NOT_KNOWN}


@dataclass(frozen=True)
class _Column:
    title: Words
    width: int
    value: Callable[[Line], Value | Words]


def _of_police(value: Callable[[Registered], Value | Words]) -> Callable[[Line], Value | Words]:
    """Nothing is known of a college while no month is."""

    def read(line: Line) -> Value | Words:
        return value(line.registered) if line.registered and line.registered.months else _NOT_KNOWN

    return read


def _counted(value: Callable[[Counted], Value | Words]) -> Callable[[Line], Value | Words]:
    return lambda line: value(line.counted) if line.counted else _NOT_COUNTED


def _shares(zh: str, en: str, name: str) -> tuple[_Column, ...]:
    """Two columns: how many, and of how many."""

    def read(value: Callable[[Share], Value]) -> Callable[[Line], Value | Words]:
        return _counted(lambda it: value(it.shares[name]) if name in it.shares else _NOT_COUNTED)

    return (
        _Column((zh, en), 12, read(lambda share: share.part)),
        _Column((f"{zh}，总数", f"{en}, of"), 12, read(lambda share: share.of)),
    )


def _lost(it: Registered) -> Value:
    return None if it.fen is None else it.fen / 100


_WHO = _Column(("学院代码", "College code"), 14, lambda line: line.code or "")
_NAME = _Column(("学院", "College"), 22, lambda line: line.name or (_SCHOOL if line.registered else _UNKNOWN))
_CLASS = _Column(("班级代码", "Class code"), 14, lambda line: line.class_code)
_REPORTS = (
    _WHO, _NAME,
    _Column(("今年报告", "Reports this year"), 12, lambda line: line.reports.year),
    _Column(("近30天报告", "Reports in 30 days"), 12, lambda line: line.reports.recent),
    _Column(("转出到报告，中位数（分钟）", "Transfer to report, median, min"), 16,
            lambda line: line.reports.to_report_min),
    _Column(("转出时间已知的报告", "Reports with a known time"), 14, lambda line: line.reports.timed),
    _Column(("10分钟内接单", "Taken within 10 min"), 12, lambda line: line.reports.soon),
    _Column(("应接单", "To be taken"), 12, lambda line: line.reports.due),
    _Column(("已倒查", "Reviewed"), 10, lambda line: line.reports.reviewed),
    _Column(("已结束的案件", "Cases that are over"), 12, lambda line: line.reports.over),
    _Column(("跟进按时", "Follow-ups on time"), 12, lambda line: line.reports.on_time),
    _Column(("进行中的跟进", "Open follow-ups"), 12, lambda line: line.reports.open),
    _Column(("今年按时联系", "Contacts in time this year"), 12, lambda line: line.reports.contacts_kept),
    _Column(("今年应联系", "Contacts due this year"), 12, lambda line: line.reports.contacts_due),
)  # fmt: skip
_APART = _Column(("今年，另计：涉两卡", "This year, apart: lent a card or SIM"), 16, lambda line: line.reports.apart)
_POLICE = (
    _WHO, _NAME,
    _Column(("立案数", "Registered cases"), 12, _of_police(lambda it: it.cases)),
    _Column(("去年同期", "Same months last year"), 12,
            _of_police(lambda it: _NOT_KNOWN if it.before is None else it.before)),
    _Column(("增减（%）", "Change, %"), 10, _of_police(lambda it: it.change)),
    _Column(("目标（至多）", "Goal, at most"), 12, _of_police(lambda it: it.goal)),
    _Column(("损失金额（元，已知的）", "Lost, yuan, as far as known"), 16, _of_police(_lost)),
    _Column(("月份", "Months"), 18, _of_police(lambda it: runs(it.months))),
    _Column(("无诈学院", "Fraud-free"), 12, _of_police(lambda it: _FREE[it.fraud_free])),
    _Column(("无诈班级", "Fraud-free classes"), 12,
            _of_police(lambda it: _NOT_KNOWN if it.free_classes is None else it.free_classes)),
    _Column(("班级数", "Classes"), 10, _of_police(lambda it: it.classes)),
)  # fmt: skip
_PREVENTION = (
    _WHO, _NAME, _CLASS,
    *_shares("知晓反诈", "Aware", AWARE), *_shares("已安装", "Installed", INSTALLED),
    *_shares("已实名", "Real name", NAMED), *_shares("已开预警", "Warning on", WARNED),
    _Column(("三个100%的班级", "Classes with all three"), 12, _counted(lambda it: it.full if it.classes else None)),
    _Column(("分班统计的班级", "Classes counted"), 12, _counted(lambda it: it.classes or None)),
    _Column(("名册上的班级", "Classes on the roster"), 12, _counted(lambda it: it.roster or None)),
    _Column(("统计范围", "What they are of"), 18, _counted(lambda it: None if it.covered else _SOME)),
)  # fmt: skip


def write(both: Figures, out: BinaryIO, *, english: bool) -> None:
    book = Workbook()
    book.remove(book.worksheets[0])
    school = [both.school] if both.school else []
    reports = (*_REPORTS, _APART) if both.school else _REPORTS
    colleges = [line for line in both.lines if line.code]
    sheets = [
        (f"本系统报告 {both.year}", reports, both.lines),
        (f"公安立案 {both.police.year}", _dated(both), [line for line in colleges if line.registered]),
        (f"防范情况 {both.prevention.month or ''}".strip(), _together(both), _with_classes(colleges, both.classes)),
    ]
    for title, columns, each in sheets:
        sheet: Any = book.create_sheet(title)
        sheet.freeze_panes = "C2"
        for n, column in enumerate(columns, 1):
            sheet.column_dimensions[get_column_letter(n)].width = column.width
        sheet.append([f"{column.title[0]}\n{column.title[1]}" for column in columns])
        for line in [*each, *school]:
            sheet.append(list(_cells(columns, line, english)))
        for made in sheet[1]:
            made.font, made.alignment = _BOLD, _WRAP
    book.save(out)


def _dated(both: Figures) -> tuple[_Column, ...]:
    """From which day to which a college had no registered case, to be fraud-free."""

    def on(title: Words, day: date) -> _Column:
        return _Column(title, 12, lambda _: f"{day}")

    police = both.police
    return (
        *_POLICE,
        on(("无诈：从", "Fraud-free: from"), police.since),
        on(("无诈：至", "Fraud-free: to"), police.until),
    )


def _together(both: Figures) -> tuple[_Column, ...]:
    """No line is the whole school: the last one is what was counted, and says how many colleges were not."""
    n = both.prevention.not_counted
    zh, en = (f"，{n} 个未统计", f"; {n} not counted") if n else ("", "")
    words = f"已统计的学院合计{zh}", f"Colleges counted, together{en}"
    who, name, *others = _PREVENTION
    return who, replace(name, value=lambda line: line.name or words), *others


def _with_classes(colleges: list[Line], classes: list[Line]) -> list[Line]:
    return sorted([*colleges, *classes], key=lambda line: (line.code or "", line.class_code))


def _cells(columns: tuple[_Column, ...], line: Line, english: bool) -> Iterator[Value]:
    for column in columns:
        value = column.value(line)
        said = value[english] if isinstance(value, tuple) else value
        yield cell(said) if isinstance(said, str) else said
