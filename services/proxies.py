"""Whose word on the client's address is taken: X-Forwarded-For counts only as far as the proxies that we trust."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
Networks = tuple[IPv4Network | IPv6Network, ...]
_FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST",
              "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX", "HTTP_X_FORWARDED_BY")  # fmt: skip


def networks(text: str) -> Networks:
    """From `10.0.0.5, 10.1.0.0/16`. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


class TrustedProxies:
    """WSGI: REMOTE_ADDR becomes the last address that no trusted proxy has; forged headers reach nobody."""

    def __init__(self, app: Application, trusted: Networks) -> None:
        self._app, self._trusted = app, trusted

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        said = {name: environ.pop(name, "") for name in _FORWARDED}
        if self._trusts(environ.get("REMOTE_ADDR", "")):
            environ["REMOTE_ADDR"] = self._client(environ["REMOTE_ADDR"], said["HTTP_X_FORWARDED_FOR"])
            if said["HTTP_X_FORWARDED_PROTO"] in ("http", "https"):
                environ["wsgi.url_scheme"] = said["HTTP_X_FORWARDED_PROTO"]
        return self._app(environ, start_response)

    def _client(self, peer: str, forwarded: str) -> str:
        hops = [hop.strip() for hop in forwarded.split(",")]
        while hops and self._trusts(peer) and _is_address(hops[-1]):
            peer = hops.pop()
        return peer

    def _trusts(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in network for network in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
