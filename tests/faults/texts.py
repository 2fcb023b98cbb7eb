"""Reading the texts as the people who get them do: which case one is about, and what it asks for.

For the checker, which knows nothing of the service but these words and what its doors answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CODE = r"(?P<code>[A-HJKMPQSU-Z][2-9A-HJKMPQSU-Z]{4})"
AGAIN = "重发："
_HEAD = re.compile(r"^【[^】]*】(?P<again>重发：)?")
_KINDS: tuple[tuple[str, str], ...] = (
    ("police", rf"紧急止付{CODE}[：（]"),
    ("police", rf"第(?P<nth>\d+)次提醒{CODE}：.*无人接单"),
    ("police", rf"值班通知：紧急事项{CODE}，.*第(?P<nth>\d+)次通知"),
    ("counselor", rf"{CODE}：您有1名学生可能被骗"),
    ("counselor", rf"值班通知：您有1名学生需要关心，编号{CODE}"),
    ("counselor", rf"第(?P<nth>\d+)次提醒{CODE}：.*尚无联系记录"),
    ("student", rf"已收到，编号{CODE}"),
    ("taken", rf"{CODE}由您接单"),
    ("taken", rf"收到，{CODE}由您联系"),
    ("stand-down", rf"{CODE}已有人接单"),
    ("other", rf"(?<![0-9A-Za-z]){CODE}(?![0-9A-Za-z])"),
)
_READERS = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)


@dataclass(frozen=True)
class Text:
    """`kind`: police and counselor are alerts, which ask for an answer; the others ask for none."""

    kind: str
    code: str
    nth: int
    again: bool


def read(body: str) -> Text | None:
    """None where no case is named."""
    head = _HEAD.match(body)
    rest = body[head.end() :] if head else body
    for kind, pattern in _READERS:
        at_start = kind != "other"
        found = pattern.match(rest) if at_start else pattern.search(rest)
        if found:
            nth = found.groupdict().get("nth")
            return Text(kind, found["code"], int(nth) if nth else 1, bool(head and head["again"]))
    return None
