"""How the money went (渠道): the four that the form asks for, and what 其他 may turn out to be. Chinese, English.

A bank can hold what lies in an account. Cash in a stranger's hands and the numbers of a card are stopped by others, if
they are told at once: what can be done stands here, beside what a transfer of that kind has and has not.
"""

from __future__ import annotations

Words = tuple[str, str]

SCAN, CASH, VOUCHER, ECNY = "scan", "cash", "voucher", "ecny"
ASKED: dict[str, Words] = {
    "bank": ("银行卡", "Bank card"),
    "alipay": ("支付宝", "Alipay"),
    "wechat": ("微信", "WeChat"),
    "other": ("其他", "Other"),
}
OTHERS: dict[str, Words] = {  # asked later, or said by another system at once
    SCAN: ("扫码付款", "QR code"),
    CASH: ("现金", "Cash"),
    VOUCHER: ("充值卡、礼品卡", "Top-up or gift card"),
    ECNY: ("数字人民币", "Digital yuan"),
}
WORDS = {**ASKED, **OTHERS}
NOT_SAID = ("other", *OTHERS)  # what a later answer may still tell more exactly
BY_ACCOUNT = tuple(name for name in WORDS if name not in OTHERS)  # asked for bank and account as such
NO_ACCOUNT = (CASH, VOUCHER)  # nobody's name or account is to be matched, unless one was given all the same

ACTIONS: dict[str, Words] = {  # what whoever has the case can do; one line on the sheet
    SCAN: (
        "问是哪个App扫的，凭它的订单号查收款方，向该支付机构办止付。",
        "Ask which app: its order number finds the payee. File with that payment company.",
    ),
    CASH: (
        "没有对方账户，银行无可止付。马上转110：时间、地点、对方特征，请保留监控。寄出的，请快递公司拦截。",
        "No payee account: nothing to stop at a bank. Tell 110 at once: time, place, looks; have CCTV kept. Sent by "
        "parcel: have it stopped.",
    ),
    VOUCHER: (
        "没有对方账户。凭卡号请发卡平台冻结、作废，并问是否已用。",
        "No payee account. Have the platform void the cards by their numbers, and ask if they were used.",
    ),
    ECNY: (
        "凭钱包编号，向钱包的运营机构（银行）办止付。",
        "File by the wallet number, with the bank that operates the wallet.",
    ),
}
TO_AN_ACCOUNT: Words = (  # of cash or cards with an account: paid in at a counter or machine, or another way after all
    "给了对方账号：先凭账号向银行办止付，再致电问清怎么付的。",
    "An account was given: file with its bank first, then ask how it was paid.",
)
# What only such a transfer has, told on a page of its own and kept with that answer: name → what it is called.
DETAILS: dict[str, dict[str, Words]] = {
    CASH: {
        "place": ("交付地点", "Handed over at"),
        "person": ("对方特征", "What they looked like"),
        "parcel": ("快递公司和单号", "Parcel: company and number"),
    },
    VOUCHER: {"platform": ("卡种、平台", "Card and platform"), "cards": ("卡号", "Card numbers")},
}
DETAIL_NAMES = tuple(name for names in DETAILS.values() for name in names)
