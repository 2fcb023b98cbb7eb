"""`stopline drill`: a made-up report through the real doors, queues, rosters and wording; a timeline; a verdict."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import urllib3
from itsdangerous import BadSignature, TimestampSigner

from services.settings import Settings, load

_SALT, _TOKEN_LIFE_S = "stopline.drill", 7200
_POLL_S = 0.05


@dataclass(frozen=True)
class Step:
    """Something that has to be true within so many seconds of the report."""

    said: str
    within_s: float
    reached: Callable[[dict[str, Any]], bool]


def _obligation(kind: str, *states: str) -> Callable[[dict[str, Any]], bool]:
    return lambda status: status["obligations"][kind]["state"] in states


_ANSWERED = ("acknowledged", "contacted", "filed", "done")


def steps(*, phones: bool) -> list[Step]:
    """With the sink everything answers at once; people get ten minutes."""
    people_s = 600.0 if phones else 10.0
    return [
        Step("police alerted        警方已通知", 5, lambda s: bool(s["obligations"]["police"]["alerted_at"])),
        Step("counselor alerted     辅导员已通知", 5, lambda s: bool(s["obligations"]["counselor"]["alerted_at"])),
        Step("follow-up opened      跟进记录已建", 5, lambda s: bool(s["obligations"]["care"]["opened_at"])),
        Step("police acknowledged   民警已接单", people_s, _obligation("police", *_ANSWERED)),
        Step("counselor answered    辅导员已回复", people_s, _obligation("counselor", *_ANSWERED)),
    ]


def signed_token(settings: Settings) -> str:
    return TimestampSigner(settings.secret_key, salt=_SALT).sign(str(time.time_ns())).decode()


def token_holds(settings: Settings) -> Callable[[str], bool]:
    """For the door: whether a token was signed with this installation's key, lately."""
    signer = TimestampSigner(settings.secret_key, salt=_SALT)

    def holds(token: str) -> bool:
        try:
            signer.unsign(token, max_age=_TOKEN_LIFE_S)
        except BadSignature:
            return False
        return True

    return holds


def run(college: str | None, *, phones: bool) -> int:
    """Exit status 0 only if every step came within its limit."""
    settings = load()
    http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=3, read=10))
    headers = {"Authorization": f"Bearer {signed_token(settings)}"}
    form = {"college": college or "", "phones": "1" if phones else ""}
    began = time.monotonic()
    try:
        answer = http.request("POST", f"{settings.public_url}/drill", fields=form, headers=headers)
        if answer.status != 201:
            print(f"the drill was refused: {answer.status} {reason(answer.data)}")  # noqa: T201
            return 1
        started = json.loads(answer.data)
        print(f"drill {started['case']} 演练")  # noqa: T201
        missed = _watch(http, f"{settings.public_url}/api/v1/reports/{started['token']}", began, phones=phones)
        http.request("POST", f"{settings.public_url}/drill/{started['token']}/end", headers=headers)
    except urllib3.exceptions.HTTPError as error:
        print(f"no answer from {settings.public_url} ({type(error).__name__}): is the service up?")  # noqa: T201
        return 1
    print("every step in time" if not missed else f"{missed} steps missed")  # noqa: T201
    return 1 if missed else 0


def reason(body: bytes) -> str:
    """Our own doors say it in two languages; a proxy before them, in whatever it likes."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")


def _watch(http: urllib3.PoolManager, url: str, began: float, *, phones: bool) -> int:
    waiting, missed = steps(phones=phones), 0
    while waiting:
        status = json.loads(http.request("GET", url).data)
        took = time.monotonic() - began
        for step in [step for step in waiting if step.reached(status) or took > step.within_s]:
            waiting.remove(step)
            in_time = step.reached(status) and took <= step.within_s + _POLL_S
            missed += not in_time
            print(f"{took:7.2f} s  {step.said}{'' if in_time else f'  MISSED (limit {step.within_s:.0f} s)'}")  # noqa: T201
        time.sleep(_POLL_S if waiting else 0)
    return missed
