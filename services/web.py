"""The web application: both doors on one Flask app, with what every answer has to carry."""

from __future__ import annotations

import errno
import json
import re
import resource
import socket
import traceback
from datetime import timedelta
from typing import Any

import structlog
from flask import Flask, Response, g, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask
from waitress.wasyncore import dispatcher
from werkzeug.exceptions import HTTPException

import desk.app
import desk.lost
import intake.app
import intake.lost
from intake.doors import MAX_BODY, Door, Provider, problem
from ledger.errors import KeyMissing, LedgerAway, NotFound, Tampered, TooMany
from ledger.store.unit_of_work import Ledger
from notifier.simulator.channel import SimulatorChannel
from notifier.twilio import voice, webhook
from services import drill, health, own_files
from services.compose import Parts
from services.proxies import TrustedProxies, networks
from services.settings import BadSettings, Settings

log = structlog.get_logger()
THREADS = 16
MAX_CONNECTIONS = 2000  # beyond them new ones wait until others end
OWN_FILES = 500  # descriptors that ledger, broker and provider may need besides
MAX_READ = 16 * MAX_BODY  # what the server reads of a body that is refused, so that the client hears why
_HOST = re.compile(r"(?:[\w-]{1,63}(?:\.[\w-]{1,63}){0,9}\.?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)
_MACHINES = ("api", "webhooks", "drill", "openapi.json", "healthz", "readyz", "metrics")
_OF_A_CASE = ("/duty/", "/desk/followups/", "/desk/care/", "/desk/ledger/")
_DETAILS = {
    404: "There is no such address. 没有这个地址。",
    405: "This address takes another method. 这个地址不接受此方法。",
    413: "At most 1 MiB; nothing was stored. 内容超过 1 MiB，未保存。",
}
_BROKEN = "Something went wrong; call 110. 系统出错，请先拨打110。"
_UNREADABLE = (
    "This record cannot be opened any more, now or later; call 110. 这份记录打不开，再试也没有用，请先拨打110。"
)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# The vendored page of the API's description sets style attributes; it shows nothing of anybody.
_DOCS_POLICY = _POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


def build_app(parts: Parts) -> Flask:
    settings, ledger = parts.settings, parts.ledger
    app = Flask("stopline", static_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_BODY,
        SESSION_COOKIE_NAME="__Host-session" if settings.https else "session",
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: an officer's page may stay open for a shift
        WTF_CSRF_SSL_STRICT=False,  # it wants a Referer, which our own Referrer-Policy forbids browsers to send
        TEMPLATES_AUTO_RELOAD=False,
    )
    inner = PlainRequest(app.wsgi_app)
    app.wsgi_app = TrustedProxies(inner, networks(settings.trusted_proxies))  # type: ignore[method-assign]
    provider, drills = _provider(settings), drill.token_holds(settings)
    door = Door(
        ledger, parts.spooler, settings.public_url, settings.school_name, provider, drills, settings.door_rings == "on"
    )
    csrf = CSRFProtect(app)
    for bp in intake.app.blueprints(door):
        app.register_blueprint(bp)
        csrf.exempt(bp)  # no account stands behind these routes; callbacks are signed
    network = parts.channel if settings.embedded and isinstance(parts.channel, SimulatorChannel) else None
    simulated = settings.channel == "simulator"
    for bp in desk.app.blueprints(ledger, settings.public_url, simulated=simulated, network=network):
        app.register_blueprint(bp)
    desk.app.install(app, ledger, settings.school_name)
    for bp in health.blueprints(parts):
        app.register_blueprint(bp)
        csrf.exempt(bp)
    _answers(app, settings, ledger)
    own_files.install(app)
    return app


def _provider(settings: Settings) -> Provider:
    def verify(url: str, form: Any, signature: str | None) -> bool:
        # Without a token (the simulator) no signature can be right.
        return bool(settings.twilio_auth_token) and webhook.verify(settings.twilio_auth_token, url, form, signature)

    return Provider(verify, webhook.parse_status, webhook.parse_message, voice.parse, voice.answer)


class PlainRequest:
    """What no browser sends, and the framework stumbles over before any view is asked, made plain.

    A raw byte in a query string becomes its escape; a host that is none is forgotten (nothing of ours believes it).
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        query = environ.get("QUERY_STRING", "")
        environ["QUERY_STRING"] = "".join(c if c.isascii() else f"%{ord(c) & 0xFF:02X}" for c in query)
        if not _HOST.fullmatch(environ.get("HTTP_HOST", "")[:300]):
            environ.pop("HTTP_HOST", None)
        return self._app(environ, start_response)


def _answers(app: Flask, settings: Settings, ledger: Ledger) -> None:
    @app.after_request
    def headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _DOCS_POLICY if request.path == "/docs" else _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"  # the status link is a secret
        if settings.https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if not (request.endpoint or "").endswith("static"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def wants_json() -> bool:
        return request.path.split("/")[1] in _MACHINES or request.path.endswith(".json")

    @app.errorhandler(LedgerAway)
    def away(error: LedgerAway) -> Any:
        log.warning("ledger_away", path=request.url_rule.rule if request.url_rule else "", error=str(error))
        if wants_json():
            return problem(503, "Try again", "Nothing was stored; call 110 and try again. 未保存，请拨打110后再试。")
        return _page(503), 503, {"Retry-After": "2"}

    @app.errorhandler(TooMany)
    def wait(error: TooMany) -> Any:
        return _page(429), 429, {"Retry-After": str(error.wait_s)}

    @app.errorhandler(NotFound)
    def missing(_error: NotFound) -> Any:
        return (problem(404, "Not Found", _DETAILS[404]) if wants_json() else _page(404)), 404

    @app.errorhandler(CSRFError)
    def stale(_error: CSRFError) -> Any:
        return _page(400, "stale"), 400

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Any:
        status = error.code or 500
        if wants_json():
            answer = problem(status, error.name, _DETAILS.get(status, error.name))
            answer.headers.extend([(k, v) for k, v in error.get_headers() if k.lower() == "allow"])
            return answer
        return _page(status), status, [(k, v) for k, v in error.get_headers() if k.lower() == "allow"]

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Any:
        if isinstance(error, KeyMissing | Tampered) and (lost := _lost(ledger)):
            log.error("record_unopened", path=request.url_rule.rule if request.url_rule else "",
                      error=type(error).__name__)  # fmt: skip
            return (problem(410, "Gone", _UNREADABLE) if wants_json() else lost), 410
        # Where it was, but not its message: a driver's can hold what somebody typed.
        at = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-6:]]
        log.error("request_failed", path=request.url_rule.rule if request.url_rule else "", error=type(error).__name__,
                  at=at)  # fmt: skip
        unreadable = isinstance(error, KeyMissing | Tampered)
        if wants_json():
            return problem(500, "Internal error", _UNREADABLE if unreadable else _BROKEN)
        return _page(500, "unreadable" if unreadable else ""), 500

    def _page(status: int, why: str = "") -> str:
        english = request.args.get("lang", request.cookies.get("lang")) == "en"
        g.lang = "en" if english else "zh"
        return render_template("intake/error.html", status=status, why=why, lang=g.lang, school=settings.school_name,
                               t=lambda zh, en: en if english else zh)  # fmt: skip


def _lost(ledger: Ledger) -> str | None:
    """What is said on a page of a case that cannot be opened; None on any other page."""
    if request.path.startswith("/r/"):
        return intake.lost.page()
    of_a_case = request.path.startswith(_OF_A_CASE) and "code" in (request.view_args or {})
    return desk.lost.page(ledger) if of_a_case else None


class _Refusal(ErrorTask):  # type: ignore[misc]
    """What the server refuses before the application sees it: a body beyond all measure, a broken head."""

    def execute(self) -> None:
        error = self.request.error
        said = f"{error.reason}. Call 110; nothing was stored. 请先拨打110，未保存。"
        body, kind = said, "text/plain; charset=utf-8"
        if self.request.path.startswith("/api/"):
            body, kind = json.dumps({"type": "about:blank", "title": error.reason, "status": error.code, "detail": said,
                                     "errors": []}), "application/problem+json"  # fmt: skip
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", kind), ("Cache-Control", "no-store"), ("Connection", "close")]
        self.set_close_on_finish()
        self.content_length = len(body.encode())
        self.write(body.encode())


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _Refusal


def refuse_taken(host: str, port: int) -> None:
    """For who starts others before the door: raises BadSettings where somebody else listens there, or we may not.

    Whatever else is wrong with the address is the server's to say, which knows more kinds of them.
    """
    try:
        for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(address)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise _cannot_listen(host, port, error.strerror or "") from None


def _cannot_listen(host: str, port: int, why: str) -> BadSettings:
    return BadSettings([f"cannot listen on {host}:{port}: {why}; choose another with --port or --host"])


class WebServer:
    """Waitress in a thread of its own: slow clients cost it a socket, not a thread."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        try:
            # select(), its default, fails for good at descriptor 1024: a thousand idle clients would end the process.
            self._server = create_server(app, host=host, port=port, threads=THREADS, ident="stopline",
                                         channel_timeout=60, max_request_body_size=MAX_READ, asyncore_use_poll=True,
                                         connection_limit=_connections(),
                                         clear_untrusted_proxy_headers=False)  # fmt: skip
        except OSError as error:
            raise _cannot_listen(host, port, error.strerror or "") from None
        except ValueError:  # what waitress makes of a name that nobody knows
            raise _cannot_listen(host, port, "no such host") from None
        self._server.channel_class = _Channel
        self.port: int = self._server.effective_port

    def run(self) -> None:
        self._server.run()

    def close(self) -> None:
        """Take no new request, finish those in hand."""
        # Only the listening socket: an answer in hand still wakes the loop through the trigger, to be sent.
        dispatcher.close(self._server)
        self._server.task_dispatcher.shutdown(cancel_pending=False, timeout=10)
        self._server.trigger.close()


def _connections() -> int:
    """How many clients are taken at a time, after raising the process's limit of open files as far as that needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return min(MAX_CONNECTIONS, max(soft - OWN_FILES, soft // 2))
    return MAX_CONNECTIONS
