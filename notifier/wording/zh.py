"""Chinese texts: one short function per kind, in a table at the foot. Lengths are held by the tests."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from notifier import messages as m
from notifier.wording import zh_parts as part
from notifier.wording.context import Context, shown_owner, yuan

_CHANNEL = {"bank": "银行卡", "alipay": "支付宝", "wechat": "微信", "scan": "扫码", "cash": "现金", "voucher": "充值卡",
            "ecny": "数字人民币"}  # fmt: skip
_BUCKET = {"now": "刚刚转出", "30min": "30分钟内转出", "24h": "24小时内转出", "earlier": "更早转出"}
_CONTACT = {
    "30min": "首次致电",
    "24h": "24小时面谈",
    "48h": "48小时回访",
    "72h": "72小时回访",
    "7d": "7天回访",
    "14d": "14天回访",
    "30d": "30天回访",
    "90d": "90天回访",
}
_SAME_DAY_AGAIN = timedelta(days=27)  # after that a day alone could be one of this month
_IN_WAN = 10_000_000  # yuan
_MOST_WAN = 999_999  # more than that is a typing error and still has to fit


def officer(msg: m.Officer, ctx: Context) -> str:
    parts = [f"{_CHANNEL.get(msg.channel, '其他渠道')}{_sum(msg)}", _when(msg, ctx), _lacking(msg)]
    same = f"疑同{msg.same_as}" if msg.same_as else ""
    about = part.aside("，".join(filter(None, (same, _later(msg)))))
    return f"紧急止付{msg.code}{about}：{'，'.join(filter(None, parts))}。{_hint(msg.code, ctx)}。"


def escalation(msg: m.Escalation, ctx: Context) -> str:
    then = "" if msg.next_minutes is None else f"，{part.span(msg.next_minutes)}后另找他人"
    money = _money(msg.amount_fen)
    nth, ago = part.nth(msg.nth), part.span(msg.minutes)
    return f"{nth}提醒{msg.code}：{money}，报告已过{ago}，无人接单。{_hint(msg.code, ctx)}{then}。"


def outage(msg: m.Outage, ctx: Context) -> str:
    what = f"{_CHANNEL.get(msg.channel, '其他渠道')}{_sum(msg)}，{_when(msg, ctx)}"
    return f"紧急止付{msg.code}：{what}。故障中，按旧名单。{_hint(msg.code, ctx)}。"


def call(msg: m.Call, ctx: Context) -> str:
    return f"紧急止付，编号{'，'.join(msg.code)}，无人接单。接单请按1。详情见值守页。"


def stand_down(msg: m.StandDown, ctx: Context) -> str:
    who = f"{shown_owner(msg.owner)}{ctx.clock(msg.at)}"
    return f"{msg.code}已有人接单{part.aside(who)}，您无需再处理。"


def acknowledged(msg: m.Acknowledged, ctx: Context) -> str:
    taken = f"{msg.code}由您接单{part.aside(ctx.clock(msg.at))}"
    return f"{taken}。请先致电报案人核实，再办止付。{part.span(msg.minutes)}内请填进展，否则再次提醒。"


def code_needed(msg: m.CodeNeeded, ctx: Context) -> str:
    if not msg.codes:
        return "未能接单：没有待您接的编号。请核对编号后重新回复，或到值守页接单。"
    listed = "、".join(msg.codes[:2]) + ("等" if len(msg.codes) > 2 else "")
    return f"尚未接单：您有{len(msg.codes)}件待接，{listed}。请回复其中一个编号，或到值守页接单。"


def unknown_code(msg: m.UnknownCode, ctx: Context) -> str:
    return f"未找到编号{msg.code}，接单未成功。请核对后重新回复，或到值守页接单。"


def bundle(msg: m.Bundle, ctx: Context) -> str:
    what = ("未核实" if msg.unverified else "紧急") + ("劝阻" if msg.dissuade else "止付")
    listed = f"{what}{len(msg.codes)}件{part.again(msg.nth)}：{'、'.join(msg.codes)}"
    return f"{listed}。{'接单回复编号' if ctx.reply else part.PAGE}。"


def counselor(msg: m.Counselor, ctx: Context) -> str:
    ask = f"请{part.span(msg.minutes)}内致电，先问是否平安，不问对错"
    return f"{msg.code}：您有1名学生可能被骗。{ask}。姓名见系统，{part.receipt(msg.code, ctx)}。"


def counselor_reminder(msg: m.CounselorReminder, ctx: Context) -> str:
    head = f"{part.nth(msg.nth)}提醒{msg.code}：已过{part.span(msg.minutes)}，尚无联系记录"
    return f"{head}。请现在致电学生，先问是否平安。不便请在系统转交。"


def counselor_ack(msg: m.CounselorAck, ctx: Context) -> str:
    if msg.holds:
        go = f"收到，{msg.code}由您联系。请马上致电并赶到"
        return f"{go}。{msg.holds}分钟内系统没有记录“已有人陪伴”，会再次通知。"
    return f"收到，{msg.code}由您联系。请马上致电，先问是否平安，不问对错。之后请在系统记录。"


def immediate(msg: m.Immediate, ctx: Context) -> str:
    ask = "请马上致电并赶到，不要让其独处"
    return f"立即到场{msg.code}{part.again(msg.nth)}：1名学生现在需要人陪。{ask}。{part.receipt(msg.code, ctx)}。"


def referral(msg: m.Referral, ctx: Context) -> str:
    if not msg.today:
        return f"{msg.code}：1份跟进记录请心理中心看，是否不必再催学生联系。看后请在系统回复。"
    if msg.minutes:
        waits = f"1名学生转介心理中心已过{part.span(msg.minutes)}，尚无回复"
        return f"{msg.code}：{waits}。请确认今天有人联系学生，联系后请在系统记录。"
    return f"{msg.code}：1名学生今天需要心理中心联系。姓名见系统，联系后请在系统记录。"


def handover(msg: m.Handover, ctx: Context) -> str:
    return f"{msg.code}：1名学生的跟进已转交给您。姓名见系统，请按约定时间联系。"


def dissuade(msg: m.Dissuade, ctx: Context) -> str:
    head, ask = part.reminder(msg.nth, msg.code), "请马上致电劝阻：先别转，挂断电话"
    return f"{head}：1名学生正被催转账，钱还没转。{ask}。{part.receipt(msg.code, ctx)}。"


def student(msg: m.Student, ctx: Context) -> str:
    if not msg.paid:
        return part.still_here(msg.code)
    return f"已收到，编号{msg.code}。请马上报警，说“紧急止付”。别再转账，保留聊天记录。收钱帮追款的是骗子。"


def reopening(msg: m.Reopening, ctx: Context) -> str:
    return f"验证码{msg.digits}，{part.span(msg.minutes)}内有效，用于打开{msg.code}的进展。不要告诉任何人。"


def ask(msg: m.Ask, ctx: Context) -> str:
    keys = "、".join(word for key, word in part.KEY.items() if key in msg.missing)
    return f"{msg.code}：民警请您补充{keys or '信息'}。请打开登记页填写，不知道的可跳过。"


def amended(msg: m.Amended, ctx: Context) -> str:
    keys = "".join(word for key, word in part.KEY.items() if key in msg.added)
    known = {*part.KEY, "transfer", "unsafe", "phone"}
    parts = [
        "报案人现在不安全" if "unsafe" in msg.added else "",
        f"新报{keys}" if keys else "",
        "新增转账" if "transfer" in msg.added else "",
        part.renumbered(msg) if "phone" in msg.added else "",
        "其他信息" if not known.issuperset(msg.added) or not msg.added else "",
    ]
    return f"{part.addition(msg)}：{'，'.join(filter(None, parts))}。{part.where(msg)}。"


def further(msg: m.Further, ctx: Context) -> str:
    after, opened = ("结案后", "案件已重新打开，") if msg.closed else ("", "")
    return f"{msg.code}{after}新增转账，{opened}正在通知值班民警。正在办理的，请到值守页接单。"


def progress(msg: m.Progress, ctx: Context) -> str:
    if msg.unfiled:
        return f"{msg.code}报案已{part.span(msg.minutes)}，已联系报案人，尚未报送。请办止付并填进展。"
    then = "" if msg.next_minutes is None else f"，{part.span(msg.next_minutes)}后转他人"
    what, do = "接单", "致电报案人、办止付"
    if later := _later(msg):
        what, do = later, "办止付"
    if msg.dissuade:
        what, do = "接手", "致电学生劝阻"
    head = f"{msg.code}{what}已{part.span(msg.minutes)}{part.aside(shown_owner(msg.owner))}，尚无进展"
    return f"{head}。请{do}并填进展{then}。"


def moved_on(msg: m.MovedOn, ctx: Context) -> str:
    if msg.dissuade:
        return f"{msg.code}的劝阻已{part.span(msg.minutes)}无进展，已转他人。若正在劝阻，请立即在系统填写。"
    return f"{msg.code}已{part.span(msg.minutes)}无进展，已转其他警官。若正在办理，请立即到值守页填写。"


def lapse(msg: m.Lapse, ctx: Context) -> str:
    end = ctx.moment(msg.at)
    left = f"还剩{min(msg.hours_left, 99)}小时" if msg.hours_left > 0 else "剩余不足1小时"
    again = f"还可再止付{min(msg.again, 9)}次" if msg.again > 0 else "不可再次止付"
    which = f"第{min(msg.transfer, 99)}笔止付" if msg.transfer else "的止付"
    which = f"有{min(msg.transfers, 99)}笔止付" if msg.transfers > 1 else which
    ends = f"{part.day(end)}{'起' if msg.transfers > 1 else ''}" if end else "即将"
    return f"{msg.code}{which}{ends}到期，{left}，{again}。请办理并记录结果。"


def follow_up(msg: m.FollowUp, ctx: Context) -> str:
    state = "已逾期" if msg.overdue else "到时间了"
    return f"{msg.code}的{_CONTACT.get(msg.contact, '约定联系')}{state}，请尽快联系学生并在系统记录。"


def drill(msg: m.Drill, ctx: Context) -> str:
    shown = f"模拟{ctx.clock(msg.happened_at)}转出{_money(msg.amount_fen)}"
    return f"演练{msg.code}{part.again(msg.nth)}：仅为演练，请勿办理止付。{shown}。{part.receipt(msg.code, ctx)}。演练"


def drill_end(msg: m.DrillEnd, ctx: Context) -> str:
    return f"演练{msg.code}已结束，请停止演练操作。此后通知请按真实情况处理。演练"


def _hint(code: str, ctx: Context) -> str:
    return f"接单回复{code}" if ctx.reply else part.PAGE


def _later(msg: m.Officer | m.Progress) -> str:
    """Which transfer it is about, where it is not about the case as it came in."""
    if msg.transfer:
        return f"新增第{min(msg.transfer, 99)}笔"
    return "又有止付要办" if msg.again else ""


def _sum(msg: m.Officer | m.Outage) -> str:
    if msg.amount_fen is None or msg.transfers < 2:
        return _money(msg.amount_fen)
    return f"{_money(msg.amount_fen)}等{msg.transfers if msg.transfers < 10 else '多'}笔"


def _money(amount_fen: int | None) -> str:
    if amount_fen is None:
        return "金额待问"
    whole = yuan(amount_fen)
    if whole < _IN_WAN:
        return f"{whole}元"
    return f"{min(whole // 10_000, _MOST_WAN)}万元"


def _when(msg: m.Officer | m.Outage, ctx: Context) -> str:
    moment = ctx.moment(msg.happened_at)
    if moment is None:
        return _BUCKET.get(msg.when or "", "时间待问")
    long_ago = ctx.now - moment > _SAME_DAY_AGAIN
    return f"{moment.month}月{moment.day}日转出" if long_ago else f"{part.day(moment)}转出"


def _lacking(msg: m.Officer) -> str:
    """What 待问 already says is not said twice."""
    asked = {"amount"} if msg.amount_fen is None else set()
    asked |= {"time"} if not msg.happened_at and msg.when not in _BUCKET else set()
    keys = "".join(word for key, word in part.KEY.items() if key in msg.missing and key not in asked)
    return f"缺{keys}" if keys else ""


TEXTS: dict[type[m.Message], Callable[[Any, Context], str]] = {
    m.Officer: officer,
    m.Escalation: escalation,
    m.Call: call,
    m.Outage: outage,
    m.StandDown: stand_down,
    m.Acknowledged: acknowledged,
    m.CodeNeeded: code_needed,
    m.UnknownCode: unknown_code,
    m.Bundle: bundle,
    m.Counselor: counselor,
    m.CounselorReminder: counselor_reminder,
    m.CounselorAck: counselor_ack,
    m.Immediate: immediate,
    m.Referral: referral,
    m.Handover: handover,
    m.Dissuade: dissuade,
    m.Student: student,
    m.Reopening: reopening,
    m.Ask: ask,
    m.Amended: amended,
    m.Further: further,
    m.Progress: progress,
    m.MovedOn: moved_on,
    m.Lapse: lapse,
    m.FollowUp: follow_up,
    m.Drill: drill,
    m.DrillEnd: drill_end,
}
