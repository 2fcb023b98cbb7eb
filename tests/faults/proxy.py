"""A TCP proxy that stands between two parts of an installation and breaks what goes through it, on command.

It runs in a thread of its own. `order("delay 0.5")` and a line on the control port mean the same, so that a person
can break a running installation with `nc`. Modes: pass · delay SECONDS · reset · half-open · truncate · commit-lost.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"
CHUNK = 65536
MODES = ("pass", "delay", "reset", "half-open", "truncate", "commit-lost")
COMMITTED = b"COMMIT\x00"  # the tag of PostgreSQL's answer to COMMIT
BROKEN = (ConnectionError, OSError, asyncio.IncompleteReadError)
_NO_GOODBYE = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


@dataclass(eq=False)
class _Pair:
    """The two ends of one connection that goes through."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    stained: bool = False  # something was held back or cut: it must not go on after the heal, as if nothing had been
    pumps: list[asyncio.Task[None]] = field(default_factory=list)

    def close(self) -> None:
        for end in (self.client, self.server):
            if end is not None:
                end.close()  # in good order: what is under way arrives

    def cut(self) -> None:
        for end in (self.client, self.server):
            if end is not None:
                sock = end.get_extra_info("socket")
                if sock is not None:
                    with suppress(OSError):
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_GOODBYE)
                end.transport.abort()


class Proxy:
    """`targets` are ports on loopback, tried in turn: one that refuses is passed over, as a load balancer would."""

    def __init__(self, name: str, *targets: int) -> None:
        self.name, self.targets = name, list(targets)
        self._turn = itertools.count()
        self._mode, self._delay = "pass", 0.0
        self._pairs: set[_Pair] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{name}", daemon=True)
        self._thread.start()
        self._servers = [self._listen(self._serve), self._listen(self._control)]
        self.port, self.control_port = (server.sockets[0].getsockname()[1] for server in self._servers)

    def order(self, words: str) -> str:
        """Change the mode; `heal` is `pass`. Returns `ok`, or says what is wrong. Returns once it is in force."""
        return asyncio.run_coroutine_threadsafe(self._obey(words), self._loop).result(10)

    def heal(self) -> None:
        self.order("heal")

    def connections(self) -> int:
        return len(self._pairs)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _listen(self, handler: object) -> asyncio.Server:
        starting = asyncio.start_server(handler, LOOPBACK, 0, backlog=512)  # type: ignore[arg-type]  # a bound method
        return asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)

    async def _shut(self) -> None:
        for server in self._servers:
            server.close()
        self._cut_all(self._pairs)
        ours = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in ours:
            task.cancel()
        await asyncio.gather(*ours, return_exceptions=True)
        await asyncio.sleep(0.05)  # in which the transports that were cut let go of their sockets

    async def _control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(*BROKEN):
            while line := await reader.readline():
                writer.write((await self._obey(line.decode(errors="replace").strip()) + "\n").encode())
                await writer.drain()
        writer.close()

    async def _obey(self, words: str) -> str:
        mode, _, seconds = words.partition(" ")
        mode = "pass" if mode == "heal" else mode
        if mode not in MODES:
            return f"no such mode: {mode}; there are: heal {' '.join(MODES)}"
        try:
            self._delay = float(seconds) if mode == "delay" else 0.0
        except ValueError:
            return "delay wants seconds"
        self._mode = mode
        if mode == "pass":  # what was held back is stale: whoever waits for it has to ask again
            self._cut_all({pair for pair in self._pairs if pair.stained})
        if mode == "reset":
            self._cut_all(self._pairs)
        if mode == "half-open":
            for pair in self._pairs:
                pair.stained = True
        return "ok"

    def _cut_all(self, pairs: set[_Pair]) -> None:
        for pair in list(pairs):
            pair.cut()
            for pump in pair.pumps:
                pump.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = _Pair(writer)
        self._pairs.add(pair)
        well = False
        try:
            if self._mode == "reset":
                return
            if self._mode == "half-open":
                pair.stained = True
                await reader.read()  # take everything, say nothing, until it is cut or the client goes
                return
            well = await self._through(pair, reader)
        except (*BROKEN, asyncio.CancelledError):
            pass  # the proxy is closing, or one end has gone, which is what a proxy is there to pass on
        finally:
            if well:
                pair.close()
            else:
                pair.cut()
            self._pairs.discard(pair)

    async def _through(self, pair: _Pair, reader: asyncio.StreamReader) -> bool:
        """Until one side ends; whether it ended in good order."""
        answers, pair.server = await self._connect()
        pair.pumps = [
            asyncio.create_task(self._pump(pair, reader, pair.server, answers=False)),
            asyncio.create_task(self._pump(pair, answers, pair.client, answers=True)),
        ]
        done, left = await asyncio.wait(pair.pumps, return_when=asyncio.FIRST_COMPLETED)
        well = not any(task.cancelled() or task.exception() for task in done) and not pair.stained
        if well and left:
            await asyncio.wait(left, timeout=1.0)  # one side has said goodbye; the other may have something left to say
        for pump in pair.pumps:
            pump.cancel()
        await asyncio.gather(*pair.pumps, return_exceptions=True)
        return well

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        refused: OSError = ConnectionRefusedError()
        first = next(self._turn)
        for n in range(len(self.targets)):
            try:
                return await asyncio.open_connection(LOOPBACK, self.targets[(first + n) % len(self.targets)])
            except OSError as error:
                refused = error
        raise refused

    async def _pump(
        self, pair: _Pair, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await source.read(CHUNK):
            if self._mode == "delay":
                await asyncio.sleep(self._delay)
            while self._mode == "half-open":
                pair.stained = True
                await asyncio.sleep(0.05)
            kept = self._spoiled(pair, data, answers)
            sink.write(data if kept is None else kept)
            await sink.drain()
            if kept is not None:
                raise ConnectionResetError
        sink.write_eof()

    def _spoiled(self, pair: _Pair, data: bytes, answers: bool) -> bytes | None:
        """What is left of this piece when the connection is cut in it; None: it goes through whole."""
        if self._mode == "truncate" and answers:
            pair.stained = True
            return data[: len(data) // 2]
        if self._mode == "commit-lost" and answers and COMMITTED in data:
            pair.stained = True
            return b""
        return None


def order(port: int, words: str) -> str:
    """One command to a control port."""
    with socket.create_connection((LOOPBACK, port), 5) as connection:
        connection.sendall(words.encode() + b"\n")
        return connection.makefile().readline().strip()


__all__: Sequence[str] = ["MODES", "Proxy", "order"]
