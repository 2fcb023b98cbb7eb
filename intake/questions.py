"""The questions of stage 2, one a page, in the order in which they help: what the bank compares comes first.

Words stand in both languages; names are those under which answers are kept. Nothing here is compulsory.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ledger import channels, fraud
from ledger.channels import CASH, ECNY, SCAN, VOUCHER

Words = tuple[str, str]  # Chinese, English
PHONE = "phone"  # the one question whose answer takes the place of what was reported
HOW = "how"  # what 其他 was; each way has a page of its own then
# The last choice leads back: who paid cash in at a counter or machine has an account to name, and a tap may be a slip.
_WAYS: dict[str, Words] = {
    **channels.OTHERS,
    "other": ("存进或转到银行账户，或都不是", "Into a bank account, or none of these"),
}

YES_NO: dict[str, Words] = {"yes": ("是", "Yes"), "no": ("没有", "No")}
ACCOUNT_KIND: dict[str, Words] = {"personal": ("个人账户", "Personal"), "corporate": ("对公账户", "Company")}


@dataclass(frozen=True)
class Field:
    """One box: text, long (several lines), choice (one of `options`), college (of the roster), time, or digits."""

    name: str
    label: Words
    kind: str = "text"
    hint: Words | None = None
    options: dict[str, Words] | None = None


@dataclass(frozen=True)
class Question:
    """One page. `money`: asked only where a transfer was reported; `unsent`: its title where none was.

    `each`: it is about one of the transfers, and asks which where there are several; `of`: only where one went in one
    of these ways (none: however it went). `caring`: for who follows them up, and not asked where somebody may be
    questioned by the police themselves.
    """

    slug: str
    title: Words
    fields: tuple[Field, ...]
    hint: Words | None = None
    money: bool = False
    each: bool = False
    of: Collection[str] = ()
    caring: bool = False
    unsent: Words | None = None


_ACCOUNT = Field("payee_account", ("对方账号", "Their account"))
_NAME = Field("payee_name", ("对方户名", "Their name"))
_AMOUNT = Field("amount", ("金额（元）", "Amount in yuan"), "digits", ("例如 3800", "For example 3800"))
_SECONDS = ("看转账记录，精确到秒更好。", "See the record. Seconds help.")
_WHEN = Field("when", ("转出时间", "Time of the transfer"), "time", _SECONDS)
_INCIDENT = ("110告诉你的。没有就跳过。", "As 110 said. None? Skip.")
_SOURCE = (
    "例如生活费、借款。跟进老师和学院台账责任人看得到，民警看不到。",
    "Such as savings or a loan. Support staff and the college’s ledger keeper see it, police do not.",
)
_APP = ("支付宝、微信、云闪付或银行App。", "Alipay, WeChat, UnionPay or a bank’s.")
_ORDER = ("在账单里点开这笔。", "In the app’s bills, open this payment.")
_PLACE = ("写清路口、门牌或店名。", "Street corner, number or shop.")
_LOOKS = ("衣服、身高、口音、车牌。", "Clothes, height, accent, number plate.")
_OPERATED = ("钱包上写着，是一家银行。", "The wallet names it: a bank.")
_KIND = Field("account_kind", ("对方账户", "Their account is"), "choice", options=ACCOUNT_KIND)

QUESTIONS: tuple[Question, ...] = (
    Question(
        HOW,
        ("“其他”是怎么付的", "“Other”: how was it paid?"),
        (Field("channel", ("怎么付的", "How"), "choice", options=_WAYS),),
        money=True,
        each=True,
        of=channels.NOT_SAID,
    ),
    Question(
        SCAN,
        ("扫码付款", "Paid by QR code"),
        (
            Field("payee_bank", ("用哪个App扫的", "Which app scanned it?"), hint=_APP),
            Field("serial", ("订单号", "Order number"), hint=_ORDER),
            Field("payee_name", ("收款方名称", "Name of who was paid")),
        ),
        money=True,
        each=True,
        of=(SCAN,),
    ),
    Question(
        CASH,
        ("现金交给了谁", "Who took the cash?"),
        (
            replace(_WHEN, label=("什么时候交的", "When"), hint=None),
            Field("place", ("在哪里交的", "Where"), hint=_PLACE),
            Field("person", ("对方什么样", "What they looked like"), "long", _LOOKS),
            Field("parcel", ("寄出的：快递公司和单号", "Sent: company and number")),
        ),
        ("先打110。没离开现场就等民警。", "Call 110 first. Still there? Wait for the police."),
        money=True,
        each=True,
        of=(CASH,),
    ),
    Question(
        VOUCHER,
        ("充值卡、礼品卡", "Top-up or gift cards"),
        (
            Field("platform", ("什么卡，哪个平台", "Which card, which platform")),
            Field("cards", ("卡号", "Card numbers"), "long", ("一行一个。不填密码。", "One a line. No PINs.")),
        ),
        ("先打平台客服，请作废没用的卡。", "Call the platform first: void unused cards."),
        money=True,
        each=True,
        of=(VOUCHER,),
    ),
    Question(
        ECNY,
        ("数字人民币", "Digital yuan"),
        (
            Field("payee_account", ("对方钱包编号", "Their wallet number")),
            Field("payee_bank", ("对方钱包的运营机构", "Bank of their wallet"), hint=_OPERATED),
            Field("payer_bank", ("你的钱包的运营机构", "Bank of your wallet")),
            Field("serial", ("交易流水号", "Serial number")),
        ),
        money=True,
        each=True,
        of=(ECNY,),
    ),
    Question(
        "time",
        ("转账的准确时间", "Exact time of the transfer"),
        (_WHEN,),
        money=True,
        each=True,
        of=tuple(name for name in channels.WORDS if name != CASH),
    ),
    Question(
        "bank",
        ("银行和流水号", "Banks and serial number"),
        (
            Field("payee_bank", ("对方开户行", "Their bank")),
            _KIND,
            Field("payer_bank", ("你的付款银行", "Your bank")),
            Field("payer_account_tail", ("你的卡号后四位", "Last 4 of your card"), "digits"),
            Field("serial", ("交易流水号或订单号", "Serial or order number")),
        ),
        money=True,
        each=True,
        of=channels.BY_ACCOUNT,
    ),
    Question(
        "correct",
        ("更正填过的内容", "Correct what you sent"),
        (_AMOUNT, _ACCOUNT, _NAME),
        ("只填要改的。原来的也会保留。", "Fill in only what changes. The old stays."),
        money=True,
        each=True,
    ),
    Question(
        "transfer",
        ("还有别的转账", "Another transfer"),
        (
            _AMOUNT,
            _WHEN,
            Field("channel", ("怎么转的", "How did you pay?"), "choice", options=channels.WORDS),
            _ACCOUNT,
            _NAME,
            Field("payee_bank", ("对方开户行", "Their bank")),
            _KIND,
        ),
        ("一次填一笔。还有再填。", "One at a time. Then add the next."),
        money=True,
    ),
    Question(
        "police",
        ("打过110吗", "Called 110?"),
        (
            Field("called", ("打过110", "Called 110"), "choice", options=YES_NO),
            Field("called_at", ("什么时候打的", "When"), "time"),
            Field("incident", ("警情编号", "Incident number"), hint=_INCIDENT),
        ),
    ),
    Question(
        "who",
        ("受害人是谁", "Who lost the money?"),
        (
            Field("name", ("姓名", "Name")),
            Field("student_no", ("学号", "Student number")),
            Field("college", ("学院", "College"), "college"),
        ),
        ("学号或学院，填一个就好。", "Student number or college is enough."),
        unsent=("是谁的事", "Who is this about?"),
    ),
    Question(
        "fraud",
        ("骗局是哪一类", "What kind of fraud?"),
        (Field("fraud_type", ("类型", "Kind"), "choice", options=fraud.KINDS),),
    ),
    Question(
        "contacts",
        ("对方的联系方式", "How they reached you"),
        (
            Field("phone", ("电话", "Phone"), "digits"),
            Field("qq", ("QQ", "QQ")),
            Field("wechat", ("微信", "WeChat")),
            Field("url", ("网址", "Web address")),
            Field("app", ("App 名称", "App")),
        ),
    ),
    Question(
        "story",
        ("事情经过", "What happened"),
        (Field("narrative", ("经过", "In your words"), "long", ("按先后写几句就好。", "A few lines, in order.")),),
    ),
    Question(
        "money",
        ("这笔钱从哪来", "Where the money came from"),
        (Field("money_source", ("来源", "Source"), "long", _SOURCE),),
        money=True,
        caring=True,
    ),
    Question(
        "pressed",
        ("对方还在催吗", "Are they still pressing you?"),
        (
            Field("pressed", ("还在催", "Still pressing"), "choice", options=YES_NO),
            Field("how", ("怎么催的", "How")),
        ),
        ("别再转账，也别回复。", "Send no money. Do not reply."),
    ),
    Question(
        "contact",
        ("可以联系谁", "Whom may we contact?"),
        (
            Field("parents", ("可以告诉家长吗", "May we tell your parents?"), "choice", options={
                "yes": ("可以", "Yes"), "self": ("我自己说", "I will tell them"), "not_now": ("暂不", "Not now")}),
            Field("person", ("还可以联系谁", "Who else"), hint=("例如室友和电话。", "Such as a roommate, with phone.")),
        ),
    ),
    Question(
        PHONE,
        ("更正我的手机号", "Correct my phone number"),
        (Field("phone", ("正确的手机号", "The right number"), "digits"),),
        ("填错了才填。会告诉民警和老师，短信以后发到新号码。", "Only if it was wrong. Officer and counselor are told."),
    ),
)  # fmt: skip


_ASKED_AT: dict[str, dict[str, str]] = {SCAN: {"account": SCAN}, CASH: {"time": CASH}, ECNY: {"account": ECNY}}


def asked(ways: Collection[str] | None, *, questioned: bool = False) -> tuple[Question, ...]:
    """Those that fit a case. `ways`: how its transfers went; None where none was reported: then none about transfers,
    and no word of money lost. `questioned`: who answers may be questioned by the police, and was told so."""
    mine = [q for q in QUESTIONS if not (questioned and q.caring)]
    if ways is None:
        return tuple(replace(q, title=q.unsent or q.title) for q in mine if not q.money)
    return tuple(q for q in mine if not q.of or not set(q.of).isdisjoint(ways))


def page_of(key: str, way: str) -> str:
    """On which page a match key of a transfer that went this way is asked for."""
    return _ASKED_AT.get(way, {}).get(key) or {"time": "time", "amount": "transfer"}.get(key, "correct")
