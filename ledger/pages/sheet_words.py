"""The words of the stop-payment sheet, Chinese and English."""

from __future__ import annotations

from ledger.reporting.corrections import BEYOND, UNREAD

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
CHANNELS = {
    "bank": ("银行卡", "bank card"),
    "alipay": ("支付宝", "Alipay"),
    "wechat": ("微信", "WeChat"),
    "other": ("其他", "other"),
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
