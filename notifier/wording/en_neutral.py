"""English texts to countries whose carriers drop words of money and fraud: one short function per kind, as in en.py."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from notifier import messages as m
from notifier.wording import en_parts as part
from notifier.wording.context import Context, shown_owner


def officer(msg: m.Officer, ctx: Context) -> str:
    return _notice(msg.code, ctx.moment(msg.reported_at) or ctx.now.astimezone(ctx.zone), msg.nth)


def escalation(msg: m.Escalation, ctx: Context) -> str:
    guessed = ctx.now.astimezone(ctx.zone) - timedelta(minutes=min(msg.minutes, 60 * 24 * 365))
    return _notice(msg.code, ctx.moment(msg.reported_at) or guessed, msg.nth)


def outage(msg: m.Outage, ctx: Context) -> str:
    logged = part.day(ctx.moment(msg.reported_at) or ctx.now.astimezone(ctx.zone))
    return f"Duty notice: urgent item {msg.code}, logged {logged}. System fault, old duty list. Duty page later."


def call(msg: m.Call, ctx: Context) -> str:
    spelt = ", ".join(msg.code)
    return f"Duty notice, urgent item {spelt}, not taken yet. Press 1 to take it. Details on the duty page."


def acknowledged(msg: m.Acknowledged, ctx: Context) -> str:
    head = f"{msg.code} is yours{part.aside(ctx.clock(msg.at))}"
    return f"{head}. Call the reporter, then act on it. Enter progress within {part.span(msg.minutes)}."


def bundle(msg: m.Bundle, ctx: Context) -> str:
    return f"Duty notice, {len(msg.codes)}{part.again(msg.nth)}: {', '.join(msg.codes)}. Open the duty page."


def counselor(msg: m.Counselor, ctx: Context) -> str:
    head = f"Duty notice: a student needs care, {msg.code}. Call within {part.span(msg.minutes)}"
    return f"{head}; ask if safe. Name in system."


def dissuade(msg: m.Dissuade, ctx: Context) -> str:
    ask = "Call now: hang up, do nothing they ask"
    return f"{part.reminder(msg.nth, msg.code)}: a student is under pressure. {ask}. {part.receipt(msg.code, ctx)}."


def student(msg: m.Student, ctx: Context) -> str:
    if not msg.paid:
        return part.still_here(msg.code)
    return f"Received: {msg.code}. Call police now, keep records, do nothing more they ask. Your teacher will call."


def ask(msg: m.Ask, ctx: Context) -> str:
    return f"{msg.code}: please add facts on your report page. Skip what you do not know."


def amended(msg: m.Amended, ctx: Context) -> str:
    what = part.renumbered(msg) if part.only_phone(msg) else "more facts"
    what = "NOT SAFE" if "unsafe" in msg.added else what
    return f"{part.addition(msg)}: {what}. {part.where(msg)}."


def further(msg: m.Further, ctx: Context) -> str:
    opened = ", closed case open again" if msg.closed else ""
    return f"{msg.code}: something new{opened}. Officers on duty are called. At work on it? See duty page."


def progress(msg: m.Progress, ctx: Context) -> str:
    then = "" if msg.next_minutes is None else f" Moves on in {part.span(msg.next_minutes)}."
    what, do = ("something new", "Act on it") if msg.transfer or msg.again else ("taken", "Call")
    head = f"{msg.code} {what} {part.span(msg.minutes)} ago{part.aside(shown_owner(msg.owner))}, no progress"
    return f"{head}. {do} and record it.{then}"


def lapse(msg: m.Lapse, ctx: Context) -> str:
    end = ctx.moment(msg.at)
    ends = f"ends {part.day(end)}" if end else "ends soon"
    left = f"{min(msg.hours_left, 99)} h left" if msg.hours_left > 0 else "under 1 h left"
    again = f"{min(msg.again, 9)} more time possible" if msg.again > 0 else "not possible again"
    return f"Time limit of {msg.code} {ends}, {left}, {again}. Act and record the result."


def drill(msg: m.Drill, ctx: Context) -> str:
    head = f"DRILL {msg.code}{part.again(msg.nth)}"
    return f"{head}: practice only, do nothing for real. {part.receipt(msg.code, ctx)}. DRILL"


def _notice(code: str, reported: datetime, nth: int) -> str:
    return (
        f"Duty notice: urgent item {code}, logged {part.day(reported)}. Open the duty page now. Notice {part.nth(nth)}."
    )


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
