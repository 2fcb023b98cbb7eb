"""The ledger of the follow-ups (工作台账) as a workbook, written line by line: memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from ledger import followups, fraud, values
from ledger.cells import cell
from ledger.export import export_rows
from ledger.export import export_words as words
from ledger.export.export_rows import Record, Scope
from ledger.export.export_words import Words
from ledger.export.exports import Span
from ledger.pages.care_views import ContactRow
from ledger.store.unit_of_work import Ledger

TITLE = "工作台账"
Value = str | int | datetime | Decimal | None
_FORMATS = {datetime: "yyyy-mm-dd hh:mm", Decimal: "#,##0.00"}
_TOP = Alignment(vertical="top", wrap_text=True)
_HEAD = Font(bold=True)


@dataclass(frozen=True)
class Reader:
    """In whose language (0: Chinese, 1: English) and zone, and the moment at which a contact is overdue."""

    lang: int
    zone: tzinfo
    now: datetime

    def said(self, pair: Words) -> str:
        return pair[self.lang]

    def local(self, at: datetime | None) -> datetime | None:
        """Spreadsheets know no zones: the school's clock."""
        return at.astimezone(self.zone).replace(tzinfo=None, microsecond=0) if at else None


@dataclass(frozen=True)
class Column:
    """`private`: only for those who may read family and source of the money; `width` in characters."""

    zh: str
    en: str
    width: int
    value: Callable[[Record, Reader], Value]
    private: bool = False


def _amount(it: Record, reader: Reader) -> Value:
    """A number that can be added up; in words where other currencies are among it, or nobody lost it."""
    if it.kind == "in_progress" and not it.sums:
        return reader.said(words.NOT_SENT)
    if set(it.sums) <= {"CNY"} and not it.apart:
        return Decimal(it.sums.get("CNY", 0)) / 100
    each = (f"{values.yuan(fen)} {reader.said(words.YUAN) if of == 'CNY' else of}" for of, fen in it.sums.items())
    return " + ".join(each)


def _police(it: Record, reader: Reader) -> str:
    table = words.DISSUADING if it.kind == "in_progress" else words.POLICE
    return reader.said(table.get(it.police, (it.police, it.police)))


def _fraud(it: Record, reader: Reader) -> str:
    """Not beside a name that it may point at: the remarks say that it is counted apart."""
    if it.apart:
        return ""
    return reader.said(fraud.KINDS.get(it.fraud_type, (it.fraud_type, it.fraud_type)))


def _contacts(it: Record, reader: Reader) -> str:
    return "\n".join(_contact(row, reader) for row in it.contacts)


def _contact(row: ContactRow, reader: Reader) -> str:
    """2026-11-24 15:10 30分钟内致电 · 电话 · 已联系 · 需要饭钱 · what was noted."""
    entry = row.entry
    mode = words.MODES.get((entry.mode if entry else "") or row.mode)
    needs = [words.NEEDS[need] for need in (entry.needs if entry else ()) if need in words.NEEDS]
    parts = [
        reader.said(mode) if mode else "",
        reader.said(_reached(row, reader.now)),
        reader.said(words.NEEDED) + reader.said(words.COMMA).join(map(reader.said, needs)) if needs else "",
        reader.said(words.LOANS) if entry and entry.loans else "",
        (row.note or "").replace("\n", " "),
    ]
    when = f"{reader.local(row.done_at or row.due_at):%Y-%m-%d %H:%M}"
    kind = reader.said(_kind(row.kind))
    return " · ".join([f"{when} {kind}", *(part for part in parts if part)])


def _kind(kind: str) -> Words:
    if kind.startswith(followups.DATED.strip("_")):
        return words.DATED.get(followups.purpose(kind), words.ON_A_DAY)
    return words.CONTACTS.get(kind, words.EXTRA if kind.startswith(followups.EXTRA) else words.AGREED)


def _reached(row: ContactRow, now: datetime) -> Words:
    if row.taken_back:
        return words.TAKEN_BACK
    if row.done_at and row.reached is not False:
        return words.DECLINED if row.entry and row.entry.declined else words.REACHED
    if row.reached is False:
        return words.NOT_REACHED
    return words.OVERDUE if row.due_at < now else words.TO_COME


def _remarks(it: Record, reader: Reader) -> str:
    said = ((it.presumed, words.PRESUMED), (it.same_as, words.SAME_AS), (it.withdrawn, words.WITHDRAWN),
            (it.erased, words.ERASED), (it.unreadable, words.UNREADABLE), (it.apart, words.APART))  # fmt: skip
    return "\n".join(reader.said(pair).format(code=it.same_as) for holds, pair in said if holds)


COLUMNS = (
    Column("案件编号", "Case", 10, lambda it, _: it.code),
    Column("报告时间", "Reported at", 17, lambda it, reader: reader.local(it.received_at)),
    Column("学院", "College", 16, lambda it, _: it.college),
    Column("班级", "Class", 16, lambda it, _: it.class_name),
    Column("姓名", "Student", 12, lambda it, _: it.student),
    Column("学号", "Student number", 14, lambda it, _: it.student_no),
    Column("诈骗类型", "Kind of fraud", 18, _fraud),
    Column("金额合计（元）", "Amount, yuan", 14, _amount),
    Column("止付", "Stop-payment", 16, _police),
    Column("报告到接单（分钟）", "Report to taken, min", 12, lambda it, _: it.to_take_min),
    Column("报告到报送（分钟，目标30）", "Report to filed, min (goal 30)", 14, lambda it, _: it.to_file_min),
    Column("案件经过", "What happened", 50, lambda it, _: it.narrative),
    Column("家庭情况", "Family situation", 36, lambda it, _: it.family, private=True),
    Column("被骗资金来源", "Source of the money", 36, lambda it, _: it.money_source, private=True),
    Column("咨询、矫正、疏导", "Counselling given", 60, _contacts),
    Column("转介", "Referral", 16, lambda it, reader: reader.said(words.REFERRAL.get(it.referral, ("", "")))),
    Column("跟进状态", "Follow-up", 14, lambda it, reader: reader.said(words.FOLLOW_UP.get(it.care, ("", "")))),
    Column("下次联系", "Next contact due", 17, lambda it, reader: reader.local(it.next_due_at)),
    Column("是否超时", "Overdue", 10, lambda it, reader: reader.said(words.YES) if it.overdue else ""),
    Column("备注", "Remarks", 24, _remarks),
)


def write(
    ledger: Ledger, scope: Scope, span: Span, out: BinaryIO, *, english: bool, note: Callable[[Sequence[Record]], None]
) -> int:
    """How many records `out` (seekable) now holds. `note` is told of each batch before it is written."""
    reader = Reader(int(english), ledger.zone, ledger.clock.now())
    columns = [column for column in COLUMNS if scope.background or not column.private]
    written = 0
    with _workbook(out) as sheet:
        for n, column in enumerate(columns, 1):
            sheet.column_dimensions[get_column_letter(n)].width = column.width
        sheet.freeze_panes = "B2"
        sheet.append([_cell(sheet, f"{column.zh}\n{column.en}", _HEAD) for column in columns])
        for batch in export_rows.batches(ledger, scope, span):
            note(batch)
            for it in export_rows.gently(batch):
                sheet.append([_cell(sheet, column.value(it, reader)) for column in columns])
            written += len(batch)
    return written


@contextmanager
def _workbook(out: BinaryIO) -> Iterator[Any]:
    """A sheet that is in `out` when the block ends well. However it ends, no draft of it stays behind."""
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(TITLE)
    try:
        yield sheet
        book.save(out)
    finally:
        _discard(sheet)


def _discard(sheet: Any) -> None:
    """The library's own draft, in which nothing is sealed: it removes that only where all went well, or at exit."""
    writer = getattr(sheet, "_writer", None)  # none before the first line
    if writer is None:
        return
    with suppress(FileNotFoundError):  # removed by the library
        writer.cleanup()
    for close in (sheet.close, writer.close):  # its space is held until then; on a full disk they fail once more
        with suppress(Exception):
            close()


def _cell(sheet: Any, value: Value, font: Font | None = None) -> Any:
    written: Any = cell(value) if isinstance(value, str) else value  # its types know no Decimal, the library does
    made = WriteOnlyCell(sheet, written)
    made.alignment = _TOP
    if font:
        made.font = font
    if (form := _FORMATS.get(type(value))) is not None:
        made.number_format = form
    return made
