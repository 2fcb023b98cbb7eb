"""The stop-payment sheet as a PDF of A4 pages. Its Chinese font is one that every reader has, so none is shipped."""

from __future__ import annotations

from io import BytesIO
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table

from ledger.pages.sheet import Sheet
from ledger.pages.sheet_lines import Later, Line

_FONT = "STSong-Light"
_BODY = ParagraphStyle("body", fontName=_FONT, fontSize=11, leading=15, wordWrap="CJK")
_LABEL = ParagraphStyle("label", parent=_BODY, fontSize=9.5, textColor=colors.Color(0.2, 0.2, 0.2))
_TITLE = ParagraphStyle("title", parent=_BODY, fontSize=17, leading=24)
_PART = ParagraphStyle("part", parent=_BODY, fontSize=12.5, leading=18, spaceBefore=6)
_BAND = ParagraphStyle("band", parent=_BODY, fontSize=14, leading=22, borderWidth=1.5, borderPadding=4,
                       borderColor=colors.black, alignment=1, spaceAfter=8)  # fmt: skip
_GRID = [("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]


def draw(sheet: Sheet, *, english: bool) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    n, told = int(english), {line.key: line for line in sheet.head}
    story: list[Flowable] = []
    if told["kind"].value == "drill":
        story.append(_paragraph(told["kind"].shown[n] if told["kind"].shown else "", _BAND))
    title = "Stop-payment sheet" if english else "止付信息单"
    story += [_paragraph(f"{title}  {sheet.code}", _TITLE), _table(sheet.head, n)]
    for place, lines in enumerate(sheet.typed(), 1):
        part = f"Transfer {place}" if english else f"第{place}笔"
        story.append(KeepTogether([_paragraph(part, _PART), _table(lines, n)]))
    story += [_paragraph("The report" if english else "报案", _PART), _table(sheet.printed(), n)]
    if sheet.later:
        later = "Sent later (not confirmed by phone)" if english else "后来补充（未电话核实）"
        story += [_paragraph(later, _PART), _table(sheet.later, n)]
    out = BytesIO()
    margins = {f"{side}Margin": 15 * mm for side in ("left", "right", "top", "bottom")}
    SimpleDocTemplate(out, pagesize=A4, title=f"{title} {sheet.code}", **margins).build([*story, Spacer(1, 1)])
    return out.getvalue()


def _table(lines: tuple[Line, ...], n: int) -> Table:
    rows = [[_paragraph(line.en if n else line.zh, _LABEL), _value(line, n)] for line in lines]
    return Table(rows, colWidths=(38 * mm, 142 * mm), style=_GRID, splitInRow=1)


def _value(line: Line, n: int) -> list[Flowable]:
    """A missing one is left empty, with room to write."""
    later = "Corrected {}, not confirmed by phone: {}" if n else "更正 {}（未电话核实）：{}"
    said = [_paragraph(line.shown[n] if line.shown else "", _BODY), *_warning(line, n)]
    for it in line.later:
        said += [_paragraph(later.format(it.at, it.shown[n]), _LABEL), *_warning(it, n)]
    return said


def _warning(it: Line | Later, n: int) -> list[Flowable]:
    return [_paragraph(f"! {it.warning[n]}", _LABEL)] if it.warning else []


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    plain = "".join(c if ord(c) < 0x10000 else "〓" for c in text)  # what this font cannot draw is marked, as in print
    return Paragraph(escape(plain).replace("\n", "<br/>") or "\u3000", style)  # a space that this font has
