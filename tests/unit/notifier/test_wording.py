"""Every text: as the field wants it, within its segments at the longest values, and free of what carriers drop."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier import messages as m
from notifier.countries import CountryRow, for_phone
from notifier.segments import is_gsm, segments, units
from notifier.wording import render

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 25, 6, 35, tzinfo=UTC)
TWO_WAY = CountryRow("+0", reply=True, voice=False, wording="detailed", per_number_per_day=9)
ONE_WAY = replace(TWO_WAY, reply=False)
CODE, DRILL_CODE = "K7M3P", "YA52P"
NINE = "示范大学保卫工作部"
MONEY = ("止付", "转账", "转出", "被骗", "诈骗", "银行", "元")
MONEY_IN_ENGLISH = ("pay", "money", "transfer", "bank", "cny", "scam", "fraud")
FORBIDDEN = ("刷单", "贷款", "兼职", "投资", "¥", "￥", "http", "://", "www")


def zh(message: m.Message, country: CountryRow = TWO_WAY, **more: Any) -> str:
    more = {"language": "zh", "wording": "auto", "signature": "示例大学", **more}
    return render(message, country=country, zone=SHANGHAI, now=NOW, **more)


OFFICER = m.Officer(
    CODE,
    amount_fen=3_860_000,
    transfers=3,
    channel="bank",
    happened_at="2026-11-25T14:32:00+08:00",
    missing=("name", "account"),
    reported_at="2026-11-25T06:35:10Z",
)
TEXTS_AS_PRINTED: list[tuple[m.Message, str]] = [
    (OFFICER, "紧急止付K7M3P：银行卡38600元等3笔，25日14:32转出，缺户名账号。接单回复K7M3P。"),
    (
        m.Escalation(CODE, 3_860_000, nth=2, minutes=11, next_minutes=3),
        "第2次提醒K7M3P：38600元，报告已过11分钟，无人接单。接单回复K7M3P，3分钟后另找他人。",
    ),
    (m.StandDown(CODE, "欧阳警官", "2026-11-24T19:14:00Z"), "K7M3P已有人接单（欧阳警官03:14），您无需再处理。"),
    (
        m.Acknowledged(CODE, "2026-11-24T19:14:00Z", minutes=10),
        "K7M3P由您接单（03:14）。请先致电报案人核实，再办止付。10分钟内请填进展，否则再次提醒。",
    ),
    (
        m.CodeNeeded((CODE, "Q8W4C")),
        "尚未接单：您有2件待接，K7M3P、Q8W4C。请回复其中一个编号，或到值守页接单。",
    ),
    (m.UnknownCode(CODE), "未找到编号K7M3P，接单未成功。请核对后重新回复，或到值守页接单。"),
    (
        m.Counselor(CODE, minutes=30),
        "K7M3P：您有1名学生可能被骗。请30分钟内致电，先问是否平安，不问对错。姓名见系统，收到回复K7M3P。",
    ),
    (
        m.CounselorReminder(CODE, nth=2, minutes=20),
        "第2次提醒K7M3P：已过20分钟，尚无联系记录。请现在致电学生，先问是否平安。不便请在系统转交。",
    ),
    (m.Immediate(CODE), "立即到场K7M3P：1名学生现在需要人陪。请马上致电并赶到，不要让其独处。收到回复K7M3P。"),
    (
        m.Student(CODE),
        "已收到，编号K7M3P。请马上报警，说“紧急止付”。别再转账，保留聊天记录。收钱帮追款的是骗子。",
    ),
    (
        m.Lapse(CODE, "2026-11-26T14:35:00+08:00", hours_left=6, again=1),
        "K7M3P的止付26日14:35到期，还剩6小时，还可再止付1次。请办理并记录结果。",
    ),
    (
        m.Lapse(CODE, "2026-11-26T14:35:00+08:00", hours_left=0, transfer=2),
        "K7M3P第2笔止付26日14:35到期，剩余不足1小时，不可再次止付。请办理并记录结果。",
    ),
    (
        m.Lapse(CODE, "2026-11-26T14:35:00+08:00", hours_left=1, again=1, transfers=3),
        "K7M3P有3笔止付26日14:35起到期，还剩1小时，还可再止付1次。请办理并记录结果。",
    ),
    (
        m.Drill(DRILL_CODE, 3_860_000, "2026-11-25T14:32:00+08:00"),
        "演练YA52P：仅为演练，请勿办理止付。模拟14:32转出38600元。收到回复YA52P。演练",
    ),
    (m.DrillEnd(DRILL_CODE), "演练YA52P已结束，请停止演练操作。此后通知请按真实情况处理。演练"),
    (
        m.Immediate(CODE, nth=2),
        "立即到场K7M3P，第2次：1名学生现在需要人陪。请马上致电并赶到，不要让其独处。收到回复K7M3P。",
    ),
    (
        m.Referral(CODE, minutes=1445),
        "K7M3P：1名学生转介心理中心已过24小时，尚无回复。请确认今天有人联系学生，联系后请在系统记录。",
    ),
    (m.Dissuade(CODE), "K7M3P：1名学生正被催转账，钱还没转。请马上致电劝阻：先别转，挂断电话。收到回复K7M3P。"),
    (
        m.Dissuade(CODE, nth=2),
        "第2次提醒K7M3P：1名学生正被催转账，钱还没转。请马上致电劝阻：先别转，挂断电话。收到回复K7M3P。",
    ),
    (m.Amended(CODE, ("name", "account")), "K7M3P有补充：新报户名账号。详情见值守页。"),
    (m.Amended(CODE, ("unsafe",), nth=2), "K7M3P第2次有补充：报案人现在不安全。详情见值守页。"),
    (m.Amended(CODE, ("phone",)), "K7M3P有补充：报案人改了手机号。新旧号码见系统。"),
    (m.Amended(CODE, ("phone", "name")), "K7M3P有补充：新报户名，换了号码。详情见值守页。"),
    (m.Further(CODE), "K7M3P新增转账，正在通知值班民警。正在办理的，请到值守页接单。"),
    (
        m.Further(CODE, closed=True),
        "K7M3P结案后新增转账，案件已重新打开，正在通知值班民警。正在办理的，请到值守页接单。",
    ),
]
NEUTRAL_TEXTS: list[tuple[m.Message, str]] = [
    (OFFICER, "值班通知：紧急事项K7M3P，25日14:35登记，请立即打开值守页确认。第1次通知。"),
    (
        m.Counselor(CODE, minutes=30),
        "值班通知：您有1名学生需要关心，编号K7M3P。请30分钟内致电，先问是否平安。姓名见系统。",
    ),
    (
        m.Student(CODE),
        "已收到，编号K7M3P。请马上报警，保留记录，别再按对方要求操作。老师会联系您，进展请回登记页查看。",
    ),
    (m.Acknowledged(CODE), "K7M3P由您接单。请先致电报案人核实，再按流程处理。10分钟内请填进展，否则再次提醒。"),
    (m.Dissuade(CODE, nth=2), "第2次提醒K7M3P：1名学生正被人催促。请马上致电：先挂断，别按对方要求操作。详见值守页。"),
    (m.Amended(CODE, ("transfer",)), "K7M3P有补充：有新信息。详情见值守页。"),
    (m.Amended(CODE, ("unsafe",)), "K7M3P有补充：报案人现在不安全。详情见值守页。"),
    (m.Amended(CODE, ("phone",)), "K7M3P有补充：报案人改了手机号。新旧号码见系统。"),
    (m.Drill(DRILL_CODE, 3_860_000), "演练YA52P：仅为演练，请勿真实办理。详见值守页。演练"),
    (
        m.Escalation(CODE, 3_860_000, nth=2, minutes=11),
        "值班通知：紧急事项K7M3P，25日14:24登记，请立即打开值守页确认。第2次通知。",
    ),
]


@pytest.mark.parametrize(("message", "text"), TEXTS_AS_PRINTED, ids=lambda value: getattr(value, "kind", ""))
def test_detailed_text_is_the_one_in_the_domain(message: m.Message, text: str) -> None:
    assert zh(message) == f"【示例大学】{text}"


@pytest.mark.parametrize(("message", "text"), NEUTRAL_TEXTS, ids=lambda value: getattr(value, "kind", ""))
def test_neutral_text_is_the_one_in_the_domain(message: m.Message, text: str) -> None:
    assert zh(message, ONE_WAY, wording="neutral") == f"【示例大学】{text}"
    assert zh(message, for_phone("+8613800000001")) == f"【示例大学】{text}"


def test_english_student_text_is_the_one_in_the_domain() -> None:
    text = zh(m.Student(CODE), language="en", signature="Example U")
    assert text == (
        '[Example U] Received: K7M3P. Call police now; say "jinji zhifu" (stop payment). '
        "Send no more money. Keep chats. Recovery fees = scam."
    )


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"amount_fen": 999_999_999}, "银行卡9999999元等3笔，"),
        ({"amount_fen": 1_000_000_000}, "银行卡1000万元等3笔，"),
        ({"amount_fen": 380_099}, "银行卡3800元等3笔，"),
        ({"amount_fen": None}, "银行卡金额待问，25日14:32转出，"),
        ({"transfers": 1}, "38600元，25日"),
        ({"transfers": 9}, "元等9笔，"),
        ({"transfers": 10}, "元等多笔，"),
        ({"channel": "wechat"}, "：微信38600元"),
        ({"channel": "other"}, "：其他渠道38600元"),
        ({"channel": "cash", "missing": ()}, "：现金38600元等3笔，25日14:32转出。接单"),
        ({"channel": "ecny"}, "：数字人民币38600元"),
        ({"missing": ()}, "，25日14:32转出。接单回复K7M3P。"),
        ({"happened_at": None, "when": "now", "missing": ("time",)}, "，刚刚转出，缺时间。"),
        ({"happened_at": None, "when": "30min"}, "，30分钟内转出，缺户名账号。"),
        ({"happened_at": None, "when": "24h"}, "，24小时内转出，"),
        ({"happened_at": None, "when": "earlier"}, "，更早转出，"),
        ({"happened_at": None, "missing": ("account", "time")}, "，时间待问，缺账号。"),
        ({"happened_at": "yesterday"}, "，时间待问，"),
        ({"transfer": 2, "transfers": 1}, "紧急止付K7M3P（新增第2笔）：银行卡38600元，25日14:32转出，"),
        ({"transfer": 2, "same_as": "Q8W4C", "missing": ()}, "K7M3P（疑同Q8W4C，新增第2笔）：银行卡38600元等3笔"),
        ({"again": True, "missing": ()}, "K7M3P（又有止付要办）：银行卡"),
        ({"happened_at": "2026-11-30T20:05:00Z"}, "，1日04:05转出，"),
        ({"happened_at": "2026-10-25T14:32:00+08:00"}, "，10月25日转出，"),  # the 25th of this month it is not
    ],
)
def test_officer_facts(change: dict[str, Any], part: str) -> None:
    assert part in zh(replace(OFFICER, **change))


def test_duty_page_stands_where_phones_cannot_answer() -> None:
    for message in (OFFICER, m.Escalation(CODE), m.Counselor(CODE), m.Immediate(CODE), m.Bundle((CODE,))):
        text = zh(message, ONE_WAY)
        assert "详见值守页" in text
        assert "回复" not in text


def test_last_escalation_promises_nobody_else() -> None:
    assert zh(m.Escalation(CODE, next_minutes=None)).endswith("接单回复K7M3P。")


def test_resend_is_marked() -> None:
    assert zh(OFFICER, resend=True).startswith("【示例大学】重发：紧急止付")


def test_drill_of_the_officer_alert_forbids_a_stop() -> None:
    alert = replace(OFFICER, code=DRILL_CODE, nth=3)
    assert "YA52P，第3次：仅为演练，请勿办理止付" in zh(alert, drill=True)
    assert "YA52P，第3次：仅为演练，请勿真实办理" in zh(alert, drill=True, wording="neutral")


def test_signature_is_cut_and_never_doubled() -> None:
    assert zh(m.DrillEnd(CODE), signature="【一二三四五六七八九十】").startswith("【一二三四五六七八九】演练")


def test_an_owner_cannot_smuggle_a_second_signature() -> None:
    assert "【" not in zh(m.StandDown(CODE, "【】¥欧阳")).removeprefix("【示例大学】")


LATE = "2026-11-25T23:59:59+08:00"
LONGEST: list[m.Message] = [
    replace(OFFICER, amount_fen=10**18, transfers=99, happened_at=LATE, missing=("name", "account", "amount", "time")),
    replace(OFFICER, channel="other", amount_fen=999_999_999, transfers=10, nth=500, reported_at=LATE),
    replace(OFFICER, happened_at=None, when="24h", missing=("name", "account", "amount", "time"), transfers=9),
    replace(OFFICER, channel="ecny", amount_fen=10**18, transfers=99, happened_at=LATE, missing=("name", "account")),
    replace(OFFICER, happened_at=None, amount_fen=None, channel="other", missing=("name", "account", "time")),
    replace(OFFICER, amount_fen=10**18, transfers=99, happened_at=LATE, same_as="Q8W4C", transfer=500),
    replace(OFFICER, missing=("name", "account", "amount", "time"), amount_fen=10**18, happened_at=LATE, again=True),
    m.Escalation(CODE, 10**18, nth=500, minutes=99, next_minutes=99),
    m.Escalation(CODE, None, nth=500, minutes=10**9, next_minutes=10**9),
    m.Call(CODE),
    m.Student(CODE, paid=False),
    m.Outage(CODE, 10**18, 99, "bank", None, LATE, LATE),
    m.Outage(CODE, 999_999_900, 2, "other", "24h", None, LATE),
    m.Outage(CODE, 10**18, 99, "ecny", "30min", None, LATE),
    m.StandDown(CODE, "欧阳" * 20, LATE),
    m.Acknowledged(CODE, LATE, minutes=99),
    m.CodeNeeded((CODE,) * 99),
    m.CodeNeeded(()),
    m.UnknownCode(CODE),
    m.Bundle((CODE,) * m.BUNDLE_CODES),
    m.Bundle((CODE,) * m.BUNDLE_CODES, unverified=True, nth=500),
    m.Bundle((CODE,) * m.BUNDLE_CODES, unverified=True, dissuade=True, nth=500),
    m.Counselor(CODE, minutes=99),
    m.CounselorReminder(CODE, nth=500, minutes=99),
    m.CounselorAck(CODE),
    m.CounselorAck(CODE, holds=99),
    m.Immediate(CODE, nth=500),
    m.Referral(CODE),
    m.Referral(CODE, today=False),
    m.Referral(CODE, minutes=10**7),
    m.Referral(CODE, minutes=99 * 60),
    m.Handover(CODE),
    m.Dissuade(CODE, nth=500),
    m.Student(CODE),
    m.Reopening(CODE, "123456", minutes=10),
    m.Ask(CODE, ("name", "account", "amount", "time")),
    m.Amended(CODE, ("name", "account", "amount", "time", "transfer", "unsafe", "phone", "bank"), nth=500),
    m.Amended(CODE, ("phone",), nth=500),
    m.Amended(CODE),
    m.Further(CODE),
    m.Further(CODE, closed=True),
    m.Progress(CODE, "欧阳" * 20, minutes=99, next_minutes=99),
    m.Progress(CODE, "欧阳" * 20, minutes=99, next_minutes=99, transfer=500),
    m.Progress(CODE, "欧阳" * 20, minutes=99, next_minutes=99, again=True),
    m.Progress(CODE, "欧阳" * 20, minutes=99, next_minutes=99, dissuade=True),
    m.Progress(CODE, minutes=99, unfiled=True),
    m.MovedOn(CODE, minutes=99),
    m.MovedOn(CODE, minutes=99, dissuade=True),
    m.Lapse(CODE, LATE, hours_left=500, again=99),
    m.Lapse(CODE, None),
    m.Lapse(CODE, LATE, hours_left=500, again=99, transfer=500),
    m.Lapse(CODE, LATE, hours_left=500, again=99, transfers=500),
    m.Lapse(CODE, None, transfers=500),
    *(m.FollowUp(CODE, contact, overdue) for contact in ("24h", "elsewhere") for overdue in (True, False)),
    m.Drill(CODE, 10**18, LATE, nth=500),
    m.Drill(CODE),
    m.DrillEnd(CODE),
]
SHORT = (m.Officer, m.Escalation, m.Bundle, m.Counselor, m.Student, m.Dissuade, m.Drill, m.Progress, m.Acknowledged)
LANGUAGES: tuple[Literal["zh", "en"], ...] = ("zh", "en")
SEGMENTS = {"zh": 1, "en": 2}


def every_text(message: m.Message, language: str) -> list[str]:
    choices = product((TWO_WAY, ONE_WAY), ("detailed", "neutral"), (False, True), (False, True))
    return [
        zh(message, country, language=language, wording=wording, resend=resend, drill=drill, signature=signature)
        for country, wording, resend, drill in choices
        for signature in (NINE, "Example U")
    ]


def test_the_longest_of_every_kind_is_tried() -> None:
    assert {message.kind for message in LONGEST} == set(m.KINDS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", LONGEST, ids=lambda message: str(message.kind))
def test_longest_values_fit_their_segments(message: m.Message, language: str) -> None:
    for text in every_text(message, language):
        assert segments(text) <= SEGMENTS[language], (units(text), text)


@pytest.mark.parametrize("message", LONGEST, ids=lambda message: str(message.kind))
def test_a_real_alert_keeps_its_details(message: m.Message) -> None:
    """The fall-back to the neutral row is for drills: 重发 alone never causes it."""
    first = zh(message, signature=NINE)
    assert zh(message, signature=NINE, resend=True) == first.replace("】", "】重发：")
    plain_already = isinstance(message, m.Student) and not message.paid
    if type(message) in SHORT and not plain_already:
        assert first != zh(message, signature=NINE, wording="neutral")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", LONGEST, ids=lambda message: str(message.kind))
def test_nothing_that_carriers_drop_texts_for(message: m.Message, language: str) -> None:
    for text in every_text(message, language):
        inside = text.removeprefix(f"【{NINE}】").removeprefix("【Example U】")
        assert not [word for word in (*FORBIDDEN, "【", "】") if word in inside]


@pytest.mark.parametrize("message", [*LONGEST, *(message for message, _ in TEXTS_AS_PRINTED)], ids=lambda it: it.kind)
def test_neutral_wording_names_no_money_no_bank_and_no_fraud(message: m.Message) -> None:
    """Also where it falls back to no other row; whoever is called reads the rest on the page."""
    for country, resend, drill in product((TWO_WAY, ONE_WAY), (False, True), (False, True)):
        how: dict[str, Any] = {"wording": "neutral", "resend": resend, "drill": drill}
        text = zh(message, country, **how)
        assert not [word for word in (*MONEY, *FORBIDDEN) if word in text], text
        english = zh(message, country, language="en", **how).lower()
        assert not [word for word in MONEY_IN_ENGLISH if word in english], english


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("wording", ["detailed", "neutral"])
@pytest.mark.parametrize(
    "message",
    [m.Escalation(CODE), m.Bundle((CODE,)), m.CounselorReminder(CODE), m.Immediate(CODE), m.Dissuade(CODE),
     m.Amended(CODE, ("unsafe",)), m.Drill(CODE)],
    ids=lambda it: it.kind,
)  # fmt: skip
def test_what_is_said_again_is_said_in_other_words(message: Any, wording: str, language: str) -> None:
    """Carriers in mainland China reject the third of three identical texts within a day."""
    said = [zh(replace(message, nth=nth), language=language, wording=wording) for nth in range(1, 11)]
    assert len(set(said)) == 10


@pytest.mark.parametrize("message", LONGEST, ids=lambda message: str(message.kind))
def test_english_is_gsm_but_for_names(message: m.Message) -> None:
    text = zh(message, language="en", signature="Example U")
    assert is_gsm(text.replace("欧阳", ""))


@pytest.mark.parametrize("message", LONGEST, ids=lambda message: str(message.kind))
def test_a_drill_says_so_at_both_ends(message: m.Message) -> None:
    for resend in (False, True):
        chinese = zh(message, drill=True, resend=resend).removeprefix("【示例大学】").removeprefix("重发：")
        assert chinese.startswith("演练")
        assert chinese.endswith("演练")
        assert not chinese.startswith("演练演练")
        english = zh(message, drill=True, language="en", signature="U")
        assert english.startswith("[U] DRILL ")
        assert english.endswith("DRILL")


def test_every_kind_has_both_languages() -> None:
    for kind in m.KINDS:
        message = next(found for found in LONGEST if found.kind == kind)
        assert zh(message)
        assert zh(message, language="en")


@given(
    amount=st.none() | st.integers(0, 10**15),
    transfers=st.integers(0, 1000),
    channel=st.sampled_from(("bank", "alipay", "wechat", "other", "cash")),
    when=st.none() | st.sampled_from(("now", "30min", "24h", "earlier", "?")),
    happened=st.none() | st.datetimes().map(lambda t: t.replace(tzinfo=UTC).isoformat()) | st.text(max_size=12),
    missing=st.sets(st.sampled_from(("name", "account", "amount", "time"))).map(tuple),
    resend=st.booleans(),
    country=st.sampled_from((TWO_WAY, ONE_WAY)),
)
def test_any_officer_alert_goes_out_in_one_segment(
    amount: int | None,
    transfers: int,
    channel: str,
    when: str | None,
    happened: str | None,
    missing: tuple[str, ...],
    resend: bool,
    country: CountryRow,
) -> None:
    message = m.Officer(CODE, amount, transfers, channel, when, happened, missing)
    text = zh(message, country, signature=NINE, resend=resend)
    assert units(text) <= 70
    assert CODE in text
