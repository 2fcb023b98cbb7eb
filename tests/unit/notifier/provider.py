"""A provider on a real local port, for the tests of TwilioChannel: each test sets its answer."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from notifier.channel import Outgoing

TEXT = Outgoing("0b9e0a4e-8b1c-4a43-a0f5-5f0d2f9c7a11", "+8613800000001", "【示例大学】紧急止付K7M3P", True, 300)
SENT_AT = datetime(2026, 11, 25, 6, 35, 7, tzinfo=UTC)
MESSAGES = "/2010-04-01/Accounts/AC1/Messages"
Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet per answer: two would wait 40 ms for a delayed acknowledgement
    server: "Provider"

    def do_GET(self) -> None:
        self._serve({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._serve({name: values[0] for name, values in parse_qs(body).items()})

    def _serve(self, fields: dict[str, str]) -> None:
        self.server.calls.append((self.command, urlsplit(self.path).path, fields, self.headers["Authorization"]))
        self.server.answer(self)

    def finish(self) -> None:
        with suppress(OSError):  # the client hung up first, as some tests want
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Provider(ThreadingHTTPServer):
    """A provider whose answer each test sets."""

    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: list[tuple[str, str, dict[str, str], str]] = []
        self.over = threading.Event()
        self.answer: Answer = says(201, message())

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


def says(status: int, payload: object, **headers: str) -> Answer:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def message(**changes: Any) -> dict[str, Any]:
    return {
        "sid": "SM1",
        "status": "queued",
        "direction": "outbound-api",
        "to": TEXT.to,
        "from": "+15005550006",
        "body": TEXT.body,
        "date_created": format_datetime(SENT_AT),
        "error_code": None,
        **changes,
    }


def page(*messages: dict[str, Any]) -> Answer:
    return says(200, {"messages": list(messages), "page": 0, "page_size": 50, "next_page_uri": None})


def hang(handler: Handler) -> None:
    handler.close_connection = True
    handler.server.over.wait()


def drop(handler: Handler) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def drop_in_body(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{")
    handler.wfile.flush()
    drop(handler)


def drip(first: bytes) -> Answer:
    """One byte every 10 ms for as long as somebody listens."""

    def answer(handler: Handler) -> None:
        handler.close_connection = True
        with suppress(OSError):
            handler.wfile.write(first)
            handler.wfile.flush()
            while not handler.server.over.wait(0.01):
                handler.wfile.write(b"x")
                handler.wfile.flush()

    return answer


@contextmanager
def serving() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
