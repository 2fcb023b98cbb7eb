"""Parts of Chinese texts that the detailed and the neutral ones have in common."""

from datetime import datetime

from notifier import messages as m
from notifier.wording.context import Context

KEY = {"name": "户名", "account": "账号", "amount": "金额", "time": "时间"}
PAGE = "详见值守页"


def still_here(code: str) -> str:
    return f"已收到，编号{code}。先挂断，别按对方要求操作。老师和值班室马上打给您。"


def receipt(code: str, ctx: Context) -> str:
    return f"收到回复{code}" if ctx.reply else PAGE


def day(moment: datetime) -> str:
    return f"{moment.day}日{moment:%H:%M}"


def span(minutes: int) -> str:
    """Minutes up to 99, then whole hours, then days, so that a forgotten case still fits."""
    if minutes < 100:
        return f"{minutes}分钟"
    return f"{minutes // 60}小时" if minutes < 100 * 60 else f"{min(minutes // 1440, 999)}天"


def nth(n: int) -> str:
    return f"第{min(n, 99)}次"


def again(n: int) -> str:
    """Nothing for the first: after it, which one it is, since the third of three identical texts is rejected."""
    return f"，{nth(n)}" if n > 1 else ""


def reminder(n: int, code: str) -> str:
    return f"{nth(n)}提醒{code}" if n > 1 else code


def addition(msg: m.Amended) -> str:
    return f"{msg.code}{nth(msg.nth)}有补充" if msg.nth > 1 else f"{msg.code}有补充"


def only_phone(msg: m.Amended) -> bool:
    """What a counselor is told of as well."""
    return set(msg.added) == {"phone"}


def renumbered(msg: m.Amended) -> str:
    return "报案人改了手机号" if only_phone(msg) else "换了号码"


def where(msg: m.Amended) -> str:
    return "新旧号码见系统" if only_phone(msg) else "详情见值守页"


def aside(words: str) -> str:
    return f"（{words}）" if words else ""
