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
# A yes beside a code, however it goes on; without one, a word that denies something has its sender asked once more.
_TAKES = re.compile(
    r"(?<![一-鿿])(?:已?收到|收悉|好的|明白|我[来去接]|已接|接单|马上|立即|已联系|已电话|在路上)"
    r"|\b(?:OK|OKAY|YES|ROGER|ON IT|ON MY WAY|I['’]?LL (?:GO|TAKE|DO|CALL))\b"
)
_DENIES = re.compile(
    r"[不没无别拒忙休假错❌✗✘×🙅👎🚫]|其他|出差|外地|下班|开会|转给|N['’]T\b|\bCANT\b|\bOUT OF\b"
    r"|\b(?:NO|NOT|NOPE|NEGATIVE|CANNOT|UNABLE|BUSY|UNAVAILABLE|DECLINE|REFUSE|OFF|LEAVE|VACATION|HOLIDAY|SICK)\b"
    r"|\b(?:MEETING|WRONG|REASSIGN|ELSE|ANOTHER)\b"
)
_HARMLESS = re.compile(r"没问题|没事|不客气|不用谢|\bNO PROBLEM\b|\bNO[.:](?=\s*[0-9A-Z])")  # No. K7M3P
# Who cannot says so beside a yes as well (收到，但是没空), unless the clause names another before it.
_CANNOT = re.compile(
    r"没有?空|没有?时间(?!了)|不太?方便|走不[开了]|抽不[开出]|脱不开|忙不过来|[很太正]忙|在忙(?![着线])|[我正]在?开会|开会中|马上下班"
    r"|我(?:已经?|都)?下班|我在?出差|轮休|调休|我[^,。]{0,2}休[假息]|我请假|我(?:人)?在?外地|[去接来到办赶]不[了及](?!解)|处理不了"
    r"|[不没]值班|不当班|不接单|我不在(?!现场)|我不[去来能行接办]"
    r"|\b(?:I['’]?M|I AM) (?:BUSY|OFF|SICK|UNABLE|NOT|UNAVAILABLE)\b"
    r"|\bI (?:CAN['’]?T|CANNOT)\b(?! (?:REACH|GET|CONTACT|FIND|CALL))"
)
_ANOTHER = re.compile(
    r"学生|同学|孩子|[该男女]生|老师|警官|同事|事主|报案人|家长|室友|对方|骗子|(?<!其)他|她|银行|电话|手机"
)
_CLAUSES = re.compile(r"[,。.!;、?:\n]")
_HANDS_ON = re.compile(
    r"[找换叫请让](?:别人|其他)|别人[去接办来]|换人|联系(?:其他|别的)|别找我|\bSOME(?:ONE|BODY) ELSE\b"
)
_BETWEEN = re.compile(r"[和与及跟都均全]|\bAND\b|\b[0-9][.、)]|、")  # beside several codes
_POLITE = frozenset({"谢谢", "感谢", "辛苦", "辛苦了", "THANKS"})  # beside a yes, but not one
_YES = _BARE | _POLITE


@dataclass(frozen=True)
class Reply:
    """What a reply may mean; never both codes and a bare yes."""

    codes: tuple[str, ...]  # as written, upper case, in order of appearance, none twice
    bare: bool  # a yes without a code
    plain: bool = False  # beside the codes nothing but a yes
    refused: bool = False  # somebody says that they cannot, or beside codes denies something and says no yes
    whole: bool = False  # each code stands by itself, and none may be a piece of another


def read(body: str) -> Reply:
    """Any case, full-width letters, words around the code with or without spaces: 收到K7M3P · ｋ７ｍ３ｐ · K7 M3P."""
    text = _plain(body[:_LONGEST_BODY])
    codes = [run for run in _RUN.findall(text) if _CODE.fullmatch(run)]
    if codes:
        return _of_codes(codes, text, text)
    without_gaps = _GAP.sub("", text)
    if codes := _inside(without_gaps):
        return _of_codes(codes, text, without_gaps)
    words = _words(text)
    return Reply((), bare=bool(words & _BARE) and words <= _YES, refused=_cannot(text))


def _of_codes(codes: list[str], text: str, found_in: str) -> Reply:
    beside = " ".join(re.split("|".join(codes), found_in))
    words = _words(_BETWEEN.sub(" ", beside))
    said = _HARMLESS.sub(" OK ", text.translate(_THUMBS))
    refused = _cannot(said) or (bool(_DENIES.search(said)) and not _TAKES.search(said))
    plain = words <= _YES and "?" not in text and not refused
    return Reply(tuple(dict.fromkeys(codes)), bare=False, plain=plain, refused=refused, whole=text is found_in)


def _cannot(text: str) -> bool:
    if _HANDS_ON.search(text):
        return True
    found = ((clause, _CANNOT.search(clause)) for clause in _CLAUSES.split(text))
    return any(said and not _ANOTHER.search(clause[: said.start()]) for clause, said in found)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.translate(_THUMBS)))


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).upper()
    return "".join(char for char in folded if unicodedata.category(char) != "Cf")


def _inside(text: str) -> list[str]:
    """Codes within longer runs (OKK7M3P); without a digit they would be found in any English sentence."""
    windows = [run[at : at + 5] for run in _RUN.findall(text) for at in range(len(run) - 4)]
    return [found for found in windows if _CODE.fullmatch(found) and any(char.isdigit() for char in found)]
