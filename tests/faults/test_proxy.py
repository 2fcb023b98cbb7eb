"""The proxy breaks what it says it breaks, and nothing once it is healed."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from tests.faults.proxy import LOOPBACK, Proxy, order
from tests.private_services import free_port

HELLO = b"0123456789"
ANSWER_TO_COMMIT = b"C\x00\x00\x00\x0bCOMMIT\x00Z\x00\x00\x00\x05I"
QUIET_S = 0.2  # how long a silent connection is listened to


class _Echo(socketserver.BaseRequestHandler):
    """Says back what it hears; `COMMIT` is answered as PostgreSQL does."""

    def handle(self) -> None:
        with suppress(ConnectionError):
            while data := self.request.recv(65536):
                self.request.sendall(ANSWER_TO_COMMIT if data == b"COMMIT" else data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address = True, True


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server behind the proxy."""
    with _Server((LOOPBACK, 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    with closing(Proxy("test", echo)) as made:
        yield made


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection((LOOPBACK, proxy.port), 5)


def said(connection: socket.socket, what: bytes = HELLO) -> bytes:
    """What comes back; empty when the connection ends instead."""
    try:
        connection.sendall(what)
        return connection.recv(65536)
    except ConnectionError:
        return b""


def silent(connection: socket.socket) -> bool:
    """Nothing comes, and the connection does not end."""
    connection.settimeout(QUIET_S)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    except ConnectionError:
        return False
    return False


def nothing_goes_through(proxy: Proxy) -> bool:
    """The reset may come as soon as the connection is made."""
    try:
        with connected(proxy) as connection:
            return said(connection) == b""
    except ConnectionError:
        return True


def test_what_goes_in_comes_out(proxy: Proxy) -> None:
    with connected(proxy) as one, connected(proxy) as other:
        assert said(one) == said(other) == HELLO
        one.shutdown(socket.SHUT_WR)
        assert one.recv(1) == b""  # a goodbye goes through as one


def test_a_delay_takes_its_time_both_ways(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        proxy.order("delay 0.1")
        began = time.monotonic()
        assert said(connection) == HELLO
        assert time.monotonic() - began >= 0.2


def test_a_reset_ends_what_is_open_and_what_comes_until_the_heal(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        assert said(connection) == HELLO
        proxy.order("reset")
        assert said(connection) == b""
    assert nothing_goes_through(proxy)
    proxy.heal()
    with connected(proxy) as connection:
        assert said(connection) == HELLO


def test_half_open_takes_everything_says_nothing_and_is_cut_at_the_heal(proxy: Proxy) -> None:
    with connected(proxy) as old:
        assert said(old) == HELLO
        proxy.order("half-open")
        with connected(proxy) as new:
            for connection in (old, new):
                connection.sendall(HELLO)
                assert silent(connection)
            proxy.heal()
            for connection in (old, new):  # what was held back is stale, and never arrives
                connection.settimeout(5)
                assert said(connection) == b""


def test_an_answer_is_cut_in_its_middle(proxy: Proxy) -> None:
    proxy.order("truncate")
    with connected(proxy) as connection:
        got = said(connection)
        assert HELLO.startswith(got)
        assert len(got) < len(HELLO)
        assert said(connection) == b""


def test_only_the_answer_to_a_commit_is_lost(proxy: Proxy) -> None:
    proxy.order("commit-lost")
    with connected(proxy) as connection:
        assert said(connection) == HELLO
        assert said(connection, b"COMMIT") == b""
    proxy.heal()
    with connected(proxy) as connection:
        assert said(connection, b"COMMIT") == ANSWER_TO_COMMIT


def test_a_target_that_refuses_is_passed_over(echo: int) -> None:
    with closing(Proxy("two", free_port(), echo)) as proxy:
        for _ in range(2):
            with connected(proxy) as connection:
                assert said(connection) == HELLO


def test_without_any_target_the_connection_ends() -> None:
    with closing(Proxy("none", free_port())) as proxy:
        assert nothing_goes_through(proxy)


def test_a_line_on_the_control_port_is_an_order(proxy: Proxy) -> None:
    assert order(proxy.control_port, "reset") == "ok"
    assert nothing_goes_through(proxy)
    assert order(proxy.control_port, "heal") == "ok"
    with connected(proxy) as connection:
        assert said(connection) == HELLO


@pytest.mark.parametrize(("words", "answer"), [("burn", "no such mode"), ("delay soon", "delay wants seconds")])
def test_an_order_that_makes_no_sense_is_refused(proxy: Proxy, words: str, answer: str) -> None:
    assert proxy.order(words).startswith(answer)
