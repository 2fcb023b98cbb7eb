"""A provider's double that is cheap enough to measure beside: Twilio's call for a new text, in one asyncio process.

python -m bench.double PORT

POST …/Messages.json     201 after the service time; the text is noted with the moment its last byte was read
GET  /texts              [[seconds of the monotonic clock, to, body], …]
GET  /await?n=N          answers as soon as N texts have come, or after 60 s; {"n": texts so far}
POST /reset?service_ms=M forgets all texts
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

LONGEST_WAIT_S = 60.0


class Double:
    def __init__(self) -> None:
        self.texts: list[tuple[float, str, str]] = []
        self.service_s = 0.0
        self.more = asyncio.Condition()

    async def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if method == "POST" and parts.path.endswith("/Messages.json"):
            return await self._take(parts.path.split("/")[3], body)
        if parts.path == "/texts":
            return 200, self.texts
        if parts.path == "/await":
            with suppress(TimeoutError):
                await asyncio.wait_for(self._reached(int(query["n"])), LONGEST_WAIT_S)
            return 200, {"n": len(self.texts)}
        if parts.path == "/reset":
            self.texts, self.service_s = [], float(query.get("service_ms", 0)) / 1000
            return 200, {}
        return 404, {"code": 20404, "message": "not here", "status": 404}

    async def _take(self, account: str, body: bytes) -> tuple[int, Any]:
        at, form = time.monotonic(), dict(parse_qsl(body.decode()))
        self.texts.append((at, form["To"], form["Body"]))
        number = len(self.texts)
        async with self.more:
            self.more.notify_all()
        if self.service_s:
            await asyncio.sleep(self.service_s)
        dated = "Wed, 25 Nov 2026 00:00:00 +0000"
        return 201, {"sid": f"SM{number:032x}", "account_sid": account, "to": form["To"], "body": form["Body"],
                     "status": "queued", "direction": "outbound-api", "error_code": None, "error_message": None,
                     "date_created": dated, "date_updated": dated, "date_sent": None}  # fmt: skip

    async def _reached(self, count: int) -> None:
        async with self.more:
            await self.more.wait_for(lambda: len(self.texts) >= count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
                method, target, _ = first.split(" ", 2)
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                status, said = await self.answer(method, target, body)
                content = json.dumps(said).encode()
                head = (
                    f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
                )
                writer.write(head.encode() + content)
                await writer.drain()
        writer.close()


async def main(port: int) -> None:
    server = await asyncio.start_server(Double().serve, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
