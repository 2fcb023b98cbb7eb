"""Liveness, readiness and metrics: what an uptime monitor and an operator look at. No personal data."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, render_template_string
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import Connection, func, select

from ledger import tables as t
from ledger.errors import LedgerAway
from ledger.ready.auditing import audit
from ledger.texts import deliveries
from services.compose import Parts

_DOCS = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Stopline API</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/docs/swagger-ui.css">
<div id="swagger-ui"></div><script src="/static/docs/swagger-ui-bundle.js"></script>
<script src="/static/docs/start.js"></script></html>"""


@dataclass(frozen=True)
class Figures:
    """What is open now. Ages in seconds; 0 when there is nothing. What a drill rings is left out."""

    oldest_unsent_alert: float
    open_work: int
    oldest_open_work: float
    open_alarms: int
    ringing: int
    oldest_unsettled: float
    late: tuple[str, ...]


def figures(conn: Connection, now: datetime) -> Figures:
    """Everything comes from partial indexes over what is open, so its cost does not grow with age."""
    d, w, a, o = t.deliveries.c, t.work.c, t.alarms.c, t.obligations.c
    real = t.cases.c.drill.is_not(True)  # a text that speaks for several cases has none of its own
    unsent = (
        select(func.min(d.created_at, type_=t.UtcTime))
        .outerjoin(t.cases, t.cases.c.id == d.case_id)
        .where(d.available_at.is_not(None) | (d.state == "sending"), d.alert, real)
        .where(d.state.in_(("pending", "failed_temporary", "sending", "unknown")))
    )
    work = select(func.count(), func.min(w.available_at, type_=t.UtcTime)).where(w.state == "open")
    oldest = conn.execute(unsent).scalar_one()
    waiting = conn.execute(work).one()
    alarms = select(func.count()).select_from(t.alarms).where(a.cleared_at.is_(None))
    rings = t.obligations.join(t.cases, t.cases.c.id == o.case_id)
    ringing = select(func.count()).select_from(rings).where(o.next_at.is_not(None), o.state.in_(deliveries.WAITING))
    return Figures(
        _age(oldest, now),
        waiting[0],
        _age(waiting[1], now),
        conn.execute(alarms).scalar_one(),
        conn.execute(ringing.where(real)).scalar_one(),
        (audited := audit(conn, now)).oldest_s,
        audited.late,
    )


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def blueprints(parts: Parts) -> list[Blueprint]:
    bp = Blueprint("health", __name__, static_folder="static/docs", static_url_path="/static/docs")

    @bp.get("/healthz")
    def alive() -> Response:
        return jsonify({"status": "ok"})

    @bp.get("/readyz")
    def ready() -> tuple[Response, int]:
        """200 while this process can take a report; `degraded` names what is slower than it should be."""
        try:
            with parts.ledger.read() as conn:
                now = figures(conn, parts.ledger.clock.now())
        except LedgerAway:
            taken = parts.spooler.spool.writable()
            said = {"status": "ok" if taken else "unavailable", "degraded": ["ledger"], "oldest_unsent_alert_s": None}
            return jsonify(said), 200 if taken else 503
        degraded = ["spool"] if parts.spooler.waits else []
        if parts.relay is not None and not parts.relay.connected:
            degraded.append("broker")
        if now.oldest_unsent_alert > 5:
            degraded.append("alerts")
        if now.oldest_open_work > 10:
            degraded.append("work")
        if now.open_alarms:
            degraded.append("alarms")
        if now.late:
            degraded.append("late")
        return jsonify(
            {"status": "ok", "degraded": degraded, "oldest_unsent_alert_s": round(now.oldest_unsent_alert, 1)}
        ), 200

    @bp.get("/metrics")
    def metrics() -> Response:
        registry, found = CollectorRegistry(), None
        with suppress(LedgerAway), parts.ledger.read() as conn:
            found = figures(conn, parts.ledger.clock.now())
        Gauge("stopline_ledger_up", "Whether the ledger answers", registry=registry).set(found is not None)
        spooled = Gauge("stopline_spooled", "Reports that wait on this machine for the ledger", registry=registry)
        spooled.set(parts.spooler.waiting)
        for name, said in _GAUGES.items() if found else ():
            Gauge(f"stopline_{name}", said, registry=registry).set(getattr(found, name.removesuffix("_seconds")))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    @bp.get("/docs")
    def docs() -> Any:
        return render_template_string(_DOCS)

    return [bp]


_GAUGES = {
    "oldest_unsent_alert_seconds": "Age of the oldest alert that no provider has taken",
    "oldest_unsettled_seconds": "Age of the oldest report without its first texts or its follow-up record",
    "open_work": "Work rows that wait for a handler",
    "oldest_open_work_seconds": "Age of the oldest of them",
    "open_alarms": "Alarms that nobody has cleared",
    "ringing": "Obligations that wait for somebody's answer",
}
