"""English texts: one short function per kind, in a table at the foot; at most two segments, as the tests hold.

They stay inside GSM-7 so that only a Chinese signature or name makes them UCS-2; even then two segments suffice.
"""

from collections.abc import Callable
from typing import Any

from notifier import messages as m
from notifier.wording import en_parts as part
from notifier.wording.context import Context, shown_owner, yuan

_CHANNEL = {"bank": "bank card", "alipay": "Alipay", "wechat": "WeChat", "scan": "QR code", "cash": "cash",
            "voucher": "gift card", "ecny": "digital yuan"}  # fmt: skip
_BUCKET = {"now": "just now", "30min": "within 30 min", "24h": "within 24 h", "earlier": "over 24 h ago"}
_CONTACT = {
    "30min": "first call",
    "24h": "24 h visit",
    "48h": "48 h contact",
    "72h": "72 h contact",
    "7d": "7 day contact",
    "14d": "14 day contact",
    "30d": "30 day contact",
    "90d": "90 day contact",
}


def officer(msg: m.Officer, ctx: Context) -> str:
    many = "" if msg.transfers < 2 else f" in {msg.transfers}" if msg.transfers < 10 else " in 10+"
    missing = "/".join(word for key, word in part.KEY.items() if key in msg.missing)
    parts = [f"{_CHANNEL.get(msg.channel, 'other')} {_money(msg.amount_fen)}{many}", _when(msg, ctx)]
    parts += [f"no {missing}"] if missing else []
    same = f"maybe {msg.same_as}" if msg.same_as else ""
    about = part.aside(", ".join(filter(None, (same, _later(msg)))))
    return f"Stop payment {msg.code}{about}: {', '.join(parts)}. {_hint(msg.code, ctx)}."


def escalation(msg: m.Escalation, ctx: Context) -> str:
    then = "" if msg.next_minutes is None else f" Next person in {part.span(msg.next_minutes)}."
    head = f"Reminder {part.nth(msg.nth)}, {msg.code}: {_money(msg.amount_fen)}, reported {part.span(msg.minutes)} ago"
    return f"{head}, nobody on it. {_hint(msg.code, ctx)}.{then}"


def outage(msg: m.Outage, ctx: Context) -> str:
    what = f"{_CHANNEL.get(msg.channel, 'other')} {_money(msg.amount_fen)}, {_when(msg, ctx)}"
    return f"Stop payment {msg.code}: {what}. System fault, old duty list. {_hint(msg.code, ctx)}."


def call(msg: m.Call, ctx: Context) -> str:
    spelt = ", ".join(msg.code)
    return f"Emergency stop-payment, case {spelt}, not taken yet. Press 1 to take it. Details on the duty page."


def stand_down(msg: m.StandDown, ctx: Context) -> str:
    who = " ".join(filter(None, [shown_owner(msg.owner), ctx.clock(msg.at)]))
    return f"{msg.code} is taken{part.aside(who)}. Nothing more for you to do."


def acknowledged(msg: m.Acknowledged, ctx: Context) -> str:
    head = f"{msg.code} is yours{part.aside(ctx.clock(msg.at))}"
    return f"{head}. Call the reporter, then file the stop. Enter progress within {part.span(msg.minutes)}."


def code_needed(msg: m.CodeNeeded, ctx: Context) -> str:
    if not msg.codes:
        return "Not taken: no case is waiting for you. Check the code and reply again, or use the duty page."
    listed = ", ".join(msg.codes[:2]) + (" ..." if len(msg.codes) > 2 else "")
    return f"Not taken yet: {len(msg.codes)} cases wait for you: {listed}. Reply with one code, or use the duty page."


def unknown_code(msg: m.UnknownCode, ctx: Context) -> str:
    return f"No case {msg.code}; nothing was taken. Check the code and reply again, or use the duty page."


def bundle(msg: m.Bundle, ctx: Context) -> str:
    what = "students under pressure" if msg.dissuade else "stop payments"
    head = f"Unverified {what}" if msg.unverified else what.capitalize()
    listed = f"{head}, {len(msg.codes)}{part.again(msg.nth)}: {', '.join(msg.codes)}"
    return f"{listed}. {'Reply with a code' if ctx.reply else part.PAGE}."


def counselor(msg: m.Counselor, ctx: Context) -> str:
    head = f"{msg.code}: a student of yours may be a fraud victim. Call within {part.span(msg.minutes)}"
    return f"{head}; ask if safe, do not blame. {part.receipt(msg.code, ctx)}."


def counselor_reminder(msg: m.CounselorReminder, ctx: Context) -> str:
    head = f"Reminder {part.nth(msg.nth)}, {msg.code}: no contact after {part.span(msg.minutes)}"
    return f"{head}. Call now; ask if safe. Or hand over in the system."


def counselor_ack(msg: m.CounselorAck, ctx: Context) -> str:
    if msg.holds:
        return f"{msg.code} is yours: call and go. Told again in {msg.holds} min unless somebody is recorded there."
    return f"{msg.code} is yours. Call now; ask if safe, do not blame. Record it in the system."


def immediate(msg: m.Immediate, ctx: Context) -> str:
    head = f"Go now {msg.code}{part.again(msg.nth)}"
    return f"{head}: a student must not be alone. Call, go there and stay. {part.receipt(msg.code, ctx)}."


def referral(msg: m.Referral, ctx: Context) -> str:
    if not msg.today:
        return f"{msg.code}: please read a follow-up record: may the student be left in peace? Answer in the system."
    if msg.minutes:
        waits = f"student referred to the centre {part.span(msg.minutes)} ago, no answer"
        return f"{msg.code}: {waits}. Somebody must see them today and record it."
    return f"{msg.code}: a student needs the psychology centre today. Name is in the system; record the contact there."


def handover(msg: m.Handover, ctx: Context) -> str:
    return f"{msg.code}: this student's follow-up is now yours. Name is in the system. Keep the agreed dates."


def dissuade(msg: m.Dissuade, ctx: Context) -> str:
    head, ask = part.reminder(msg.nth, msg.code), "Call now: do not pay, hang up"
    return f"{head}: a student is pressed to pay, nothing paid yet. {ask}. {part.receipt(msg.code, ctx)}."


def student(msg: m.Student, ctx: Context) -> str:
    if not msg.paid:
        return part.still_here(msg.code)
    say = 'Call police now; say "jinji zhifu" (stop payment)'
    return f"Received: {msg.code}. {say}. Send no more money. Keep chats. Recovery fees = scam."


def reopening(msg: m.Reopening, ctx: Context) -> str:
    return f"{msg.digits} opens case {msg.code} again, within {part.span(msg.minutes)}. Tell nobody this number."


def ask(msg: m.Ask, ctx: Context) -> str:
    keys = ", ".join(word for key, word in part.KEY.items() if key in msg.missing)
    return f"{msg.code}: police need {keys or 'more facts'}. Add it on your report page."


def amended(msg: m.Amended, ctx: Context) -> str:
    keys = "/".join(word for key, word in part.KEY.items() if key in msg.added)
    known = {*part.KEY, "transfer", "unsafe", "phone"}
    parts = [
        "NOT SAFE" if "unsafe" in msg.added else "",
        f"new {keys}" if keys else "",
        "new transfer" if "transfer" in msg.added else "",
        part.renumbered(msg) if "phone" in msg.added else "",
        "more facts" if not known.issuperset(msg.added) or not msg.added else "",
    ]
    return f"{part.addition(msg)}: {', '.join(filter(None, parts))}. {part.where(msg)}."


def further(msg: m.Further, ctx: Context) -> str:
    opened = ", closed case open again" if msg.closed else ""
    return f"{msg.code}: new transfer{opened}. Officers on duty are called. At work on it? See duty page."


def progress(msg: m.Progress, ctx: Context) -> str:
    if msg.unfiled:
        return f"{msg.code}: reached, but not filed {part.span(msg.minutes)} after the report. File and record it."
    then = "" if msg.next_minutes is None else f" Moves on in {part.span(msg.next_minutes)}."
    what, do = "taken", "Call, file the stop, record it."
    if later := _later(msg):
        what, do = later, "File and record it."
    if msg.dissuade:
        do = "Call the student, record it."
    head = f"{msg.code} {what} {part.span(msg.minutes)} ago{part.aside(shown_owner(msg.owner))}, no progress"
    return f"{head}. {do}{then}"


def moved_on(msg: m.MovedOn, ctx: Context) -> str:
    if msg.dissuade:
        head = f"{msg.code}: not dissuaded for {part.span(msg.minutes)}, passed to others"
        return f"{head}. Talking to the student? Record it in the system."
    head = f"{msg.code}: no progress for {part.span(msg.minutes)}, passed to another officer"
    return f"{head}. Working on it? Say so on the duty page."


def lapse(msg: m.Lapse, ctx: Context) -> str:
    end = ctx.moment(msg.at)
    ends = f"ends {part.day(end)}" if end else "ends soon"
    left = f"{min(msg.hours_left, 99)} h left" if msg.hours_left > 0 else "under 1 h left"
    again = f"{min(msg.again, 9)} more stop possible" if msg.again > 0 else "no more stops"
    what = f"Stop {min(msg.transfer, 99)} on {msg.code}" if msg.transfer else f"Stop on {msg.code}"
    what = f"{msg.code}: {min(msg.transfers, 99)} stops, first" if msg.transfers > 1 else what
    return f"{what} {ends}, {left}, {again}. Act and record the result."


def follow_up(msg: m.FollowUp, ctx: Context) -> str:
    state = "overdue" if msg.overdue else "due"
    return f"{msg.code}: {_CONTACT.get(msg.contact, 'agreed contact')} {state}. Contact the student and record it."


def drill(msg: m.Drill, ctx: Context) -> str:
    at = f" at {ctx.clock(msg.happened_at)}" if ctx.moment(msg.happened_at) else ""
    pretend = f"Pretend {_money(msg.amount_fen)} left{at}"
    head = f"DRILL {msg.code}{part.again(msg.nth)}"
    return f"{head}: practice only, file no stop. {pretend}. {part.receipt(msg.code, ctx)}. DRILL"


def drill_end(msg: m.DrillEnd, ctx: Context) -> str:
    return f"DRILL {msg.code} is over, stop drill actions. Treat later notices as real. DRILL"


def _hint(code: str, ctx: Context) -> str:
    return f"Reply {code} to take it" if ctx.reply else part.PAGE


def _when(msg: m.Officer | m.Outage, ctx: Context) -> str:
    moment = ctx.moment(msg.happened_at)
    return f"sent {part.day(moment)}" if moment else f"sent {_BUCKET.get(msg.when or '', '(ask when)')}"


def _later(msg: m.Officer | m.Progress) -> str:
    """Which transfer it is about, where it is not about the case as it came in."""
    if msg.transfer:
        return f"transfer {min(msg.transfer, 99)} added"
    return "stop due again" if msg.again else ""


def _money(amount_fen: int | None) -> str:
    if amount_fen is None:
        return "CNY (ask)"
    whole = yuan(amount_fen)
    return f"CNY {whole}" if whole < 10_000_000 else f"CNY {min(whole // 1_000_000, 99_999)}m"


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
