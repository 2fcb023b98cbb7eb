"""Reading a texted reply, pure: which case codes it may name, or whether it is a bare yes.

Every candidate is returned, words that look like codes included: whether one is an open case is looked up.
"""

import re
import unicodedata
from dataclasses import dataclass

_ALPHABET = "23456789ABCDEFGHJKMPQSUVWXYZ"  # Y and Z begin drill and spool codes
_RUN = re.compile(r"[0-9A-Z]+")
# A code begins with a letter, but people read S, B and Z as 5, 8 and 2 there too.
_CODE = re.compile(rf"(?=[258A-Z])(?=[0-9]*[A-Z])[{_ALPHABET}]{{5}}")
_GAP = re.compile(r"(?<=[0-9A-Z])[\s\-_.·]+(?=[0-9A-Z])")
_THUMBS = str.maketrans(dict.fromkeys("👌👍🆗✅", " OK "))
_LONGEST_BODY = 1000  # a text of ten segments is not a reply
_BARE = frozenset(
    {"1", "K", "Y", "OK", "YES", "OKAY", "ACK", "ROGER", "收到", "已收到", "收到了", "收悉", "好", "好的", "好滴"}
    | {"嗯", "嗯嗯", "行", "可以", "是", "是的", "明白", "知道了", "了解", "接", "接单", "接了", "已接单", "我接"}
    | {"我来", "马上", "马上到", "马上去", "马上处理", "立即处理"}
)
# Of these none stands in a yes: 没问题 and 不客气 are no refusals.
_REFUSALS = (
    *("找别人", "换别人", "别人接", "换人", "别找我", "没空", "没时间", "开会", "忙不过来", "走不开", "抽不开"),
    *("不接", "不行", "不能", "不便", "不方便", "不在", "不了", "不值班", "无法", "没法", "没办法", "休假", "请假"),
    *("CAN'T", "CAN’T", "CANT", "CANNOT", "CAN NOT", "UNABLE", "BUSY", "NOT ME", "NOT ON DUTY", "SOMEONE ELSE"),
    *("SOMEBODY ELSE", "ANOTHER OFFICER"),
)
_POLITE = frozenset({"谢谢", "感谢", "辛苦", "辛苦了", "THANKS"})  # beside a yes, but not one
_YES = _BARE | _POLITE


@dataclass(frozen=True)
class Reply:
    """What a reply may mean; never both."""

    codes: tuple[str, ...]  # as written, upper case, in order of appearance, none twice
    bare: bool  # a yes without a code
    plain: bool = False  # beside the codes nothing but a yes
    refused: bool = False  # beside the codes somebody says that they cannot


def read(body: str) -> Reply:
    """Any case, full-width letters, words around the code with or without spaces: 收到K7M3P · ｋ７ｍ３ｐ · K7 M3P."""
    text = _plain(body[:_LONGEST_BODY])
    codes = [run for run in _RUN.findall(text) if _CODE.fullmatch(run)] or _inside(_GAP.sub("", text))
    if codes:
        beside = re.sub("|".join(codes), " ", text)
        refused = any(it in beside for it in _REFUSALS)
        return Reply(tuple(dict.fromkeys(codes)), bare=False, plain=_words(beside) <= _YES, refused=refused)
    words = _words(text)
    return Reply((), bare=bool(words & _BARE) and words <= _YES)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.translate(_THUMBS)))


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).upper()
    return "".join(char for char in folded if unicodedata.category(char) != "Cf")


def _inside(text: str) -> list[str]:
    """Codes within longer runs (OKK7M3P); without a digit they would be found in any English sentence."""
    windows = [run[at : at + 5] for run in _RUN.findall(text) for at in range(len(run) - 4)]
    return [found for found in windows if _CODE.fullmatch(found) and any(char.isdigit() for char in found)]
