"""A fault run by hand, for the tests of the checker: no service, and only what is told."""

from __future__ import annotations

from typing import Any

from tests.faults.checker import Verdict, judge
from tests.faults.history import Entry

CODE, OFFICER, BACKUP, DESK, COUNSELOR = "K7M3P", "+8613800001004", "+8613800001005", "+8613800001008", "+8613800001001"
POLICE = f"【示例大学】紧急止付{CODE}：银行卡38600元，24日14:32转出。接单回复{CODE}。"
AGAIN = POLICE.replace("】", "】重发：")
SECOND = f"【示例大学】第2次提醒{CODE}：38600元，报告已过2分钟，无人接单。接单回复{CODE}，2分钟后另找他人。"
CARE = f"【示例大学】{CODE}：您有1名学生可能被骗。请30分钟内致电，先问是否平安，不问对错。姓名见系统，收到回复{CODE}。"
AT = "2026-11-24T02:00:00Z"
PAGE = {
    "case": CODE,
    "obligations": {
        "police": {"state": "alerted", "alerted_at": AT, "acknowledged_at": None},
        "counselor": {"state": "alerted", "alerted_at": AT, "acknowledged_at": None},
        "care": {"state": "open", "opened_at": AT},
    },
}


class Story:
    """A run by hand: one report at 100 s, alerted within half a second, read at 300 s; each test spoils something."""

    def __init__(self) -> None:
        self.history: list[Entry] = []
        self.requests: list[Entry] = []
        self.page: dict[str, Any] | None = PAGE
        self.page_status = 200
        self.end = 300.0

    def add(self, t: float, type_: str, what: str, **data: Any) -> Story:
        self.history.append({"t": t, "type": type_, "what": what, **data})
        return self

    def asks(self, t: float, valid: bool = True, key: str = "k1", phone: str = "13900000001") -> Story:
        return self.add(t, "invoke", "report", key=key, door="api", valid=valid, phone=phone)

    def taken(self, t: float, case: str = CODE, key: str = "k1", token: str = "t1") -> Story:
        return self.add(t, "ok", "report", key=key, status=201, token=token, case=case, duplicate=False)

    def broken(self, since: float, until: float, name: str = "kill -9 worker", group: str = "crash") -> Story:
        number = len(self.history)
        self.add(since, "info", "fault", phase="inject", name=name, group=group, id=number)
        return self.add(until, "info", "fault", phase="heal", name=name, group=group, id=number)

    def create(self, t: float, to: str, body: str, delivery: str, status: int | None = 201, made: bool = True) -> Story:
        sid = f"SM{len(self.requests)}" if made else None
        outcome = "made" if made else "drop_before"
        self.requests.append({"t": t, "kind": "create", "to": to, "body": body, "outcome": outcome, "status": status,
                              "sid": sid, "delivery": delivery})  # fmt: skip
        return self

    def look(self, t: float, to: str) -> Story:
        self.requests.append({"t": t, "kind": "list", "to": to, "body": None, "outcome": "found", "status": 200,
                              "sid": None, "delivery": None})  # fmt: skip
        return self

    def reply(self, t: float, kind: str = "police") -> Story:
        self.add(t, "invoke", "reply", kind=kind, number=OFFICER, case=CODE)
        return self.add(t + 0.1, "ok", "reply", kind=kind, number=OFFICER, case=CODE, status=200)

    def report(self, police_at: float = 100.5) -> Story:
        self.asks(100.0).taken(100.1)
        return self.create(police_at, OFFICER, POLICE, "d1").create(100.5, COUNSELOR, CARE, "d2")

    def verdict(self) -> dict[int, list[str]]:
        return {number: found for number, found in self.judged().breaches.items() if found}

    def figures(self) -> dict[str, float]:
        return self.judged().figures

    def judged(self) -> Verdict:
        status = "ok" if self.page else "fail"
        self.add(self.end, status, "status", key="k1", status=self.page_status, answer=self.page)
        self.history.sort(key=lambda entry: entry["t"])
        self.requests.sort(key=lambda it: it["t"])
        return judge(self.history, self.requests)


def well(story: Story) -> None:
    story.report().reply(101.0)
