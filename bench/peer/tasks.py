"""The peer's workers: acks_late, prefetch 1, confirmed publish, no result backend; retried by themselves.

One task does all, or, where PEER_SPLIT is set, police and counselor have a task and a queue of their own.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init
from kombu import Queue

from bench.peer import store

app = Celery("peer", broker=os.environ["PEER_BROKER"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    result_backend=None,
    broker_transport_options={"confirm_publish": True},
    task_serializer="json",
    accept_content=["json"],
    task_queues=[Queue(name, durable=True) for name in ("peer", "peer_police", "peer_counselor")],
    task_default_queue="peer",
    task_routes={"police": {"queue": "peer_police"}, "counselor": {"queue": "peer_counselor"}},
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
RETRIED: dict[str, Any] = {"autoretry_for": (Exception,), "retry_backoff": True, "max_retries": 5}
_own: dict[str, Any] = {}


def connect(**_: Any) -> dict[str, Any]:
    if not _own:
        _own.update(sessions=store.sessions(8), provider=store.provider())
    return _own


worker_process_init.connect(connect, weak=False)


def read(report_id: int) -> store.Report:
    with connect()["sessions"]() as session:
        return session.get_one(store.Report, report_id)


@app.task(name="all", **RETRIED)
def everything(report_id: int) -> None:
    report = read(report_id)
    store.tell_police(_own["provider"], report)
    store.tell_counselor(_own["provider"], report)
    with _own["sessions"]() as session:
        store.follow_up(session, report_id)


@app.task(name="police", **RETRIED)
def police(report_id: int) -> None:
    report = read(report_id)
    store.tell_police(_own["provider"], report)


@app.task(name="counselor", **RETRIED)
def counselor(report_id: int) -> None:
    report = read(report_id)
    store.tell_counselor(_own["provider"], report)
    with _own["sessions"]() as session:
        store.follow_up(session, report_id)


def hand_over(report_id: int) -> None:
    if os.environ.get("PEER_SPLIT"):
        police.delay(report_id)
        counselor.delay(report_id)
    else:
        everything.delay(report_id)
