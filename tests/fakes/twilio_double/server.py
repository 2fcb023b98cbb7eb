"""HTTP/1.1 with keep-alive over asyncio streams, in a thread of its own; just what a REST client needs."""

import asyncio
import base64
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]
    gone: Callable[[], bool]  # whether the client has hung up

    @property
    def login(self) -> tuple[str, str]:
        """User and password of HTTP basic authentication, empty when there are none."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return "", ""
        user, _, password = base64.b64decode(value).decode(errors="replace").partition(":")
        return user, password


@dataclass(frozen=True)
class Answer:
    status: int
    payload: object
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        body = json.dumps(self.payload, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


Handler = Callable[[Request], Awaitable[Answer | None]]


def pairs(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))


async def read_request(reader: asyncio.StreamReader) -> Request:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    path, _, query = target.partition("?")
    return Request(method, unquote(path), pairs(query), pairs(body.decode()), headers, reader.at_eof)


class Server:
    """`handler` answers each request; None means: close the connection without an answer."""

    def __init__(self, host: str, port: int, handler: Handler) -> None:
        self._handler = handler
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: set[asyncio.Future[None]] = set()
        self.connections = 0
        self._thread = threading.Thread(target=self._loop.run_forever, name="twilio-double", daemon=True)
        self._thread.start()  # the loop never runs in the caller's thread: Playwright has one of its own there
        listening = asyncio.start_server(self._serve, host, port, backlog=512)
        self._listener = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        self.port: int = self._listener.sockets[0].getsockname()[1]

    async def held(self) -> None:
        """Returns at the next `release`."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._held.add(future)
        try:
            await future
        finally:
            self._held.discard(future)

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._let_go)

    def _let_go(self) -> None:
        for future in self._held:
            if not future.done():  # released twice before it was resumed
                future.set_result(None)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _shut(self) -> None:
        self._listener.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._loop.shutdown_default_executor()
        await asyncio.sleep(0)  # one turn of the loop, in which the closed transports let go of their sockets

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self.connections += 1
        try:
            while answer := await self._handler(request := await read_request(reader)):
                writer.write(answer.encoded())
                await writer.drain()
                if request.headers.get("connection", "").lower() == "close":
                    break
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the client has gone, or the double is closing: the record says how far it came
        finally:
            self._tasks.discard(task)
            writer.close()
