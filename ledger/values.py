"""What people type in a hurry, read forgivingly: amounts, phones, accounts, times.

Every parser answers None where it cannot read a text and never raises on one: the caller keeps the text as it was
written and flags it to the officer. Money is integer fen, times are aware UTC datetimes.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, get_args

import phonenumbers
from stdnum import luhn

Bucket = Literal["now", "30min", "24h", "earlier"]

MAX_FEN = 10**13
FUTURE = timedelta(minutes=5)  # a phone's clock may run ahead of ours by this much
PAST = timedelta(days=3653)  # an older time is a slip of the finger

_DIGITS = {**{c: n for n, c in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2}
_DIGITS |= {c: n for n, c in enumerate("零壹贰叁肆伍陆柒捌玖")}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_ABOUT = re.compile(r"人民币|RMB|CNY|[¥￥]|大约|大概|左右|[约共多余]", re.IGNORECASE)
_TAIL = re.compile(r"(?:元人民币|元钱|块钱|元|圆|块|钱)?[整正]?$")
_GROUPED = re.compile(r"\d{1,4}(?:,\d{3})+(?!\d)|\d{1,4}(?:,\d{4})+(?!\d)", re.ASCII)
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(千万|[亿万萬w千仟k百佰]?)", re.ASCII | re.IGNORECASE)
_SCALES = {"百": 100, "佰": 100, "千": 1000, "仟": 1000, "k": 1000, "万": 10**4, "萬": 10**4, "w": 10**4}
_SCALES |= {"": 1, "千万": 10**7, "亿": 10**8}
_CLOCK = re.compile(r"(今天|今日|昨天|昨日|昨晚|前天)?(?:的)?(\d{1,2})[:点时](?:(\d{1,2})(?:分|[:分](\d{1,2})秒?)?)?")
_DAYS_AGO = {"今天": 0, "今日": 0, "昨天": 1, "昨日": 1, "昨晚": 1, "前天": 2}
_EVENING = 18  # 昨晚11:30 is 23:30 to whom says it, and 昨晚1:30 is of today: the officer asks
_LABEL = re.compile(r"^(?:对方|收款)?(?:账号|帐号|账户|卡号|订单号|转账单号)[:是为]?")
# What people write into a box that they have no answer for; a name as short as 无 belongs to no account.
_NOTHING = re.compile(
    r"我?(?:暂时?|目前|现在)?(?:[无無]|[没沒]有?|[不未]知道?|不(?:清楚|记得|详|确定|太清楚)|未填|忘[记記]?|[查看找]不到)"
    r"(?:填|(?:对方)?(?:账号|帐号|账户|户名|姓名|卡号))?了?"
    r"|none|no|na|nil|null|unknown|idk|i?(?:dont|donot|cant|cannot)(?:know|remember)|notsure|notknown|noidea|forgot|noaccount"
)
_SILENT = frozenset("?？-—–_/\\'’`")  # what stands for nothing, or in the words above; a name may be of other signs
_DAY = re.compile(r"(\d{4})[-/年](\d{1,2})[-/月](\d{1,2})(?:日\s*|T|[\s,_]+)(\d{1,2})(?=:|$)", re.ASCII)
_PHONE_CHARS = re.compile(r"\+?\d{5,18}", re.ASCII)


@dataclass(frozen=True)
class Account:
    """A payee account as it will be typed at the bank: no spaces, ASCII digits; `luhn_ok` is only ever a warning."""

    text: str
    kind: Literal["card", "other"]
    luhn_ok: bool | None


@dataclass(frozen=True)
class When:
    """Either a bucket or an exact UTC time, never both: a bucket is never turned into a clock time."""

    bucket: Bucket | None
    at: datetime | None


def parse_amount(text: str) -> int | None:
    """Fen (1/100 yuan) in `text`; None when it is no amount, not positive, or above 10^13 fen.

    Reads 3,800 · ３８００元 · ¥3800 · 人民币3800元整 · 1.2万 · 1万2 · 三千八; more than two decimals round half up.
    A comma that groups neither three nor four digits (1,2万) could be a decimal point: None, the officer asks.
    """
    plain = _TAIL.sub("", _ABOUT.sub("", _squeeze(text)).replace("、", ","))
    plain = _GROUPED.sub(lambda found: found[0].replace(",", ""), plain)
    if not 0 < len(plain) <= 40:
        return None
    amount = _arabic(plain) if plain[0].isascii() else _chinese(plain)
    if amount is None or amount > MAX_FEN:
        return None
    fen = int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    return fen if 0 < fen <= MAX_FEN else None


def _squeeze(text: str) -> str:
    """One spelling for full-width, half-width and spaced-out text; without what cannot be seen."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(c for c in folded if not c.isspace() and unicodedata.category(c)[0] != "C")


def _arabic(plain: str) -> Decimal | None:
    """3800 · 1.2万 · 1万2千 · 1万2: each part under a smaller unit than the one before."""
    total, above, at = Decimal(0), 0, 0
    while at < len(plain):
        found = _PART.match(plain, at)
        if found is None:
            return None
        at, scale = found.end(), _SCALES[found[2].lower()]
        if above and scale == 1 and len(found[1]) == 1:
            scale = above // 10  # 1万2 is spoken for 12,000: the bare digit counts tenths of the unit before it
        elif above and (scale >= above or scale == 1):
            return None
        total, above = total + Decimal(found[1]) * scale, scale
    return total


def _chinese(plain: str) -> Decimal | None:
    """三千八百 · 一万二 · 两万五千零三十: whole numbers, as they are spoken or printed on slips."""
    total, section, digit, unit = 0, 0, None, 10**9
    tenths = 1  # 三千八 means 3,800 and 一万二 12,000, but 三千零八 means 3,008
    for char in plain:
        if char in _DIGITS:
            if digit:
                return None  # 三八 and 三零五 are no numbers
            digit, tenths = _DIGITS[char], 1 if _DIGITS[char] == 0 else tenths
        elif char in "万萬亿":
            scale = 10**8 if char == "亿" else 10**4
            if total and scale > total:
                return None  # 一万三亿
            total, section, digit, unit, tenths = total + (section + (digit or 0)) * scale, 0, None, 10**9, scale // 10
        elif _UNITS.get(char, unit) < unit:
            unit = _UNITS[char]
            section, digit, tenths = section + (1 if digit is None else digit) * unit, None, unit // 10
        else:
            return None
    return Decimal(total + section + (digit or 0) * tenths)


def parse_phone(text: str, region: str = "CN") -> str | None:
    """The number in E.164 (`+8613800000001`), or None when it is not one full mobile or fixed number.

    Possible is enough outside +86, whose mobile numbers are 11 digits from 13 to 19 (made-up ones pass) and whose
    fixed ones must be valid; short numbers such as 110 and 96110 never pass.
    """
    digits = re.sub(r"[^\d+]", "", _squeeze(text).replace("(0)", ""))
    if not _PHONE_CHARS.fullmatch(digits):
        return None
    try:
        number = phonenumbers.parse(re.sub(r"^00", "+", digits), region)
    except phonenumbers.NumberParseException:
        return None
    if number.country_code == 86:
        mobile = re.fullmatch(r"1[3-9]\d{9}", str(number.national_number))
        fixed = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE
        if not mobile and not fixed:
            return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def parse_account(text: str) -> Account | None:
    """The account without spaces, or None when nothing is left; a card is 12–19 digits, anything else is `other`.

    Luhn (ISO/IEC 7812-1) is told for 16–19 digits, the lengths of bank cards: passbook accounts follow no such rule.
    """
    plain = _LABEL.sub("", _squeeze(text))
    bare = re.sub(r"[-‐-―_.·]", "", plain)
    if re.fullmatch(r"\d+", bare, re.ASCII):  # only among digits are dashes mere separators
        is_card = 12 <= len(bare) <= 19
        return Account(
            bare, "card" if is_card else "other", luhn.is_valid(bare) if is_card and len(bare) > 15 else None
        )
    return Account(plain, "other", None) if plain else None


def says_nothing(text: str) -> bool:
    """Whether this is 无, 不知道, n/a or ？ in a box: no answer, though the box is not empty."""
    said = _LABEL.sub("", _squeeze(text).casefold()).strip(".。,，!！")
    plain = "".join(c for c in said if c not in _SILENT)
    return not plain or _NOTHING.fullmatch(plain) is not None


def doubted(account: str | None) -> bool:
    """Whether this looks like a bank card with a digit missing or wrong: a warning, never a reason to refuse."""
    read = parse_account(account or "")
    return read is not None and read.luhn_ok is False


def group4(text: str) -> str:
    """`6217000000004417` as `6217 0000 0000 4417`, the way it is read aloud and compared; a name is left whole."""
    plain = "".join(text.split())
    if not re.fullmatch(r"\d+", plain, re.ASCII):
        return text  # an e-mail address or a user name
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def parse_when(text: str, now: datetime, zone: tzinfo) -> When | None:
    """A bucket (now · 30min · 24h · earlier), ISO 8601 (naive: in `zone`), or a clock time such as 14:32 or 昨天14:32.

    A bare clock time is the last one before `now`. None for anything else, and for times over 5 minutes ahead or ten
    years ago.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    bucket = next((b for b in get_args(Bucket) if b == plain.lower()), None)
    if bucket is not None:
        return When(bucket, None)
    try:
        at = _clock(_squeeze(plain), now, zone) or _iso(plain, zone)
    except (ValueError, OverflowError):  # 25:00, 31 February, the year 0
        return None
    return When(None, at) if at is not None and now - PAST <= at <= now + FUTURE else None


def _iso(plain: str, zone: tzinfo) -> datetime | None:
    if len(plain) < 11:  # a date alone says no time
        return None
    at = datetime.fromisoformat(_DAY.sub(_as_iso, plain, count=1))
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


def _as_iso(day: re.Match[str]) -> str:
    """2026年1月5日 9 as 2026-01-05T09: payment apps write it so."""
    return "{}-{:02}-{:02}T{:02}".format(*map(int, day.groups()))


def _clock(plain: str, now: datetime, zone: tzinfo) -> datetime | None:
    found = _CLOCK.fullmatch(plain)
    if found is None or (found[1] == "昨晚" and int(found[2]) < _EVENING):
        return None
    today = now.astimezone(zone).date()
    clock = time(int(found[2]), int(found[3] or 0), int(found[4] or 0))
    days = [today - timedelta(days=ago) for ago in ((_DAYS_AGO[found[1]],) if found[1] else (0, 1))]
    shown = (at for day in days for at in _shown(day, clock, zone))
    return max((at for at in shown if at <= now + FUTURE), default=None)


def _shown(day: date, clock: time, zone: tzinfo) -> list[datetime]:
    """When clocks showed this: twice or never in an hour that they were put back or forward by."""
    both = {datetime.combine(day, clock.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)}
    return [at for at in both if at.astimezone(zone).time() == clock]


def clean_text(text: str, limit: int) -> str:
    """`text` in NFC without control characters (line feeds stay) and bidi overrides, stripped, at most `limit` long."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    # Cc holds NUL, which PostgreSQL refuses; Cs lone surrogates, which cannot be encoded
    kept = "".join(c for c in lines if c == "\n" or (unicodedata.category(c) not in ("Cc", "Cs") and c not in _BIDI))
    return unicodedata.normalize("NFC", kept).strip()[:limit].rstrip()


_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def yuan(fen: int) -> str:
    """`3860000` as `38,600` and `3860050` as `38,600.50`."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}" + (f".{rest:02}" if rest else "")
