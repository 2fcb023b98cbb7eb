"""What every answer carries, what the machines' pages say, and what an error keeps to itself."""

from __future__ import annotations

import gzip
import html
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from ledger.store.unit_of_work import Ledger
from services.proxies import TrustedProxies, networks
from services.web import build_app
from services.worker import run_open
from tests.behaviour.door_tools import FORM, a_client, ledger_away, shared_world, spool_full, spool_unreadable
from tests.behaviour.stories import read_all
from tests.world import World, csrf

PAGES = ("/", "/r/none", "/login", "/duty", "/nothing", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs",
         "/api/v1/reports/none", "/static/intake/intake.css", "/static/desk/desk.css",
         "/static/docs/start.js")  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


def rebuilt(world: World, **settings: Any) -> Flask:
    """The same ledger behind an application with other settings."""
    kept = world.parts.settings
    world.parts.settings = kept.model_copy(update=settings)
    try:
        return build_app(world.parts)
    finally:
        world.parts.settings = kept


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("public", ["http://stopline.test", "https://stop.example.cn"])
def test_every_answer_carries_the_headers(door: World, path: str, public: str) -> None:
    with rebuilt(door, public_url=public).test_client().get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
        assert ("unsafe" in policy) == (path == "/docs") and "unsafe-eval" not in policy
        assert "script-src 'self';" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert ("Strict-Transport-Security" in answer.headers) == public.startswith("https")
        assert (answer.headers["Cache-Control"] == "no-store") == ("/static/" not in path)
        assert "Server" not in answer.headers or "/" not in answer.headers["Server"]


@pytest.mark.parametrize("path", ["/", "/r/none", "/login", "/nothing", "/docs", "/duty", "/desk/followups"])
def test_no_page_has_code_or_style_of_its_own(door: World, path: str) -> None:
    """The policy would stop it, and the page would be broken."""
    pages = [door.client.get(path), door.user(f"inline{path}", "admin").get(path)]
    for page in pages:
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", page.text), path
        for address in re.findall(r'(?:src|href|action)="([^"]*)"', page.text):
            assert address.startswith(("/", "#", "?", "tel:", "data:,")) and not address.startswith("//"), address


def test_its_own_files_are_all_there(door: World) -> None:
    for page in ("/", "/login", "/docs"):
        for address in re.findall(r'(?:src|href)="(/static/[^"]*)"', door.client.get(page).text):
            assert ("?v=" in address) == (page != "/docs")
            with door.client.get(address) as file:
                assert file.status_code == 200, address


def test_its_own_files_are_asked_for_once_and_sent_compressed(door: World) -> None:
    address = html.unescape(re.findall(r'href="(/static/[^"]*css[^"]*)"', door.client.get("/").text)[0])
    with door.client.get(address) as plain, door.client.get(address, headers={"Accept-Encoding": "gzip"}) as small:
        assert gzip.decompress(small.data) == plain.data and len(small.data) < len(plain.data) / 2
        assert "Content-Encoding" not in plain.headers and small.headers["Content-Encoding"] == "gzip"
        for file in (plain, small):
            assert "immutable" in file.headers["Cache-Control"] and file.headers["Vary"] == "Accept-Encoding"
            with door.client.get(address, headers={"If-None-Match": file.headers["ETag"]}) as again:
                assert again.status_code == 304


def test_a_file_carries_no_cookie_of_whoever_is_signed_in(door: World) -> None:
    staff = door.user("keeps", "admin")
    with staff.get("/static/desk/desk.css") as file:
        assert "Set-Cookie" not in file.headers and "Cookie" not in file.headers["Vary"].split(", ")


def test_a_file_of_another_release_is_asked_for_again(door: World) -> None:
    """A page that was open while the service was renewed gets what there is now, and does not keep it."""
    with door.client.get("/static/intake/intake.css?v=0123456789ab") as file:
        assert file.status_code == 200 and file.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/login", "/r/none", "/api/v1/reports/none"])
def test_no_page_is_compressed(door: World, path: str) -> None:
    """The length of a compressed page tells of the secrets in it."""
    assert "Content-Encoding" not in door.client.get(path, headers={"Accept-Encoding": "gzip"}).headers


def test_other_methods_for_a_file_that_is_not_there_break_nothing(door: World) -> None:
    assert door.client.options("/static/desk/no-such-file.css").status_code == 200
    assert door.client.post("/static/desk/no-such-file.css").status_code == 405
    with door.client.head("/static/desk/desk.css") as answer:
        assert answer.status_code == 200 and answer.data == b""


OTHER_FILES = ("intake/../reading.py", "intake/%2e%2e/reading.py", "docs/..%2fhealth.py", "intake//etc/passwd",
               "intake/", "docs/%00")  # fmt: skip


@pytest.mark.parametrize("path", OTHER_FILES)
def test_no_other_file_is_served(door: World, path: str) -> None:
    with door.client.get(f"/static/{path}", follow_redirects=True) as answer:
        assert answer.status_code == 404


# Errors


def test_an_error_page_says_nothing_of_the_inside_and_a_log_line_no_message(
    door: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("SELECT phone FROM cases -- 13800000001")

    monkeypatch.setattr(Ledger, "begin", fail)
    monkeypatch.setattr(Ledger, "read", fail)
    for method, path in (("POST", "/report"), ("GET", "/r/x"), ("GET", "/metrics"), ("GET", "/readyz")):
        for language, words in (("zh", "系统出错"), ("en", "Something went wrong")):
            with capture_logs() as logs:
                answer = door.client.open(
                    f"{path}?lang={language}", method=method, data=FORM if method == "POST" else {}
                )
            assert answer.status_code == 500, path
            inside = ("SELECT", "Traceback", "RuntimeError", "13800000001", ".py")
            assert not any(word in answer.text for word in inside), path
            if answer.mimetype == "text/html":
                assert words in answer.text and "tel:110" in answer.text
            assert [entry["event"] for entry in logs] == ["request_failed"]
            assert "13800000001" not in str(logs)
    door.client.delete_cookie("lang")


@pytest.mark.parametrize("language, words", [("zh", "没有这个页面"), ("en", "There is no such page")])
def test_a_page_that_is_not_there(door: World, language: str, words: str) -> None:
    answer = a_client(door).get(f"/no/such?lang={language}")
    assert answer.status_code == 404 and words in answer.text and "tel:110" in answer.text


@pytest.mark.parametrize(
    "method, path, allowed",
    [("GET", "/report", "POST"), ("POST", "/", "GET"), ("PUT", "/login", "POST"), ("DELETE", "/duty", "GET")],
)
def test_a_page_by_another_method(door: World, method: str, path: str, allowed: str) -> None:
    answer = door.client.open(path, method=method)
    assert answer.status_code in (405, 400)  # 400: an unsafe one without its CSRF token
    if answer.status_code == 405:
        assert allowed in answer.headers["Allow"] and answer.mimetype == "text/html"


# The machines' pages


def test_alive_and_ready(door: World) -> None:
    assert door.client.get("/healthz").get_json() == {"status": "ok"}
    ready = door.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.get_json().keys() >= {"status", "degraded", "oldest_unsent_alert_s"}
    assert ready.get_json()["degraded"] == []


def test_ready_names_what_is_degraded_and_is_503_only_when_no_report_can_be_taken(world: World) -> None:
    report = world.report()
    run_open(world.parts.ledger, world.handlers)  # they have decided whom to ring; nobody has sent it yet
    world.clock.advance(30)
    said = world.client.get("/readyz")
    assert said.status_code == 200 and "alerts" in said.get_json()["degraded"]
    assert said.get_json()["oldest_unsent_alert_s"] >= 30
    with ledger_away(world):
        gone = world.client.get("/readyz")
        assert (gone.status_code, gone.get_json()["degraded"]) == (200, ["ledger"])  # the spool takes it
        with spool_full(world):
            gone = world.client.get("/readyz")
            assert (gone.status_code, gone.get_json()["status"]) == (503, "unavailable")
        assert world.client.get("/healthz").status_code == 200
        assert "stopline_ledger_up 0" in world.client.get("/metrics").text
    for phone in ("officer", "counselor", "student"):
        world.phones[phone].expects(report.code)
    assert world.client.get("/readyz").get_json()["degraded"] == []


def test_a_door_whose_spool_cannot_be_read_is_ready_while_the_ledger_takes_reports(world: World) -> None:
    """A balancer would take away the only door, while it answers every report."""
    with spool_unreadable(world):
        report = world.report()
        ready = world.client.get("/readyz")
        assert (ready.status_code, ready.get_json()["degraded"]) == (200, ["spool"])
        metrics = world.client.get("/metrics").text
        assert "stopline_ledger_up 1" in metrics and "stopline_spooled NaN" in metrics
        assert world.client.get(f"/r/{report.token}").status_code == 200
        with ledger_away(world):
            ready = world.client.get("/readyz")
            assert (ready.status_code, world.client.post("/report", data=FORM).status_code) == (503, 503)
    read_all(world)
    assert world.degraded() == []


def test_no_link_is_denied_while_nobody_can_tell_what_is_in_the_spool(world: World) -> None:
    """Its report may wait there: whoever holds it is told to try again and to call 110, not that there is none."""
    with ledger_away(world):
        token = world.report().token
    with spool_unreadable(world):
        for path in (f"/r/{token}", f"/api/v1/reports/{token}"):
            assert world.client.get(path).status_code == 503
    assert world.client.get(f"/r/{token}").status_code == 200
    assert world.client.get("/r/nonsense").status_code == 404
    world.pump()
    read_all(world)


def test_the_metrics_can_be_read_and_name_nobody(door: World) -> None:
    door.report(name="独一无二", payee_name="某某某")
    answer = door.client.get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert {"stopline_open_work", "stopline_open_alarms", "stopline_oldest_unsent_alert_seconds"} <= families.keys()
    assert families["stopline_open_work"].samples[0].value >= 1
    assert answer.text.isascii() and not re.search(r"\d{8}", answer.text)


def test_the_description_is_openapi_and_true_to_the_routes(door: World) -> None:
    document = door.client.get("/openapi.json").get_json()
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"].keys() >= {"title", "version"}
    for path, operations in document["paths"].items():
        rule = path.replace("{", "<").replace("}", ">")
        methods = {m for r in door.client.application.url_map.iter_rules() if r.rule == rule for m in r.methods or ()}
        assert {name.upper() for name in operations} <= methods
        for operation in operations.values():
            assert operation["operationId"] and operation["responses"]
            assert all(re.fullmatch(r"[1-5]\d\d", code) for code in operation["responses"])
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (value["$ref"],) if "$ref" in value else ()
        for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from references(child)

    for reference in references(document):
        assert reference.rpartition("/")[2] in document["components"]["schemas"]


# Addresses


def asked(app: Flask, peer: str, forwarded: str | None = None, proto: str = "", **headers: str) -> tuple[str, str]:
    given = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": proto, **headers}
    answer = app.test_client().get(
        "/_asked",
        headers={name: value for name, value in given.items() if value},
        environ_overrides={"REMOTE_ADDR": peer},
    )
    address, scheme = answer.text.split()
    return address, scheme


@pytest.mark.parametrize("trusted, peer, forwarded, believed", [
    ("", "127.0.0.1", "6.6.6.6", "127.0.0.1"),
    ("", "9.9.9.9", "6.6.6.6", "9.9.9.9"),
    ("10.0.0.5", "9.9.9.9", "6.6.6.6", "9.9.9.9"),
    ("10.0.0.5", "10.0.0.5", "6.6.6.6", "6.6.6.6"),
    ("10.0.0.5", "10.0.0.5", "1.1.1.1, 6.6.6.6", "6.6.6.6"),
    ("10.0.0.5,10.1.0.0/16", "10.0.0.5", "1.1.1.1, 6.6.6.6, 10.1.2.3", "6.6.6.6"),
    ("10.0.0.5", "10.0.0.5", "1.1.1.1, 6.6.6.6, 10.1.2.3", "10.1.2.3"),
    ("10.0.0.5", "10.0.0.5", "nonsense", "10.0.0.5"),
    ("10.0.0.5", "10.0.0.5", "6.6.6.6, <script>", "10.0.0.5"),
    ("10.0.0.5", "10.0.0.5", None, "10.0.0.5"),
    ("10.0.0.5", "10.0.0.5", ",,,", "10.0.0.5"),
    ("0.0.0.0/0", "10.0.0.5", "1.1.1.1", "1.1.1.1"),
    ("fd00::/8", "fd00::1", "2001:db8::7", "2001:db8::7"),
    ("10.0.0.5", "::1", "6.6.6.6", "::1"),
    ("10.0.0.5", "", "6.6.6.6", ""),
])  # fmt: skip
def test_only_trusted_proxies_are_believed(trusted: str, peer: str, forwarded: str | None, believed: str) -> None:
    app = Flask("asked")
    app.wsgi_app = TrustedProxies(app.wsgi_app, networks(trusted))  # type: ignore[method-assign]

    @app.get("/_asked")
    def _asked() -> Response:
        forged = [name for name in request.headers if str(name[0]).startswith(("X-Forwarded", "Forwarded"))]
        assert not forged
        return Response(f"{request.remote_addr or '-'} {request.scheme}")

    address, scheme = asked(app, peer, forwarded, "https", Forwarded="for=6.6.6.6", **{"X-Forwarded-Host": "evil"})
    assert address == (believed or "-")
    assert scheme == ("https" if peer and peer != "::1" and believed != "9.9.9.9" and trusted else "http")


def test_the_application_believes_nobody_by_itself(door: World) -> None:
    for trusted, believed in (("", "10.0.0.5"), ("10.0.0.5", "6.6.6.6")):
        app = rebuilt(door, trusted_proxies=trusted)
        app.add_url_rule("/_asked", view_func=lambda: f"{request.remote_addr} {request.host.split(':')[0]}")
        host = app.test_client().get("/_asked", headers={"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil"},
                                     environ_overrides={"REMOTE_ADDR": "10.0.0.5"})  # fmt: skip
        assert host.text == f"{believed} localhost"


# The simulated phones


def test_simulated_phones_are_there_only_with_the_simulator_and_answer_with_a_token(world: World) -> None:
    assert world.client.get("/simulator").status_code == 404
    report = world.report()
    for name in ("officer", "counselor", "student"):
        world.phones[name].expects(report.code)
    client: FlaskClient = rebuilt(world, channel="simulator").test_client()
    page = client.get("/simulator")
    assert page.status_code == 200 and report.code in page.text
    form = {"phone": world.phones["officer"].number, "body": report.code}
    assert client.post("/simulator/reply", data=form).status_code == 400
    assert report.state("police") == "alerted"
    for nonsense in ({}, {"phone": "x"}, {"phone": form["phone"], "body": " "}, {"phone": "\x00", "body": "x"}):
        token = csrf(client, "/simulator")
        assert client.post("/simulator/reply", data={**nonsense, "csrf_token": token}).status_code == 303
    assert client.post("/simulator/reply", data={**form, "csrf_token": csrf(client, "/simulator")}).status_code == 303
    assert report.state("police") == "acknowledged"
    world.phones["officer"].expects("由您接单")


def test_a_raw_byte_in_the_query_of_any_page_is_no_reason_to_fail(door: World) -> None:
    for path in ("/", "/login", "/duty", "/r/x", "/nowhere", "/openapi.json"):
        answer = door.client.get(path, environ_overrides={"QUERY_STRING": "lang=\xff&code=\xfe"})
        assert answer.status_code < 500, path


HOSTS = (
    "",
    "a" * 64,
    "a..b",
    ".",
    "\xff",
    "电诈",
    "a b",
    "<x>",
    "x:99999999",
    "[::1",
    "[" + "1" * 400 + "]",
    "x." * 200,
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_is_none_is_no_reason_to_fail(door: World, host: str) -> None:
    """Nor to write the address of a status page, which is a secret, into the log."""
    environ = {"HTTP_HOST": host.encode().decode("latin-1")}
    for path, status in (("/", 200), ("/r/none", 404), ("/api/v1/reports/none", 404), ("/nowhere", 404)):
        assert door.client.get(path, environ_overrides=environ).status_code == status
