"""docker-compose.yml without Docker: it fits the schema, and each of its commands runs as a plain process."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml

from notifier.twilio.client import TwilioChannel
from services.sender import SETTLE_PATIENCE_S
from tests.private_services import PostgreSQL, RabbitMQ, free_port

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return parsed


def test_it_fits_the_compose_schema() -> None:
    check = [
        str(Path(sys.executable).parent / "check-jsonschema"),
        "--builtin-schema",
        "vendor.compose-spec",
        str(FILE),
    ]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_service_of_ours_is_checked_confined_and_holds_no_secret(compose: dict[str, Any]) -> None:
    ours = {name: service for name, service in compose["services"].items() if service["image"].startswith("stopline")}
    assert set(ours) == {"migrate", "web", "worker", "clock", "twilio"}
    for name, service in ours.items():
        assert service["user"] == "stopline", name
        assert not [key for key in service.get("environment", {}) if key.endswith(("_KEY", "_KEYS", "_TOKEN"))], name
    for name in ("db", "rabbit", "web", "worker", "clock"):
        assert "healthcheck" in compose["services"][name], name
    used = {secret if isinstance(secret, str) else secret["source"]
            for service in compose["services"].values() for secret in service.get("secrets", [])}  # fmt: skip
    assert used == set(compose["secrets"])


def test_what_is_in_hand_has_time_to_end(compose: dict[str, Any]) -> None:
    for name in ("web", "worker", "clock"):
        grace_s = int(compose["services"][name]["stop_grace_period"].removesuffix("s"))
        assert grace_s > signature(TwilioChannel).parameters["call_s"].default + SETTLE_PATIENCE_S, name


def test_make_secrets_writes_every_file_that_compose_hands_out(compose: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts" / "make-secrets.sh"
    script.write_text((ROOT / "scripts" / "make-secrets.sh").read_text())
    for _ in range(2):  # a second run keeps what is there
        subprocess.run(["bash", script], check=True, capture_output=True)
        made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
        assert set(made) == set(compose["secrets"])
    assert made["database_password"] in made["database_url"]


@pytest.fixture(scope="module")
def installation(
    compose: dict[str, Any],
    rabbitmq: RabbitMQ,
    durable_postgresql: PostgreSQL,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator["Composed"]:
    running = Composed(compose, rabbitmq.url, durable_postgresql.new_database(), tmp_path_factory.mktemp("compose"))
    yield running
    running.stop()


class Composed:
    """Compose's services as processes: other hosts and ports, the same commands and settings."""

    def __init__(self, compose: dict[str, Any], broker: str, database: str, folder: Path) -> None:
        self.services, self.folder = compose["services"], folder
        self.web, self.twilio = free_port(), free_port()
        (folder / "scripts").mkdir()
        script = folder / "scripts" / "make-secrets.sh"
        script.write_text((ROOT / "scripts" / "make-secrets.sh").read_text())
        subprocess.run(["bash", script], check=True, capture_output=True)
        for name, value in (("database_url", database), ("broker_url", broker)):
            (folder / "secrets" / name).chmod(0o600)
            (folder / "secrets" / name).write_text(value)
        self.running: list[subprocess.Popen[str]] = []

    def here(self, value: str) -> str:
        """A value of the file as it is on this machine."""
        for there, here in (
            ("/run/secrets", str(self.folder / "secrets")),
            ("http://twilio:24010", f"http://127.0.0.1:{self.twilio}"),
            ("24010", str(self.twilio)),
            ("http://web:8110", f"http://127.0.0.1:{self.web}"),
            ("8110", str(self.web)),
            ("0.0.0.0", "127.0.0.1"),
        ):
            value = value.replace(there, here)
        return value

    def command(self, name: str) -> tuple[list[str], dict[str, str]]:
        service = self.services[name]
        env = {key: value for key, value in os.environ.items() if not key.startswith(("STOPLINE_", "TWILIO_"))}
        for key, value in service.get("environment", {}).items():
            default = value.split("-", 1)[1].removeprefix("-").removesuffix("}") if value.startswith("${") else value
            env[key] = self.here(default.removeprefix("-"))
        env |= {"STOPLINE_STATE_DIR": str(self.folder / name), "TMPDIR": str(self.folder), "PYTHONPATH": str(ROOT)}
        entry = service.get("entrypoint", ["python", "-m", "services.cli"])
        return [sys.executable, *entry[1:], *(self.here(str(word)) for word in service["command"])], env

    def start(self, name: str) -> str:
        """Start a service; its first line on stdout."""
        command, env = self.command(name)
        log = (self.folder / f"{name}.log").open("w")
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        log.close()
        self.running.append(process)
        assert process.stdout
        line = process.stdout.readline()
        assert line, f"{name} did not start: {(self.folder / f'{name}.log').read_text()[-2000:]}"
        return line

    def stop(self) -> None:
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            process.wait(10)
            if process.stdout:
                process.stdout.close()


def test_its_commands_bring_up_a_service_that_passes_a_drill(installation: Composed) -> None:
    migrate = installation.start("migrate")
    assert "revision" in migrate
    command, env = installation.command("web")
    stopline = [*command[:3]]
    subprocess.run([*stopline, "roster", "demo"], env=env, cwd=ROOT, check=True, capture_output=True)
    for name in ("twilio", "web", "worker", "clock"):
        assert installation.start(name).startswith("ready")
    drilled = subprocess.run([*stopline, "drill"], env=env, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert drilled.returncode == 0, drilled.stdout + drilled.stderr
    check = installation.services["web"]["healthcheck"]["test"]
    health = installation.here(check[3])
    subprocess.run([sys.executable, "-c", health], check=True)
    alive = installation.services["worker"]["healthcheck"]["test"][1].replace("/tmp", str(installation.folder))
    subprocess.run(["bash", "-c", alive], check=True)
    with urllib.request.urlopen(f"http://127.0.0.1:{installation.web}/readyz", timeout=5) as answer:
        assert json.load(answer)["status"] == "ok"
