"""The words of the stop-payment sheet, Chinese and English."""

from __future__ import annotations

from ledger.channels import CASH, ECNY, SCAN
from ledger.ringing.owing import BEYOND, UNREAD

DIGIT = ("可能少一位或打错，请核对", "A digit may be wrong, please check")
VOICE = {
    "called": ("已电话核实", "Confirmed by phone"),
    "unreached": ("未接通，先行报送", "Not reached, filed ahead"),
}
KIND = {"case": ("真实案件", "Real case"), "drill": ("演练，请勿办理止付", "演练 DRILL. File no stop-payment.")}
ACCOUNTS = {"personal": ("个人", "personal"), "corporate": ("单位（对公）", "corporate")}
BUCKETS = {
    "now": ("刚刚", "just now"),
    "30min": ("30分钟内", "within 30 min"),
    "24h": ("24小时内", "within 24 h"),
    "earlier": ("更早", "earlier"),
}
NO_ACCOUNT = ("没有对方账户，银行无可核对", "No payee account: a bank has nothing to match")
_COMPANY, _ORDER = ("支付机构", "Payment company"), ("微信/支付宝订单号", "Order number")
# What a line is called where the money went another way than from bank to bank.
CALLED = {
    "payee_account": {ECNY: ("钱包编号", "Wallet number")},
    "payee_bank": {
        "alipay": _COMPANY,
        "wechat": _COMPANY,
        SCAN: ("支付机构（扫码的App）", "Payment company (the app)"),
        ECNY: ("钱包运营机构", "Bank that operates the wallet"),
    },
    "time": {CASH: ("交付时间", "Handed over")},
    "payer_bank": {ECNY: ("付款钱包运营机构", "Payer's wallet, operated by")},
    "serial": {"alipay": _ORDER, "wechat": _ORDER, SCAN: ("订单号", "Order number")},
}
FOR = {"self": ("自己", "self"), "other": ("别人", "someone else")}
OF_ONE = ("unread_time", "unread_amount", BEYOND)
LATER = {
    "for_whom": ("给谁报", "For"),
    "safe_phone": ("安全的号码", "Safe number"),
    "channel": ("渠道（没看懂）", "Channel (not understood)"),
    "when": ("转出时间（没看懂）", "Time (not understood)"),
    "unread_time": ("转出时间（没看懂）", "Time (not understood)"),
    "unread_amount": ("金额（没看懂）", "Amount (not understood)"),
    UNREAD: ("另一笔（没看懂）", "Another transfer (not understood)"),
    BEYOND: ("转账（未列入）", "What is not listed"),
}
GRADES = {
    "none": ("未核实", "not verified"),
    "phone": ("推测，凭手机号", "assumed, by phone"),
    "student_no": ("凭学号", "by student number"),
}
