"""The database goes away under way: the doors say so, workers stop consuming, nothing is lost, all goes on again."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from tests.private_services import PostgreSQL, RabbitMQ
from tests.processes import Answer, Installation, eventually
from tests.world import another_fraud


@contextmanager
def reporting(on: Installation, tag: str) -> Iterator[list[Answer]]:
    """Somebody reports all the while and insists; at the end everything accepted has been settled once."""
    enough = threading.Event()
    accepted: list[Answer] = []

    def insist() -> None:
        while not enough.is_set():
            key, when = f"{tag}-{len(accepted)}", on.now().isoformat()
            while not (answer := on.report(key, when=when)).taken:
                enough.wait(0.05)
            accepted.append(answer)
            enough.wait(0.02)

    thread = threading.Thread(target=insist)
    thread.start()
    try:
        yield accepted
    finally:
        enough.set()
        thread.join()
    eventually(
        lambda: "spool" not in on.request("GET", "/readyz").body.get("degraded", ["spool"]), "the spool is not empty"
    )
    on.lapse_leases()  # a claim whose answer was lost has nobody who calls
    on.await_settled()
    assert len({answer.code for answer in accepted}) == len(accepted) > 0
    for answer in accepted:
        shown = on.status(answer.token)
        # One that went through the spool has another code too, of which who tries again afterwards is not told.
        codes = {answer.code, shown["case"], *shown.get("spool_codes", ())}
        texts = [text for code in codes for text in on.texts("officer", code)]
        assert len([text for text in texts if "紧急止付" in text]) == 1, texts


def no_dead_letters(rabbitmq: RabbitMQ) -> bool:
    lines = rabbitmq.rabbitmqctl("list_queues", "name", "messages").splitlines()
    return all(line.endswith("\t0") for line in lines if ".dead" in line)


def test_all_connections_are_cut(up: Installation, durable_postgresql: PostgreSQL) -> None:
    with (
        reporting(up, "cut") as accepted,
        psycopg.connect(durable_postgresql.url.replace("+psycopg", ""), autocommit=True) as admin,
    ):
        for _ in range(5):
            before = len(accepted)
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' "
                          "AND pid <> pg_backend_pid() AND backend_type = 'client backend'")  # fmt: skip
            eventually(lambda before=before: len(accepted) > before + 1, "no report taken any more")  # type: ignore[misc]


def test_it_dies_and_comes_back_under_load(up: Installation, durable_postgresql: PostgreSQL) -> None:
    with reporting(up, "died") as accepted:
        eventually(lambda: len(accepted) > 3, "nothing accepted")
        durable_postgresql.kill()
        time.sleep(2)
        durable_postgresql.start()
        before = len(accepted)
        eventually(lambda: len(accepted) > before + 3, "no report taken any more")


def test_meanwhile_a_report_is_taken_the_officer_texted_and_everything_else_says_so(
    up: Installation, durable_postgresql: PostgreSQL
) -> None:
    token = up.accepted().token
    up.await_settled()
    durable_postgresql.stop()
    try:
        began = time.monotonic()
        answer = up.report("outage", **another_fraud())
        page = up.request("GET", f"/r/{token}")
        ready = up.request("GET", "/readyz")
        took = time.monotonic() - began
        assert up.request("GET", "/healthz").status == 200
        assert answer.status == 201 and answer.code.startswith("Z")
        assert answer.code in up.request("GET", f"/r/{answer.token}").body["text"]
        eventually(lambda: up.texts("officer", answer.code), "the officer was not texted")
    finally:
        durable_postgresql.start()
    assert (page.status, ready.status) == (503, 200)
    assert page.headers["Retry-After"].isdigit()
    assert "110" in page.body["text"]
    assert ready.body["degraded"] == ["ledger"]
    assert took < 10
    eventually(lambda: not up.status(answer.token)["case"].startswith("Z"), "it did not enter the ledger")
    up.await_settled()
    real = up.status(answer.token)["case"]
    assert "spool" not in up.request("GET", "/readyz").body["degraded"]
    assert [len(up.texts("officer", code)) for code in (answer.code, real)] == [1, 0]
    up.accepted()
    up.await_settled()


def test_workers_do_not_use_their_messages_up(
    up: Installation, durable_postgresql: PostgreSQL, rabbitmq: RabbitMQ
) -> None:
    """A message counts its deliveries and is dead after twenty; an outage may last for longer than that."""
    up.stop("clock")  # only the broker's way is left
    up.pause("worker")
    reports = [up.accepted() for _ in range(3)]
    durable_postgresql.stop()
    up.resume("worker")
    worker = up.processes["worker"]
    eventually(lambda: len(worker.log("worker_ledger_away")) > 4, "the worker has not noticed")
    eventually(lambda: "police\t0" in rabbitmq.rabbitmqctl("list_queues", "name", "consumers"), "it still consumes")
    durable_postgresql.start()
    eventually(lambda: all(up.texts("officer", report.code) for report in reports), "no texts")
    up.start("clock")
    up.await_settled()
    assert no_dead_letters(rabbitmq)


def test_a_locked_file_is_waited_for_and_the_report_goes_into_the_spool(embedded: Installation) -> None:
    embedded.start("up")
    path = embedded.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        taken = embedded.accepted("locked")
        assert taken.code.startswith("Z")
        other.execute("ROLLBACK")
    eventually(lambda: not embedded.status(taken.token)["case"].startswith("Z"), "it did not enter the ledger")
    embedded.await_settled()
    texts = [embedded.texts("officer", code) for code in (taken.code, embedded.status(taken.token)["case"])]
    assert len([text for found in texts for text in found]) == 1
    assert embedded.processes["up"].running
