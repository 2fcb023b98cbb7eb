"""Asking the provider what its callbacks may have failed to say: the fate of texts, and replies that came in."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog

from ledger.errors import LedgerAway, NotFound, NotYet
from ledger.police import replies
from ledger.store.unit_of_work import URGENT, Ledger
from ledger.texts import deliveries
from notifier.channel import Channel, Inbound, StatusReport

log = structlog.get_logger()
REPLIES_SINCE, REPLIES_AT_MOST = timedelta(minutes=5), timedelta(hours=6)


def ask(ledger: Ledger, channel: Channel) -> bool:
    """One round, only while somebody is being rung. Always False: the next round is the clock's business."""
    now = ledger.clock.now()
    with ledger.read() as conn:
        rung = deliveries.rung_since(conn)
        if rung is None:
            return False
        silent = [(row["id"], row["sid"]) for row in deliveries.unheard(conn, now)]
    since = max(min(rung, now - REPLIES_SINCE), now - REPLIES_AT_MOST)
    texts = channel.inbound(since)  # an answer ends the ringing: it is asked for first
    with ledger.read() as conn:
        known = replies.taken(conn, [text.sid for text in texts])
    for text in texts:
        if text.sid not in known:
            _take(ledger, text)
    for delivery_id, sid in silent:
        _note(ledger, delivery_id, channel.status(sid))
    return False


def _take(ledger: Ledger, text: Inbound) -> None:
    try:
        with ledger.begin("reply", URGENT) as uow:
            replies.take(uow, text.sid, text.sender, text.body, text.sent_at)
    except LedgerAway:
        raise
    except NotYet:
        log.warning("reply_too_early", sid=text.sid)
    except Exception:  # one reply that trips us up must not hide the others; it is asked for again next time
        log.exception("reply_failed", sid=text.sid)


def _note(ledger: Ledger, delivery_id: UUID, said: StatusReport | None) -> None:
    if said is None:
        return
    try:
        with ledger.begin("status", URGENT) as uow:
            deliveries.report(uow, delivery_id, said.sid, said.state, said.error_code)
    except NotFound:
        return
    except LedgerAway:
        raise
    except Exception:  # as above
        log.exception("status_failed", delivery=str(delivery_id))
