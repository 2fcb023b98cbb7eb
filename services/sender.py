"""Sender threads: claim what an idle thread can call now, call the provider, write what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

import structlog

from ledger.errors import LedgerAway
from ledger.events import NOTICE, POLICE, PRIORITY
from ledger.store import failpoints
from ledger.store.unit_of_work import Ledger, UnitOfWork
from ledger.texts import claims, deliveries, settling
from ledger.texts.calls import Claim, Draft, Outcome
from notifier import countries
from notifier.channel import Accepted, Beside, Channel, ChannelAway, Outgoing, Receipt, Refused
from services.crew import Crew
from services.living import Living
from services.lookout import Lookout
from services.threads import Lasting
from services.together import Together

log = structlog.get_logger()
T = TypeVar("T")
ALERT_VALIDITY_S, NOTICE_VALIDITY_S = 300, 3600  # the carriers' own default of hours would deliver a stop text too late
YIELD_S = 0.0001  # of threads one runs at a time: the phone is to ring before the page answers
POLL_S = 2.0  # for texts that another process committed, and no clock saw: it looks each second
SETTLE_PATIENCE_S = 10.0  # then the text is looked up by whoever finds the lease lapsed


class Sender:
    """One dispatcher and a pool of `threads` that call.

    `at_door`: it calls what this process writes, and looks for no texts of others: whoever waits for an answer at the
    door shall not share the processor with a backlog. `lookout`: how a clock of this process wakes it. `living`: all
    who send beside this one, and who of them has died.
    """

    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[str, Channel],
        render: Callable[[Draft], str | None],
        threads: int = 32,
        *,
        at_door: bool = False,
        lookout: Lookout | None = None,
        living: Living | None = None,
    ) -> None:
        self._ledger, self._channels, self._render = ledger, channels, render
        self._at_door, self._lookout, self._living = at_door, lookout, living
        self._me: UUID | None = None
        self._dead: Sequence[UUID] = ()  # whose heir it is, until it has what they held
        self._pool, self._crew = ThreadPoolExecutor(threads, thread_name_prefix="send"), Crew(threads)
        self._mutex = threading.Lock()
        self._together = Together(self._settle_some)
        self._uncalled: list[Claim] = []
        self._behind = False  # whether texts were left waiting when the dispatcher last looked
        self._closed = False
        self._wake, self._stopping = threading.Event(), threading.Event()
        if lookout:
            lookout.wake_for("texts", self._wake)
        self._dispatcher = Lasting("sender", self._dispatch, self._stopping)

    def start(self) -> None:
        if self._living:
            self._me, self._dead = self._living.enter(), self._living.dead()
        self._ledger.hands = self
        self._dispatcher.start()

    # What the ledger asks of it (ledger.hands.Hands)

    @property
    def free(self) -> bool:
        return self._crew.idle > 0 and not self._stopping.is_set()

    def claim(self, uow: UnitOfWork, texts: Sequence[dict[str, Any]]) -> list[Claim]:
        """New texts for the idle threads, police first; what has to wait is left to the dispatcher."""
        ready = [row for row in texts if row["case_id"] and row["available_at"] == uow.now]
        urgent = [row for row in ready if row["priority"] == PRIORITY[POLICE]]
        others = [row for row in ready if row not in urgent]
        first, then = (0, 0) if self._stopping.is_set() else self._crew.take(len(urgent), len(others))
        chosen = urgent[:first] + others[:then]
        made: list[Claim] = []
        try:
            made += [claim for row in chosen if (claim := claims.take_new(uow, row, self._render, self._me))]
        finally:
            self._give_back(len(chosen) - len(made))
        return made

    def call(self, made: Sequence[Claim]) -> None:
        with self._mutex:
            closed = self._closed
            for claim in () if closed else made:
                self._pool.submit(self._call_and_return, claim)
        if self._at_door and made and not closed:
            time.sleep(YIELD_S)
        if closed:  # this process ends, and calls nobody any more: others shall
            self.let_go(made)
            self._put_back()

    def let_go(self, made: Sequence[Claim]) -> None:
        """These have not been called. If they were committed, they must not wait for their leases to lapse."""
        with self._mutex:
            self._uncalled += made
        self._give_back(len(made))

    # Its own

    def wake(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        """Finish the calls in hand; what is not claimed stays pending for the next process."""
        self._stopping.set()
        self._wake.set()
        if self._dispatcher.is_alive():
            self._dispatcher.join()
        with self._mutex:
            self._closed = True
        self._pool.shutdown(wait=True)
        with suppress(LedgerAway):  # whoever starts next has them looked up
            self._put_back()
        if self._living:
            self._living.leave()

    def drain(self) -> int:
        """Call everything that is ready now, in this thread, one after another. Returns how many."""
        called = 0
        while found := claims.claim(self._ledger, 1, PRIORITY[NOTICE], self._render):
            self._call(found[0])
            called += 1
        return called

    def _dispatch(self) -> None:
        try:
            self._inherit()
            self._put_back()
            busy = not self._at_door and self._hand_out()
        except LedgerAway as away:
            log.warning("sender_ledger_away", error=str(away))
            busy = False
        if not busy:
            self._rest()
        self._wake.clear()

    def _rest(self) -> None:
        if self._uncalled or self._dead or not (self._at_door or self._lookout):
            self._wake.wait(POLL_S)
        elif self._at_door:
            self._wake.wait()
        elif self._lookout:
            self._lookout.wait(self._wake)

    def _inherit(self) -> None:
        """Have what the dead held looked up; no start waits for it, as the ledger may be away or kept by others."""
        dead, self._dead = self._dead, ()
        try:
            if dead and (found := claims.inherit(self._ledger, dead)):
                log.warning("texts_inherited", texts=found)
            if self._living:
                self._living.bury(dead)
        except LedgerAway as away:  # which keeps nothing else from being handed out
            log.warning("sender_ledger_away", error=str(away))
            self._dead = dead

    def _put_back(self) -> None:
        with self._mutex:
            some, self._uncalled = self._uncalled, []
        if not some:
            return
        try:
            claims.put_back(self._ledger, some)
        except LedgerAway:
            with self._mutex:
                self._uncalled += some
            raise

    def _hand_out(self) -> bool:
        """Claim for the idle threads; whether it found any. A full pool waits to be woken by the first to finish."""
        self._behind = self._behind or self._any_ready()
        if not self._behind:
            return False
        limit, police_only, asks = self._crew.turn()
        found: list[Claim] = []
        try:
            if limit:
                worst = PRIORITY[POLICE if police_only else NOTICE]
                found = claims.claim(self._ledger, limit, worst, self._render, asks=asks, by=self._me)
        finally:
            self._crew.ask(((it.id, it.token) for it in found if it.was == "unknown"), police_only)
            self._crew.back(limit - len(found))
        if not found:
            self._behind = (police_only or not asks) and self._any_ready()
        self.call(found)
        return bool(found) or (police_only and asks)  # once a second at most: others may be ready

    def _any_ready(self) -> bool:
        with self._ledger.read() as conn:
            return deliveries.ready(conn, self._ledger.clock.now())

    def _call_and_return(self, claim: Claim) -> None:
        try:
            self._call(claim)
        except Exception:
            # The lease will lapse and the text be looked up, so nothing is lost; but it must be seen.
            log.exception("sender_failed", delivery=str(claim.id))
            raise
        finally:
            self._crew.asked((claim.id, claim.token))
            self._give_back(1)

    def _give_back(self, threads: int) -> None:
        """These threads are idle again; the dispatcher looks for more only where there is likely to be more."""
        if not threads:
            return
        self._crew.back(threads)
        if self._behind or self._uncalled:
            self._wake.set()

    def _call(self, claim: Claim) -> None:
        channel = self._channels[claim.channel]
        text = Outgoing(
            str(claim.id),
            claim.draft.to,
            claim.body,
            urgent=claim.priority == PRIORITY[POLICE],
            validity_s=self._validity_s(claim),
            spoken=claim.draft.kind == "call",
            language=claim.draft.language,
        )
        if claim.was == "unknown":
            again = self._look_up(channel, claim, text)
            if again is None:
                return
            text = again
        failpoints.hit("before-call", claim.draft.kind)
        receipt = channel.send(text)
        failpoints.hit("after-call", claim.draft.kind)
        self._write(claim, receipt)

    def _validity_s(self, claim: Claim) -> int:
        """A notice that says until when it holds, such as digits that open a report again, arrives by then or never."""
        if claim.priority < PRIORITY[NOTICE]:
            return ALERT_VALIDITY_S
        left = (claim.expires_at - self._ledger.clock.now()).total_seconds()
        return max(1, min(NOTICE_VALIDITY_S, int(left)))

    def _look_up(self, channel: Channel, claim: Claim, text: Outgoing) -> Outgoing | None:
        """A text that may have been sent: ask the provider first; at most one resend, marked; None when settled."""
        try:
            found = channel.find(text, claim.created_at, lambda: self._beside(claim))
        except ChannelAway:
            self._settle(claim, "unknown", unanswered=True)
            return None
        if found:
            self._settle(claim, found.state, sid=found.sid)
            return None
        if claim.attempt > 1:
            self._settle(claim, "unknown", exhausted=True)
            return None
        body = self._render(replace(claim.draft, resend=True)) or text.body
        return replace(text, body=body) if self._insist(lambda: claims.again(self._ledger, claim, body)) else None

    def _beside(self, claim: Claim) -> Beside:
        return Beside(*self._insist(lambda: claims.beside(self._ledger, claim)))

    def _write(self, claim: Claim, receipt: Receipt) -> None:
        if isinstance(receipt, Accepted):
            self._settle(claim, receipt.state, sid=receipt.sid)
        elif isinstance(receipt, Refused):
            log.warning("text_refused", delivery=str(claim.id), code=receipt.code, permanent=receipt.permanent)
            state = "failed_permanent" if receipt.permanent else "failed_temporary"
            self._settle(claim, state, error=receipt.code, retry_after_s=receipt.retry_after_s,
                         operator=receipt.operator)  # fmt: skip
        else:
            log.warning("text_unknown", delivery=str(claim.id), reason=receipt.reason)
            self._settle(claim, "unknown")

    def _settle(self, claim: Claim, state: str, *, sid: str | None = None, error: str | None = None,
                retry_after_s: float | None = None, exhausted: bool = False, unanswered: bool = False,
                operator: bool = False) -> None:  # fmt: skip
        region = "" if claim.channel == "sink" else countries.for_phone(claim.draft.to).prefix
        outcome = Outcome(claim, state, sid, error, retry_after_s, exhausted, unanswered, operator, region)
        if not self._together.written(outcome):
            self._insist(lambda: settling.settle(self._ledger, outcome))

    def _settle_some(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Those that were written; after any error none, and each is written alone: it is the error of one of them."""
        try:
            return settling.settle_some(self._ledger, outcomes)
        except LedgerAway as away:
            log.warning("sender_ledger_away", error=str(away))
        except Exception:
            log.exception("sender_not_together", texts=[str(it.claim.id) for it in outcomes])
        return ()

    def _insist(self, what: Callable[[], T]) -> T:
        """What was learnt of the provider must not be lost to a moment without the ledger: tried again for a while.

        Each of these may be done twice, where the answer to a commit was lost. Else the text waits for its lease.
        """
        deadline = time.monotonic() + SETTLE_PATIENCE_S
        while True:
            try:
                return what()
            except LedgerAway:
                if time.monotonic() > deadline or self._stopping.wait(0.2):
                    raise
