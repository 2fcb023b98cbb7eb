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
# That somebody cannot is meant of themselves, unless their clause names another before it.
_CANNOT = re.compile(
    r"没空|没时间|没办法(?!联系)|没法(?!联系)|不方便|走不开|抽不开|忙不过来|[很太]忙|在忙|忙着|开会|出差|下班|轮休|休假|休息|请假|在?外地"
    r"|不去|不来|[去接来到办]不了(?!解)|处理不了|不归|不是我|不值班|不当班|不接单|我不在(?!现场)"
)
_ANOTHER = re.compile(r"学生|同学|孩子|事主|报案人|受害人|当事人|家长|室友|对方|骗子|他|她|银行|电话|手机")
_CLAUSES = re.compile(r"[,。.!;、?:\n]")
# These say so where they begin a clause, behind such words; elsewhere they may be of anything.
_OF_ONESELF = (
    r"(?<![一-鿿])(?:我们?|本人|现在|今天|今晚|暂时|目前|已经?|也|都|刚|实在|但是?|抱歉|对不起|不好意思)*"
    r"(?:不能(?!再|让)|不行|无法(?!接通|联系|打通)|拒绝(?!转|接|付)|转给(?!骗|对方|他|她|银行|反诈|[0-9])"
    r"|(?:不接了?|不在(?:岗|班|单位|所里)?)(?:$|[\s,.!;。]))"
)
_OF_OTHERS = r"[找换叫请]别人|别人[去接办来]|换人|别找我|\bSOME(?:ONE|BODY) ELSE\b|\bANOTHER OFFICER\b"
_ENGLISH = (
    r"\b(?:CAN['’]?T|CANNOT|CAN NOT|UNABLE TO)\b(?! (?:REACH|GET|CONTACT|FIND|CALL))|\bUNABLE$|\bBUSY\b"
    r"|\bUNAVAILABLE\b|\bDECLINE\b|\bO(?:FF|UT OF) (?:DUTY|OFFICE)\b|\bON LEAVE\b|\bNOT (?:ON DUTY|AVAILABLE|MINE|ME)\b"
)
_REFUSALS = re.compile(f"{_OF_ONESELF}|{_OF_OTHERS}|{_ENGLISH}|[❌✗✘×🙅👎🚫]")
_NOES = frozenset({"不", "否", "不行", "不能", "不可以", "不接", "无法", "NO", "N", "NOPE", "NEGATIVE"})  # said alone
_BESIDE_A_NO = frozenset({"抱歉", "对不起", "不好意思", "现在", "今天", "SORRY", "THANKS", "谢谢"})
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
    return Reply((), bare=bool(words & _BARE) and words <= _YES)


def _of_codes(codes: list[str], text: str, found_in: str) -> Reply:
    before, *after = re.split("|".join(codes), found_in)
    words = _words(_BETWEEN.sub(" ", " ".join((_NUMBER.sub("", before), *after))))
    no = words - _BESIDE_A_NO
    refused = bool(_REFUSALS.search(text)) or _cannot(text) or (bool(no) and no <= _NOES)
    plain = words <= _YES and "?" not in text and not refused
    return Reply(tuple(dict.fromkeys(codes)), bare=False, plain=plain, refused=refused, whole=text is found_in)


def _cannot(text: str) -> bool:
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
