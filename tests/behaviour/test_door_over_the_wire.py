"""The real server in front of the doors: bodies in chunks, far too long ones, huge heads."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from services.web import WebServer
from tests.behaviour.door_tools import cases, shared_world
from tests.world import PUBLIC, World, body

URL = "/api/v1/reports"


@pytest.fixture(scope="module", params=["sqlite"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


@pytest.fixture(scope="module")
def server(door: World) -> Iterator[WebServer]:
    """The real server, on a port of its own."""
    made = WebServer(door.client.application, "127.0.0.1", 0)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    yield made
    made.close()
    thread.join(5)


def ask(
    server: WebServer, raw: bytes, path: str = URL, *, chunked: bool = False, kind: str = "application/json"
) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    chunks = iter([raw[at : at + 65536] for at in range(0, len(raw), 65536)])
    try:
        connection.request("POST", path, chunks if chunked else raw, {"Content-Type": kind}, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def test_a_body_in_chunks_is_taken(door: World, server: WebServer) -> None:
    status, _, text = ask(server, json.dumps(body()).encode(), chunked=True)
    assert status == 201 and json.loads(text)["status_url"].startswith(PUBLIC)


@pytest.mark.parametrize("chunked", [False, True])
def test_two_mebibytes_over_the_wire_are_413_with_words_of_ours(door: World, server: WebServer, chunked: bool) -> None:
    before = cases(door)
    raw = json.dumps(body(narrative="x" * (2 << 20))).encode()
    status, headers, text = ask(server, raw, chunked=chunked)
    assert (status, headers["Content-Type"]) == (413, "application/problem+json") and json.loads(text)["status"] == 413
    status, _, text = ask(server, raw, "/report", chunked=chunked, kind="application/x-www-form-urlencoded")
    assert status == 413 and "tel:110" in text
    assert cases(door) == before


def test_beyond_all_measure_the_server_itself_refuses_in_our_words(door: World, server: WebServer) -> None:
    for path, kind in ((URL, "application/problem+json"), ("/report", "text/plain; charset=utf-8")):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(1 << 30))
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (413, kind)
        assert "110" in answer.read().decode()
        connection.close()


def test_huge_headers_do_not_break_it(door: World, server: WebServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("POST", URL, json.dumps(body()), {"Content-Type": "application/json", "X-Long": "x" * 300_000})
    answer = connection.getresponse()
    assert answer.status == 431 and "110" in answer.read().decode()
    connection.close()
    assert ask(server, json.dumps(body()).encode())[0] == 201
