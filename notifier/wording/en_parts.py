"""Parts of English texts that the detailed and the neutral ones have in common."""

from datetime import datetime

from notifier import messages as m
from notifier.wording.context import Context

KEY = {"name": "name", "account": "account", "amount": "amount", "time": "time"}
PAGE = "See duty page"


def still_here(code: str) -> str:
    return f"Received: {code}. Hang up and do nothing they ask. Your counselor and the duty desk call you now."


def receipt(code: str, ctx: Context) -> str:
    return f"Reply {code}" if ctx.reply else PAGE


def day(moment: datetime) -> str:
    return f"{moment:%H:%M} ({MONTH[moment.month - 1]} {moment.day})"


MONTH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # no locale


def span(minutes: int) -> str:
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 100 * 60 else f"{min(minutes // 1440, 999)} d"


def nth(n: int) -> str:
    return str(min(n, 99))


def again(n: int) -> str:
    """Nothing for the first: after it, which one it is, since the third of three identical texts is rejected."""
    return f", no. {nth(n)}" if n > 1 else ""


def reminder(n: int, code: str) -> str:
    return f"Reminder {nth(n)}, {code}" if n > 1 else code


def addition(msg: m.Amended) -> str:
    return f"{msg.code} update{f' {nth(msg.nth)}' if msg.nth > 1 else ''}"


def only_phone(msg: m.Amended) -> bool:
    """What a counselor is told of as well."""
    return set(msg.added) == {"phone"}


def renumbered(msg: m.Amended) -> str:
    return "the reporter changed their phone number" if only_phone(msg) else "phone changed"


def where(msg: m.Amended) -> str:
    return "Both numbers: see the system" if only_phone(msg) else "See duty page"


def aside(words: str) -> str:
    return f" ({words})" if words else ""
