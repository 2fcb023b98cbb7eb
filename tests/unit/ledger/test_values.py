"""What people type in a hurry: every row here was, or will be, typed by somebody."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import values
from ledger.values import Account, When

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)  # 15:00 in Shanghai


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("3,800", 380000),
        ("3800元", 380000),
        ("３８００元", 380000),
        ("3，800", 380000),
        (" 3 800 ", 380000),
        ("1.2万", 1200000),
        ("1万2", 1200000),
        ("1,2万", None),
        ("3,80", None),
        ("1,0000", 1000000),
        ("12,345,678.90", 1234567890),
        ("1万2千5", 1250000),
        ("1万2千元", 1200000),
        ("1千2万", None),
        ("3800多元", 380000),
        ("一亿零五万", 10005000000),
        ("三零五", None),
        ("三百五千", None),
        ("一万三亿", None),
        ("三百零五", 30500),
        ("一百二十", 12000),
        ("亿" * 9999, None),
        ("1.2w", 1200000),
        ("3千8", 380000),
        ("5k", 500000),
        ("2千万", 2000000000),
        ("38600.00", 3860000),
        ("¥3800", 380000),
        ("￥3,800.5", 380050),
        ("人民币3800元整", 380000),
        ("3800 块", 380000),
        ("3800块钱", 380000),
        ("大约3800左右", 380000),
        ("三千八百", 380000),
        ("三千八", 380000),
        ("三千零八", 300800),
        ("一万二", 1200000),
        ("两万五千零三十元", 2503000),
        ("十五", 1500),
        ("壹拾贰万元整", 12000000),
        ("三十", 3000),
        ("1.005", 101),
        ("0.004", None),
        ("0.005", 1),
        ("100000000000", 10**13),
        ("100000000000.01", None),
        ("9" * 5000, None),
        ("0", None),
        ("-5", None),
        ("", None),
        ("元", None),
        ("abc", None),
        ("1.2.3", None),
        ("三八", None),
        ("1e9", None),
        ("NaN", None),
        ("١٢٣", None),
        ("二〇二六", None),
    ],
)
def test_amount(text: str, fen: int | None) -> None:
    assert values.parse_amount(text) == fen


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("13800000001", "+8613800000001"),
        ("138 0000 0001", "+8613800000001"),
        ("138-0000-0001", "+8613800000001"),
        ("+86 138 0000 0001", "+8613800000001"),
        ("0086 13800000001", "+8613800000001"),
        ("8613800000001", "+8613800000001"),
        ("（＋８６）１３８００００００２１", "+8613800000021"),
        ("手机13800000001", "+8613800000001"),
        ("0371-62345678", "+8637162345678"),
        ("010 6234 5678", "+861062345678"),
        ("+15550001111", "+15550001111"),
        ("+44 20 7946 0958", "+442079460958"),
        ("96110", None),
        ("110", None),
        ("12356", None),
        ("62345678", None),
        ("12345678901", None),
        ("138000000012", None),
        ("13800000001 13800000002", None),
        ("6217000000004417", None),
        ("", None),
        ("+", None),
        ("++8613800000001", None),
    ],
)
def test_phone(text: str, phone: str | None) -> None:
    assert values.parse_phone(text) == phone


def test_phone_of_another_region() -> None:
    assert values.parse_phone("(555) 000-1111", "US") == "+15550001111"


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ("4111 1111 1111 1111", Account("4111111111111111", "card", True)),
        ("４１１１１１１１１１１１１１１２", Account("4111111111111112", "card", False)),
        ("4111-1111-1111-1111", Account("4111111111111111", "card", True)),
        ("123456789012", Account("123456789012", "card", None)),
        ("wx_id-01", Account("wx_id-01", "other", None)),
        ("a@b.example", Account("a@b.example", "other", None)),
        ("1" * 28, Account("1" * 28, "other", None)),
        ("138-0000-0001", Account("13800000001", "other", None)),
        ("卡号：4111 1111 1111 1111", Account("4111111111111111", "card", True)),
        (" \u3000\u200b", None),
    ],
)
def test_account(text: str, account: Account | None) -> None:
    assert values.parse_account(text) == account


@pytest.mark.parametrize("text", [
    "无", "没有", "暂无", "没有账号", "不知道", "我不知道", "不 清楚", "不记得了", "忘了", "未知", "不详", "暂时不知道",
    "？", "-", "——", "N/A", "none", "Unknown", "I don't know",
    "账号：不知道", "不知道对方账号", "没有账户", "查不到", "沒有", "無", "no account", "I can't remember", "不知道。",
])  # fmt: skip
def test_who_writes_that_there_is_nothing_has_said_nothing(text: str) -> None:
    assert values.says_nothing(text)


@pytest.mark.parametrize("text", [
    "0", "6217", "吴无忌", "无锡市某商行", "不知火舞", "wuzhidao_88", "no1shop", "知道", "未来科技", "没头脑",
    "支付宝账号", "🌸", "~", "无双", "no_1",
])  # fmt: skip
def test_a_short_or_odd_answer_is_an_answer(text: str) -> None:
    assert not values.says_nothing(text)


def test_groups_of_four() -> None:
    assert values.group4("6217000000004417") == "6217 0000 0000 4417"
    assert values.group4("621700000") == "6217 0000 0"
    for name in ("zhang.san@example.com", "wx_id-01", "张三"):  # no number: it is read as it is
        assert values.group4(name) == name


def _at(day: int, hour: int, minute: int, second: int = 0) -> When:
    return When(None, datetime(2026, 11, day, hour, minute, second, tzinfo=SHANGHAI).astimezone(UTC))


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("now", When("now", None)),
        (" 30MIN ", When("30min", None)),
        ("24h", When("24h", None)),
        ("earlier", When("earlier", None)),
        ("2026-11-23T14:32:00+08:00", _at(23, 14, 32)),
        ("2026-11-23T06:32:00Z", _at(23, 14, 32)),
        ("2026-11-23T14:32", _at(23, 14, 32)),
        ("2026/11/23 14:32:07", _at(23, 14, 32, 7)),
        ("2026/11/23，14:32", _at(23, 14, 32)),
        ("2026-11-23_14:32", _at(23, 14, 32)),
        ("2026年11月23日14:32", _at(23, 14, 32)),
        ("2026年11月23日 14:32:05", _at(23, 14, 32, 5)),
        ("2026年11月8日 9:05", _at(8, 9, 5)),
        ("2026/11/8 09:05", _at(8, 9, 5)),
        ("2026年11月23日", None),
        ("2026年2月30日 14:32", None),
        ("14:32", _at(23, 14, 32)),
        ("14：32：07", _at(23, 14, 32, 7)),
        ("14点32分", _at(23, 14, 32)),
        ("14点", _at(23, 14, 0)),
        ("16:00", _at(22, 16, 0)),
        ("15:04", _at(23, 15, 4)),
        ("昨天14:32", _at(22, 14, 32)),
        ("昨晚 23:10", _at(22, 23, 10)),
        ("前天9:05", _at(21, 9, 5)),
        ("今天16:00", None),
        ("2026-11-23T15:06+08:00", None),
        ("2026-11-23", None),
        ("25:00", None),
        ("14:325", None),
        ("14时32分05秒", _at(23, 14, 32, 5)),
        ("昨晚11:30", None),
        ("昨晚1:30", None),
        ("2026-02-31T10:00", None),
        ("0001-01-01T00:00+14:00", None),
        ("刚才吧", None),
        ("", None),
    ],
)
def test_when(text: str, when: When | None) -> None:
    assert values.parse_when(text, NOW, SHANGHAI) == when


def test_just_after_midnight_a_clock_time_is_yesterdays() -> None:
    midnight = datetime(2026, 11, 23, 0, 10, tzinfo=SHANGHAI).astimezone(UTC)
    assert values.parse_when("23:50", midnight, SHANGHAI) == _at(22, 23, 50)


@pytest.mark.parametrize(("now", "text", "at"), [
    ("2026-10-25T01:45", "01:40", "2026-10-25T01:40"),  # of the two, the last one before now
    ("2026-10-25T01:45", "今天01:40", "2026-10-25T01:40"),
    ("2026-10-25T00:45", "01:40", "2026-10-25T00:40"),  # the second is still to come
    ("2027-03-28T01:40", "01:30", "2027-03-27T01:30"),  # today there was none
    ("2027-03-28T01:40", "今天01:30", None),
    ("2027-03-28T01:40", "02:30", "2027-03-28T01:30"),
])  # fmt: skip
def test_a_clock_time_where_clocks_are_put_back_or_forward(now: str, text: str, at: str | None) -> None:
    when = values.parse_when(text, datetime.fromisoformat(f"{now}Z"), ZoneInfo("Europe/London"))
    assert when == (When(None, datetime.fromisoformat(f"{at}Z")) if at else None)


def test_clean_text() -> None:
    assert values.clean_text(" a\x00b\r\nc\x1b\u202e\ud800 ", 50) == "ab\nc"
    assert values.clean_text("e\u0301", 5) == "\u00e9"
    assert values.clean_text("一二三四", 2) == "一二"


@pytest.mark.parametrize(("fen", "text"), [(3860000, "38,600"), (3860050, "38,600.50"), (5, "0.05"), (0, "0")])
def test_yuan(fen: int, text: str) -> None:
    assert values.yuan(fen) == text


@given(st.text() | st.text(alphabet="0123456789０９.,，万亿千百十一二两三元块+-: T年月日点昨天"))
def test_nothing_that_is_typed_raises(text: str) -> None:
    amount = values.parse_amount(text)
    assert amount is None or 0 < amount <= values.MAX_FEN
    phone = values.parse_phone(text)
    assert phone is None or values.parse_phone(phone) == phone
    account = values.parse_account(text)
    assert account is None or values.parse_account(values.group4(account.text)) is not None
    when = values.parse_when(text, NOW, SHANGHAI)
    assert when is None or (when.bucket is None) != (when.at is None)
    assert len(values.clean_text(text, 10)) <= 10
    assert values.clean_text(values.clean_text(text, 10), 10) == values.clean_text(text, 10)


@given(st.integers(1, values.MAX_FEN))
def test_an_amount_that_is_shown_reads_back(fen: int) -> None:
    assert values.parse_amount(values.yuan(fen)) == fen
    assert values.parse_amount(f"¥{values.yuan(fen)}元") == fen


@given(st.text(alphabet="0123456789", min_size=12, max_size=19))
def test_a_card_number_reads_back_from_groups(digits: str) -> None:
    account = values.parse_account(values.group4(digits))
    assert account is not None
    assert account.text == digits


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2026, 11, 1), timezones=st.just(UTC)))  # noqa: DTZ001 – hypothesis wants naive bounds
def test_a_time_reads_back(at: datetime) -> None:
    assert values.parse_when(at.isoformat(), NOW, SHANGHAI) == When(None, at)
    assert values.parse_when(at.isoformat(), at - timedelta(minutes=6), SHANGHAI) is None
