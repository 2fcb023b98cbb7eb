"""The private servers are real: what they promised survives their sudden death."""

from collections.abc import Callable

import pika
import psycopg
import pytest
from playwright.sync_api import Page

from tests.private_services import PostgreSQL, RabbitMQ, program


def connected(rabbitmq: RabbitMQ) -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.URLParameters(rabbitmq.url))


def test_a_confirmed_message_survives_a_kill(rabbitmq: RabbitMQ) -> None:
    with connected(rabbitmq) as connection:
        channel = connection.channel()
        channel.queue_declare("lasting", durable=True, arguments={"x-queue-type": "quorum"})
        channel.confirm_delivery()
        channel.basic_publish("", "lasting", b"K7M3P", pika.BasicProperties(delivery_mode=2), mandatory=True)
    rabbitmq.await_registered("lasting")
    rabbitmq.kill()
    rabbitmq.start()
    with connected(rabbitmq) as connection:
        _, _, body = connection.channel().basic_get("lasting", auto_ack=True)
        assert body == b"K7M3P"
        connection.channel().queue_delete("lasting")


def test_the_broker_can_be_asked_stopped_and_wiped(rabbitmq: RabbitMQ) -> None:
    with connected(rabbitmq) as connection:
        connection.channel().queue_declare("passing", durable=True)
    assert "passing" in rabbitmq.rabbitmqctl("list_queues", "name")
    rabbitmq.stop()
    assert not rabbitmq.running
    rabbitmq.wipe()
    rabbitmq.start()
    assert "passing" not in rabbitmq.rabbitmqctl("list_queues", "name")


def test_a_commit_survives_a_kill(postgresql: PostgreSQL) -> None:
    url = postgresql.new_database().replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE report (code text)")
        connection.execute("INSERT INTO report VALUES ('K7M3P')")
    postgresql.kill()
    postgresql.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT code FROM report").fetchall() == [("K7M3P",)]


def test_a_database_can_be_copied(postgresql: PostgreSQL) -> None:
    original = postgresql.new_database()
    with psycopg.connect(original.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE report (code text)")
    copy = postgresql.new_database(template=original.rpartition("/")[2])
    with psycopg.connect(copy.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM report").fetchone() == (0,)


def test_the_durable_server_syncs(durable_postgresql: PostgreSQL) -> None:
    with psycopg.connect(durable_postgresql.url.replace("+psycopg", "")) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_the_browser_opens_phone_and_desktop(page: Callable[..., Page]) -> None:
    phone, desktop = page(), page("desktop", "en")
    phone.goto("data:text/html;charset=utf-8,<h1>止付</h1>")
    assert phone.inner_text("h1") == "止付"
    assert phone.evaluate("[innerWidth, navigator.language]") == [360, "zh-CN"]
    assert desktop.evaluate("[innerWidth, navigator.language]") == [1280, "en"]


def test_a_missing_binary_skips_or_fails_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOPLINE_REQUIRE_SERVICES", "0")
    with pytest.raises(pytest.skip.Exception, match=r"Hare is not installed: sudo scripts/install-services\.sh"):
        program("Hare", ["no-such-hare"])
    monkeypatch.setenv("STOPLINE_REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="Hare is not installed"):
        program("Hare", ["no-such-hare"])
