"""Our styles and scripts: kept by a browser as long as they are the same, and sent compressed.

A page asks for each with a mark of its content, so that a new release is a new address and nothing else asks again on
a bad network. Pages are not compressed: their length would tell of the secrets in them (BREACH).
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

KEPT = "public, max-age=31536000, immutable"
SMALLEST = 500  # bytes; below that a frame of the network is not saved
TEXT = ("text/css", "text/javascript", "application/javascript")


class _Sessions(SecureCookieSessionInterface):
    """Anybody may keep these files, a cache on the way as well: no session is renewed with one, and none matters."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not _ours(request.endpoint):
            super().save_session(app, session, response)


def install(app: Flask) -> None:
    app.session_interface = _Sessions()

    def path(endpoint: str | None, filename: str) -> Path:
        return Path(app.blueprints[(endpoint or "").rpartition(".")[0]].static_folder or "", filename)

    @app.url_defaults
    def mark(endpoint: str, values: dict[str, Any]) -> None:
        if _ours(endpoint):
            values["v"] = _mark(path(endpoint, values["filename"]))

    @app.after_request
    def send(response: Response) -> Response:
        # Other methods are answered without a look whether there is such a file.
        if not _ours(request.endpoint) or response.status_code != 200 or request.method not in ("GET", "HEAD"):
            return response
        file = path(request.endpoint, (request.view_args or {})["filename"])
        if request.args.get("v") == _mark(file):
            response.headers["Cache-Control"] = KEPT
        if response.mimetype in TEXT and file.stat().st_size >= SMALLEST:
            response.vary.add("Accept-Encoding")
            if request.accept_encodings["gzip"]:
                _compress(response, file)
        return response


def _ours(endpoint: str | None) -> bool:
    return (endpoint or "").endswith(".static")


def _compress(response: Response, file: Path) -> None:
    response.close()  # the open file: a copy in memory goes instead of it
    response.direct_passthrough = False
    response.set_data(_compressed(file))
    response.headers["Content-Encoding"] = "gzip"
    response.set_etag(response.get_etag()[0] or "", weak=True)  # the same file, but not the same bytes


@cache
def _mark(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


@cache
def _compressed(file: Path) -> bytes:
    return gzip.compress(file.read_bytes(), mtime=0)
