"""Chinese texts to countries whose carriers drop words of money and fraud: one short function per kind, as in zh.py."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from notifier import messages as m
from notifier.wording import zh_parts as part
from notifier.wording.context import Context, shown_owner


def officer(msg: m.Officer, ctx: Context) -> str:
    reported = ctx.moment(msg.reported_at) or ctx.now.astimezone(ctx.zone)
    return _notice(msg.code, reported, msg.nth)


def escalation(msg: m.Escalation, ctx: Context) -> str:
    guessed = ctx.now.astimezone(ctx.zone) - timedelta(minutes=min(msg.minutes, 60 * 24 * 365))
    return _notice(msg.code, ctx.moment(msg.reported_at) or guessed, msg.nth)


def outage(msg: m.Outage, ctx: Context) -> str:
    reported = ctx.moment(msg.reported_at) or ctx.now.astimezone(ctx.zone)
    return f"值班通知：紧急事项{msg.code}，{part.day(reported)}登记。系统故障，按旧名单通知，恢复后请到值守页确认。"


def call(msg: m.Call, ctx: Context) -> str:
    return f"值班通知，紧急事项，编号{'，'.join(msg.code)}，无人接单。接单请按1。详情见值守页。"


def acknowledged(msg: m.Acknowledged, ctx: Context) -> str:
    taken = f"{msg.code}由您接单{part.aside(ctx.clock(msg.at))}"
    return f"{taken}。请先致电报案人核实，再按流程处理。{part.span(msg.minutes)}内请填进展，否则再次提醒。"


def bundle(msg: m.Bundle, ctx: Context) -> str:
    return f"值班通知：{len(msg.codes)}件{part.again(msg.nth)}，{'、'.join(msg.codes)}。请打开值守页。"


def counselor(msg: m.Counselor, ctx: Context) -> str:
    ask = f"请{part.span(msg.minutes)}内致电，先问是否平安"
    return f"值班通知：您有1名学生需要关心，编号{msg.code}。{ask}。姓名见系统。"


def dissuade(msg: m.Dissuade, ctx: Context) -> str:
    ask = "请马上致电：先挂断，别按对方要求操作"
    return f"{part.reminder(msg.nth, msg.code)}：1名学生正被人催促。{ask}。{part.receipt(msg.code, ctx)}。"


def student(msg: m.Student, ctx: Context) -> str:
    if not msg.paid:
        return part.still_here(msg.code)
    ask = "请马上报警，保留记录，别再按对方要求操作"
    return f"已收到，编号{msg.code}。{ask}。老师会联系您，进展请回登记页查看。"


def ask(msg: m.Ask, ctx: Context) -> str:
    return f"{msg.code}：请打开登记页补充信息，不知道的可跳过。"


def amended(msg: m.Amended, ctx: Context) -> str:
    what = part.renumbered(msg) if part.only_phone(msg) else "有新信息"
    what = "报案人现在不安全" if "unsafe" in msg.added else what
    return f"{part.addition(msg)}：{what}。{part.where(msg)}。"


def further(msg: m.Further, ctx: Context) -> str:
    after, opened = ("结案后", "案件已重新打开，") if msg.closed else ("", "")
    return f"{msg.code}{after}有新情况，{opened}正在通知值班民警。正在办理的，请到值守页接单。"


def progress(msg: m.Progress, ctx: Context) -> str:
    then = "" if msg.next_minutes is None else f"，{part.span(msg.next_minutes)}后转他人"
    what, do = "接单", "致电报案人并填进展"
    if msg.transfer or msg.again:
        what, do = "新情况", "到值守页办理并填进展"
    return f"{msg.code}{what}已{part.span(msg.minutes)}{part.aside(shown_owner(msg.owner))}，尚无进展。请{do}{then}。"


def lapse(msg: m.Lapse, ctx: Context) -> str:
    end = ctx.moment(msg.at)
    left = f"还剩{min(msg.hours_left, 99)}小时" if msg.hours_left > 0 else "剩余不足1小时"
    again = f"还可再办{min(msg.again, 9)}次" if msg.again > 0 else "不可再办"
    return f"{msg.code}的期限{part.day(end) if end else '即将'}到，{left}，{again}。请办理并记录结果。"


def drill(msg: m.Drill, ctx: Context) -> str:
    return f"演练{msg.code}{part.again(msg.nth)}：仅为演练，请勿真实办理。{part.receipt(msg.code, ctx)}。演练"


def _notice(code: str, reported: datetime, nth: int) -> str:
    return f"值班通知：紧急事项{code}，{part.day(reported)}登记，请立即打开值守页确认。{part.nth(nth)}通知。"


TEXTS: dict[type[m.Message], Callable[[Any, Context], str]] = {
    m.Officer: officer,
    m.Escalation: escalation,
    m.Call: call,
    m.Outage: outage,
    m.Acknowledged: acknowledged,
    m.Bundle: bundle,
    m.Counselor: counselor,
    m.Dissuade: dissuade,
    m.Student: student,
    m.Ask: ask,
    m.Amended: amended,
    m.Further: further,
    m.Progress: progress,
    m.Lapse: lapse,
    m.Drill: drill,
}
