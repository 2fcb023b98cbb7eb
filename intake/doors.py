"""What every way in shares: the ledger, the clock behind it, and answers that a person can act on."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

import structlog
from flask import Response, jsonify

from intake.pace import Pace
from ledger.errors import AlreadyThere, Conflict, LedgerAway, NotFound, where
from ledger.reporting import reports
from ledger.reporting.reportin import ReportIn
from ledger.reporting.reports import Accepted
from ledger.store.unit_of_work import DOOR, Ledger

log = structlog.get_logger()
T = TypeVar("T")
MAX_BODY = 1 << 20  # bytes; over that 413


class StatusReport(Protocol):
    @property
    def sid(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def error_code(self) -> str | None: ...


class Inbound(Protocol):
    @property
    def sid(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def body(self) -> str: ...


class CallReport(Protocol):
    @property
    def sid(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def pressed(self) -> bool: ...
    @property
    def taken(self) -> bool: ...


@dataclass(frozen=True)
class Provider:
    """How a provider's callbacks are checked and read; handed in, so that this room knows no provider.

    `verify(url, form, signature)`; the parsers raise ValueError for what they cannot read.
    """

    verify: Callable[[str, Mapping[str, str], str | None], bool]
    parse_status: Callable[[Mapping[str, str]], StatusReport]
    parse_message: Callable[[Mapping[str, str]], Inbound]
    parse_call: Callable[[Mapping[str, str]], CallReport]
    answer_call: Callable[[str, str], str]  # (outcome, language) → what the provider's voice is to say


class Spooled(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def taken_at(self) -> datetime: ...
    @property
    def report(self) -> ReportIn: ...


class Spooling(Protocol):
    """Where reports go while the ledger is away."""

    @property
    def silent(self) -> bool: ...
    @property
    def waits(self) -> bool: ...
    def holds(self, submission_key: str) -> bool: ...
    def take(self, report: ReportIn, submission_key: str, body: str) -> Accepted: ...
    def find(self, token: str) -> Spooled | None: ...


@dataclass(frozen=True)
class Door:
    """What the blueprints of this room work with. `public_url` has no trailing slash.

    `rings`: a new report's first texts are written with it, where a sender of this process is free to call them, and it
    is the only one in hand: several are rung sooner by a worker, which does them together. Nor while reports wait in
    the spool: this may be one of them, for which somebody may have been called.
    """

    ledger: Ledger
    spool: Spooling
    public_url: str
    school: str
    provider: Provider
    drill_token_holds: Callable[[str], bool]
    rings: bool = True
    pace: Pace = field(default_factory=Pace)

    def accept(self, report: ReportIn, submission_key: str | None, body: str, label: str = "report") -> Accepted:
        """Into the ledger, or into the spool while that is away. Raises LedgerAway when neither takes it, or Conflict.

        A report without a key gets one of its own: where the answer to a commit is lost, what goes into the spool is
        the same report, and the ledger sees it by its key.
        """
        key = submission_key or f"once:{secrets.token_urlsafe(18)}"
        with self.pace.one_more() as alone:
            # What waits in the spool enters with what was called for it; taken beside it, it would be rung for again.
            if not self.spool.silent and not self.spool.holds(key):
                try:
                    return self._into_ledger(report, key, body, label, alone=alone)
                except LedgerAway as away:
                    log.warning("door_ledger_away", error=str(away))
            return self.spool.take(report, key, body)

    def wherever(self, token: str, in_ledger: Callable[[], T], in_spool: Callable[[Spooled], T]) -> T:
        """What there is to be shown of a report. Raises what `in_ledger` does for one that is nowhere.

        It may leave the spool for the ledger between the two looks: before it is denied, the ledger is asked once more.
        """
        try:
            return in_ledger()
        except (LedgerAway, NotFound) as error:
            waiting = self.spool.find(token)
            if waiting is not None:
                return in_spool(waiting)
            if isinstance(error, LedgerAway):
                raise
        return in_ledger()

    def _into_ledger(self, report: ReportIn, key: str, body: str, label: str, *, alone: bool) -> Accepted:
        """As the new report that it nearly always is; where its key or code is taken, once more, without ringing.

        Whatever keeps the texts from being written, or the look at what waits, keeps no report out: they are left to
        the workers.
        """
        hands, looked = self.ledger.hands, alone
        ring = self.rings and alone and not self.spool.waits and hands is not None and hands.free
        try:
            with self.ledger.begin(label, DOOR) as uow:
                if not alone:
                    self.pace.look(uow)
                    looked = True
                return reports.accept(uow, report, key, body, ring=ring, new=True)
        except AlreadyThere:
            log.info("report_came_again")
        except Exception as error:
            if (looked and not ring) or isinstance(error, LedgerAway | Conflict):
                raise
            log.error("door_cannot_ring" if looked else "door_cannot_look", reason=where(error))
        with self.ledger.begin(label, DOOR) as uow:
            return reports.accept(uow, report, key, body)


def problem(status: int, title: str, detail: str, errors: Sequence[Mapping[str, str]] = (), slug: str = "") -> Response:
    """An RFC 9457 answer."""
    body: dict[str, Any] = {"type": f"about:blank#{slug}" if slug else "about:blank", "title": title, "status": status}
    response = jsonify({**body, "detail": detail, "errors": list(errors)})
    response.status_code = status
    response.content_type = "application/problem+json"
    if status == 503:
        response.headers["Retry-After"] = "2"
    return response
