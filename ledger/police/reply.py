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
    | {"我来", "我去", "已接", "接单了", "马上", "马上到", "马上去", "马上处理", "立即处理"}
)
# Who cannot, or hands it to somebody else. None of these is said of a student who cannot be reached or must not pay.
_REFUSALS = re.compile(
    r"[找换叫请]别人|别人[去接办来]|换人|转给(?!骗|对方|他|她)|别找我|没空|没时间|走不开|抽不开|忙不过来|[在很太]忙|忙着|开会"
    r"|拒绝|下班|不当班|不值班|轮休|休假|[我天]休息|我在休息|我请假|出差|我(人)?在外地|不去|不接单|不归我|不是我|我不在|不在岗"
    r"|我不[能行便]|我(现在)?不方便|[去接来到办]不了(?!解)|处理不了|没办法去"
    r"|\bCAN['’]?T\b(?! (?:REACH|GET|CONTACT|FIND|CALL))|\bCANNOT (?:COME|GO|TAKE|DO)\b|\bUNABLE TO (?:COME|GO|TAKE)\b"
    r"|\bBUSY\b|\bO(?:FF|UT OF) (?:DUTY|OFFICE)\b|\bNOT (?:ON DUTY|AVAILABLE|MINE|ME)\b|\bUNAVAILABLE\b|\bDECLINE\b"
    r"|\bSOME(?:ONE|BODY) ELSE\b|\bANOTHER OFFICER\b|[❌✗✘×🙅👎🚫]"
)
_NOES = frozenset({"不", "否", "不行", "不能", "不可以", "不接", "无法", "NO", "N", "NOPE", "NEGATIVE"})  # said alone
_NUMBER = re.compile(r"\bNO[.:：]\s*$")  # No. K7M3P
_BETWEEN = re.compile(r"[和与及跟都均全]|\bAND\b|\b[0-9][.、)]|、")  # beside several codes
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
    codes = [run for run in _RUN.findall(text) if _CODE.fullmatch(run)]
    if not codes:
        without_gaps = _GAP.sub("", text)
        if codes := _inside(without_gaps):
            text = without_gaps
    if codes:
        return _of_codes(tuple(dict.fromkeys(codes)), text)
    words = _words(text)
    return Reply((), bare=bool(words & _BARE) and words <= _YES)


def _of_codes(codes: tuple[str, ...], text: str) -> Reply:
    before, *after = re.split("|".join(codes), text)
    beside = " ".join((_NUMBER.sub("", before), *after))
    words = _words(_BETWEEN.sub(" ", beside))
    refused = bool(_REFUSALS.search(beside) or (words and words <= _NOES))
    asks = "?" in beside
    return Reply(codes, bare=False, plain=words <= _YES and not asks and not refused, refused=refused)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.translate(_THUMBS)))


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).upper()
    return "".join(char for char in folded if unicodedata.category(char) != "Cf")


def _inside(text: str) -> list[str]:
    """Codes within longer runs (OKK7M3P); without a digit they would be found in any English sentence."""
    windows = [run[at : at + 5] for run in _RUN.findall(text) for at in range(len(run) - 4)]
    return [found for found in windows if _CODE.fullmatch(found) and any(char.isdigit() for char in found)]
