"""The words of the exported ledger, Chinese and English: those that its pages use (desk/templates/desk)."""

from __future__ import annotations

from collections.abc import Mapping

Words = tuple[str, str]

POLICE: Mapping[str, Words] = {
    "pending": ("正在通知", "Alerting"),
    "alerted": ("待接单", "Waiting"),
    "acknowledged": ("已接单", "Taken"),
    "contacted": ("已联系报案人", "Reporter reached"),
    "filed": ("已报送止付", "Stop filed"),
    "done": ("已办结", "Finished"),
}
DISSUADING = {**POLICE, "alerted": ("待接手", "Waiting"), "acknowledged": ("已接手", "Taken")}
FOLLOW_UP: Mapping[str, Words] = {
    "first_contact": ("待首联", "First contact due"),
    "in_progress": ("跟进中", "In progress"),
    "referred": ("已转介", "Referred"),
    "stable": ("稳定观察", "Stable"),
    "review": ("待复核", "Under review"),
    "closed": ("已结案", "Closed"),
}
CONTACTS: Mapping[str, Words] = {
    "call_30m": ("30分钟内致电", "Call within 30 min"),
    "face_24h": ("24小时内见面", "Meet within 24 h"),
    "h48": ("48小时联系", "Contact at 48 h"),
    "h72": ("72小时联系", "Contact at 72 h"),
    "d7": ("7天联系", "Contact at 7 days"),
    "d14": ("14天联系", "Contact at 14 days"),
    "d30": ("30天联系", "Contact at 30 days"),
    "d90": ("90天联系", "Contact at 90 days"),
}
AGREED: Words = ("约定联系", "Agreed contact")
EXTRA: Words = ("另加联系", "Extra contact")
ON_A_DAY: Words = ("定日联系", "Contact on a date")
DATED: Mapping[str, Words] = {
    "loan": ("贷款到期", "A loan falls due"),
    "police": ("立案结果", "The police decide on the case"),
    "card": ("银行卡解冻", "A card is unfrozen"),
    "fees": ("学费、房租到期", "Fees or rent fall due"),
    "other": ("其他定日联系", "Another date"),
}
MODES: Mapping[str, Words] = {"call": ("电话", "Call"), "face": ("见面", "In person"), "any": ("消息", "Message")}
NEEDS: Mapping[str, Words] = {
    "food": ("饭钱", "Money for food"),
    "fees": ("学费、房租", "Fees or rent"),
    "company": ("有人陪", "Company"),
    "police": ("陪同报案", "Go to police together"),
    "centre": ("心理中心", "Psychology centre"),
    "parents": ("和家长说", "Telling parents"),
}
REFERRAL: Mapping[str, Words] = {
    "asked": ("已转介，待回复", "referred, no answer yet"),
    "seen": ("已见面", "seen"),
    "waived": ("已看过，不必再催", "left in peace"),
}

REACHED, DECLINED = ("已联系", "Done"), ("学生不用再联系", "Wants no more contact")
NOT_REACHED, OVERDUE, TO_COME = ("没联系到", "Not reached"), ("已超时", "Overdue"), ("未到", "To come")
TAKEN_BACK: Words = ("已取消", "Taken back")
NEEDED, LOANS = ("需要", "needs "), ("有网络借款", "online loans")
NOT_SENT = ("还没转", "Not sent")
YES: Words = ("是", "yes")
PRESUMED = ("推测，凭手机号", "assumed, by phone")
SAME_AS = ("疑同{code}", "same fraud as {code}?")  # sums may be counted twice
WITHDRAWN = ("学生申请撤回", "The student asked to withdraw")
ERASED = ("个人信息已删除", "Personal data was erased")
UNREADABLE = ("有内容无法读取，请告知管理员", "Something cannot be read: tell the administrator")
APART: Words = ("不算被骗，另计", "counted apart, as no victim")
YUAN, COMMA = ("元", "yuan"), ("、", ", ")
