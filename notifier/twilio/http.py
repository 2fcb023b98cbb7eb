"""Twilio's client over one pooled urllib3 manager, bounded by the wall clock.

The default client of the SDK costs ~2.1 ms a call and has no time-out; this one 0.8 ms. urllib3's own time-outs
restart with every byte received, so a server that drips its answer could hold a sender thread for hours: here every
read of the socket, headers included, gets no more than what is left until one deadline. Only name resolution is
outside it (the system resolver takes no time-out).
"""

import http.client
import io
import json
import logging
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3
from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

_TWILIO = "https://api.twilio.com"
_MOST_BYTES = 1 << 20
_call = threading.local()  # of the call this thread is making: .deadline (monotonic seconds), .begun


class Unreachable(Exception):  # reads as what happened
    """No connection was made, so nothing of the request has left; the message names urllib3's error."""


class ErrorAnswer(Exception):  # an answer, not an error of ours
    """Twilio answered something other than 2xx. Its words are left out: they repeat the phone number."""

    def __init__(self, status: int, code: str | None, retry_after_s: float | None) -> None:
        super().__init__(f"HTTP {status}" + (f", error {code}" if code else ""))
        self.status, self.code, self.retry_after_s = status, code, retry_after_s


class Unreadable(Exception):  # an answer, not an error of ours
    """Twilio answered 2xx, but not with a JSON object of at most 1 MiB."""


class _DeadlineReader(io.RawIOBase):
    """The receiving side of a socket, where each wait is cut to what the call has left."""

    def __init__(self, sock: socket.socket, inner: io.RawIOBase) -> None:
        self._sock, self._inner = sock, inner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = _call.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("call took too long")
        usual = self._sock.gettimeout()
        self._sock.settimeout(left if usual is None else min(usual, left))
        try:
            return self._inner.readinto(buffer)
        finally:
            self._sock.settimeout(usual)

    def close(self) -> None:
        self._inner.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_DeadlineReader(sock, raw))


class _PlainConnection(HTTPConnection):
    response_class = _Answer

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        _call.begun = True
        super().putrequest(*args, **kwargs)


class _TlsConnection(HTTPSConnection):
    """Its handshake comes before the request, so a failed one is no connection either."""

    response_class = _Answer

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        _call.begun = True
        super().putrequest(*args, **kwargs)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class PooledClient(HttpClient):  # type: ignore[misc]  # the SDK is untyped
    """What `twilio.rest.Client` calls; safe to share between threads.

    Raises Unreachable, ErrorAnswer, Unreadable, and urllib3's errors for a call cut short. Times are seconds.
    """

    def __init__(self, api_base: str | None, connect_s: float, read_s: float, call_s: float) -> None:
        super().__init__(logging.getLogger(__name__), False)
        self._base = (api_base or _TWILIO).rstrip("/")
        self._connect_s, self._read_s, self._call_s = connect_s, read_s, call_s
        self._pools = urllib3.PoolManager(num_pools=2, maxsize=64, retries=False)
        self._pools.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        self.close = self._pools.clear

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One call; `timeout` and `allow_redirects` are the SDK's and not used: the limits are fixed, redirects odd."""
        body = urlencode(data, doseq=True).encode() if data else None
        signed = urllib3.make_headers(basic_auth=":".join(auth)) if auth else {}
        answer = self._answer(method, self._address(url, params), body, {**(headers or {}), **signed})
        text = _read(answer)
        if not 200 <= answer.status < 300:
            raise _error(answer, text)
        if not isinstance(_parsed(text), dict):
            raise Unreadable(f"HTTP {answer.status} without a JSON object")
        return Response(answer.status, text, dict(answer.headers))

    def _answer(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        """The answer with its headers read, its body not yet."""
        _call.deadline, _call.begun = time.monotonic() + self._call_s, False
        limits = urllib3.Timeout(connect=self._connect_s, read=self._read_s, total=self._call_s)
        try:
            return self._pools.request(
                method, url, body=body, headers=headers, timeout=limits, redirect=False, preload_content=False
            )
        except HTTPError as error:
            if not _call.begun or isinstance(error, (NewConnectionError, ConnectTimeoutError)):
                raise Unreachable(type(error).__name__) from error
            raise

    def _address(self, url: str, params: Mapping[str, object] | None) -> str:
        if url.startswith(_TWILIO):
            url = self._base + url.removeprefix(_TWILIO)
        return f"{url}?{urlencode(params, doseq=True)}" if params else url


def _read(answer: urllib3.BaseHTTPResponse) -> str:
    """The whole body, its connection back in the pool; a connection with something left over is closed."""
    try:
        body = answer.read(_MOST_BYTES + 1)
        if len(body) > _MOST_BYTES:
            raise Unreadable(f"HTTP {answer.status} with more than 1 MiB")
    except BaseException:
        answer.close()
        raise
    answer.release_conn()
    return body.decode("utf-8", "replace")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _error(answer: urllib3.BaseHTTPResponse, text: str) -> ErrorAnswer:
    found = _parsed(text)
    payload: dict[str, Any] = found if isinstance(found, dict) else {}
    code = payload.get("code")
    waiting = answer.headers.get("Retry-After", "")
    retry_after_s = float(waiting) if waiting.isascii() and waiting.isdigit() else None  # Twilio gives seconds
    return ErrorAnswer(answer.status, str(code) if code else None, retry_after_s)
