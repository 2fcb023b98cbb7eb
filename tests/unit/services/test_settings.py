"""Settings: what is wrong stops the process with a line that names it, its shape and an example, and no secret."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from services.settings import BadSettings, Settings, load, make_state_dir, state_dir

SECRET = "hunter2-hunter2-hunter2-hunter2-hunter2"
KEY = base64.b64encode(bytes(range(32))).decode()
KEYS = {"STOPLINE_SECRET_KEY": SECRET, "STOPLINE_DATA_KEYS": f"k1:{KEY}"}
KEYS["STOPLINE_INDEX_KEY"] = base64.b64encode(bytes(range(32, 64))).decode()
BROKER = {"STOPLINE_BROKER_URL": "amqp://stopline:x@rabbit:5672//"}
TWILIO = {"STOPLINE_CHANNEL": "twilio", "TWILIO_ACCOUNT_SID": "AC" + "1" * 32, "TWILIO_AUTH_TOKEN": SECRET,
          "TWILIO_FROM": "+15550009999"}  # fmt: skip


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder and an environment without settings."""
    for name in os.environ:
        if name.startswith(("STOPLINE_", "TWILIO_", "FLASK_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def loaded(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load()


def refused(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> str:
    with pytest.raises(BadSettings) as caught:
        loaded(monkeypatch, environment)
    assert caught.value.code == 2
    said = str(caught.value)
    assert "hunter2" not in said and "Traceback" not in said
    return said


@pytest.mark.parametrize("name, value", [
    ("STOPLINE_DATABASE_URL", "nonsense"),
    ("STOPLINE_DATABASE_URL", ""),
    ("STOPLINE_PUBLIC_URL", ""),
    ("STOPLINE_DATABASE_URL", "sqlite://"),
    ("STOPLINE_DATABASE_URL", "sqlite:///:memory:"),
    ("STOPLINE_DATABASE_URL", "mysql://u:hunter2@db/x"),
    ("STOPLINE_DATABASE_URL", "postgresql+psycopg://u:hunter2/x@db:hunter2/x"),
    ("STOPLINE_BROKER_URL", ""),
    ("STOPLINE_BROKER_URL", "redis://x"),
    ("STOPLINE_BROKER_URL", "ledger://;amqp://a:hunter2@rabbit"),
    ("STOPLINE_BROKER_URL", "amqp://a:hunter2@rabbit;ledger://"),
    ("STOPLINE_BROKER_URL", "amqp://a:hunter2@rabbit;"),
    ("STOPLINE_BROKER_URL", "amqp://"),
    ("STOPLINE_BROKER_URL", "amqp://a:b@rabbit:hunter2"),
    ("STOPLINE_BROKER_URL", "amqp://guest:guest@rabbit"),
    ("STOPLINE_BROKER_URL", "amqp://rabbit"),
    ("STOPLINE_BROKER_URL", "amqp://a:b@one;amqps://guest:x@two"),
    ("STOPLINE_PUBLIC_URL", "stop.example.cn"),
    ("STOPLINE_PUBLIC_URL", "ftp://stop.example.cn"),
    ("STOPLINE_PUBLIC_URL", "https://"),
    ("STOPLINE_PUBLIC_URL", "https://x:y"),
    ("STOPLINE_PUBLIC_URL", "https://x?a=b"),
    ("STOPLINE_PUBLIC_URL", "https://www.example.cn/stop"),
    ("STOPLINE_RETENTION_DAYS", "3"),
    ("STOPLINE_RETENTION_DAYS", "-1"),
    ("STOPLINE_RETENTION_DAYS", "three years"),
    ("STOPLINE_HEARTBEAT_URL", "up.example.cn/x"),
    ("STOPLINE_HEARTBEAT_URL", "https://"),
    ("STOPLINE_TWILIO_API_BASE", "127.0.0.1:24010"),
    ("STOPLINE_TRUSTED_PROXIES", "everybody"),
    ("STOPLINE_TRUSTED_PROXIES", "*"),
    ("STOPLINE_TRUSTED_PROXIES", "10.0.0.1/8"),
    ("STOPLINE_TRUSTED_PROXIES", "10.0.0.1, ten"),
    ("STOPLINE_CHANNEL", "pigeon"),
    ("STOPLINE_SMS_WORDING", "loud"),
    ("STOPLINE_SMS_SIGNATURE", "一二三四五六七八九十"),
    ("STOPLINE_SMS_SIGNATURE", ""),
    ("STOPLINE_TIMEZONE", "Mars/Olympus"),
    ("STOPLINE_TIMEZONE", "../../etc/passwd"),
    ("STOPLINE_TIMEZONE", ""),
    ("STOPLINE_SENDER_THREADS", "many"),
    ("STOPLINE_SENDER_THREADS", "0"),
    ("STOPLINE_SENDER_THREADS", "65"),
    ("STOPLINE_SCHOOL_NAME", ""),
    ("STOPLINE_SCHOOL_NAME", " "),
    ("TWILIO_ACCOUNT_SID", "AChunter2"),
    ("TWILIO_ACCOUNT_SID", "AC" + "g" * 32),
    ("TWILIO_ACCOUNT_SID", "SK" + "1" * 32),
    ("TWILIO_MESSAGING_SERVICE_SID", "MG" + "1" * 31),
    ("TWILIO_MESSAGING_SERVICE_SID", "AC" + "1" * 32),
    ("TWILIO_FROM", "15550009999"),
    ("TWILIO_FROM", "+1 555 000 9999"),
    ("TWILIO_FROM", "+155500099o"),
    ("TWILIO_FROM", "+"),
    ("TWILIO_FROM", "12"),
    ("TWILIO_FROM", "hunter2hunter2"),
    ("TWILIO_FROM", "示例大学"),
    ("TWILIO_FROM_URGENT", "+0155500099"),
    ("TWILIO_VOICE_FROM", "95566"),
    ("TWILIO_VOICE_FROM", "hunter2"),
])  # fmt: skip
def test_a_wrong_value_is_named_with_its_shape_and_an_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    said = refused(monkeypatch, KEYS | {name: value})
    field = next(f for f in Settings.model_fields.values() if f.validation_alias == name)
    assert re.fullmatch(re.escape(name) + r": .+; expected .+, for example .+", said)
    assert str(field.description) in said and (field.examples or [""])[0] in said


@pytest.mark.parametrize("name, value", [
    ("STOPLINE_SECRET_KEY", "hunter2"),
    ("STOPLINE_SECRET_KEY", "openssl rand -hex 32"),
    ("STOPLINE_DATA_KEYS", "hunter2"),
    ("STOPLINE_DATA_KEYS", "k1:hunter2"),
    ("STOPLINE_DATA_KEYS", f"k1:{KEY},"),
    ("STOPLINE_DATA_KEYS", "k1:" + base64.b64encode(bytes(31)).decode()),
    ("STOPLINE_DATA_KEYS", "k1:" + base64.b64encode(bytes(32)).decode()),
    ("STOPLINE_DATA_KEYS", f"k2:{KEY},k1:" + base64.b64encode(bytes(32)).decode()),
    ("STOPLINE_INDEX_KEY", "hunter2"),
    ("STOPLINE_INDEX_KEY", "密钥"),
    ("STOPLINE_INDEX_KEY", base64.b64encode(bytes(16)).decode()),
    ("STOPLINE_INDEX_KEY", base64.b64encode(bytes(32)).decode()),
])  # fmt: skip
def test_a_weak_key_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    said = refused(monkeypatch, KEYS | BROKER | {name: value})
    assert name in said and "expected" in said


@pytest.mark.parametrize("missing", KEYS)
def test_with_a_broker_every_key_is_compulsory(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    said = refused(monkeypatch, {name: value for name, value in (KEYS | BROKER).items() if name != missing})
    assert said.startswith(f"{missing}: compulsory") and "for example" in said


@pytest.mark.parametrize("missing", ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"])
def test_twilio_needs_its_three(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    said = refused(monkeypatch, KEYS | {name: value for name, value in TWILIO.items() if name != missing})
    assert said.startswith(f"{missing}: ") and "for example" in said


def test_all_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(monkeypatch, {"STOPLINE_CHANNEL": "twilio", **BROKER})
    names = [line.partition(":")[0] for line in said.splitlines()]
    twilio = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"]
    assert names == [*twilio, "STOPLINE_SECRET_KEY", "STOPLINE_DATA_KEYS", "STOPLINE_INDEX_KEY"]


def test_a_messaging_service_stands_for_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    service = {"TWILIO_FROM": "", "TWILIO_MESSAGING_SERVICE_SID": "MG" + "1" * 32}
    assert loaded(monkeypatch, KEYS | TWILIO | service).twilio_messaging_service_sid


@pytest.mark.parametrize("sender", ["+8613800000001", "95566", "Stopline", "CAMPUS 110"])
def test_who_sends_is_a_number_a_short_code_or_a_name(monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
    found = loaded(monkeypatch, KEYS | TWILIO | {"TWILIO_FROM": sender, "TWILIO_FROM_URGENT": sender})
    assert (found.twilio_from, found.twilio_from_urgent) == (sender, sender)


def test_several_faults_are_several_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(monkeypatch, {"STOPLINE_CHANNEL": "x", "STOPLINE_TIMEZONE": "x", "STOPLINE_PUBLIC_URL": "x"})
    assert sorted(line.split(":")[0] for line in said.splitlines()) == [
        "STOPLINE_CHANNEL", "STOPLINE_PUBLIC_URL", "STOPLINE_TIMEZONE",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["STOPLINE_TEST_CLOCK", "STOPLINE_FAILPOINT"])
@pytest.mark.parametrize("base", ["", "https://api.twilio.com", "https://api.dublin.ie1.TWILIO.com/"])
def test_what_is_for_tests_only_is_refused_with_the_real_provider(
    monkeypatch: pytest.MonkeyPatch, name: str, base: str
) -> None:
    said = refused(monkeypatch, KEYS | TWILIO | {name: "/tmp/x", "STOPLINE_TWILIO_API_BASE": base})
    assert re.fullmatch(f"{name}: refused .+; expected .+, for example .+", said)
    monkeypatch.setenv("STOPLINE_TWILIO_API_BASE", "http://127.0.0.1:24010")
    assert load().twilio_api_base == "http://127.0.0.1:24010"


@pytest.mark.parametrize("value", ["1", "true", "on"])
def test_debugging_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert refused(monkeypatch, {"FLASK_DEBUG": value}).startswith("FLASK_DEBUG: refused")


@pytest.mark.parametrize("url", ["amqp://guest:guest@127.0.0.1:5672//", "amqp://localhost", "amqp://[::1]:5672",
                                 "amqp://s:p%40ss@a:5672//;amqps://s:x@b/v"])  # fmt: skip
def test_brokers(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    settings = loaded(monkeypatch, KEYS | {"STOPLINE_BROKER_URL": url})
    assert not settings.embedded and settings.brokers == url.split(";")


def test_the_public_address_has_no_slash_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        loaded(monkeypatch, {"STOPLINE_PUBLIC_URL": "https://stop.example.cn/"}).public_url == "https://stop.example.cn"
    )


# Files


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in KEYS.items():
        (tmp_path / name).write_text(f"{value}\n")
    settings = loaded(monkeypatch, BROKER | {f"{name}_FILE": str(tmp_path / name) for name in KEYS})
    assert (settings.secret_key, settings.index_key) == (SECRET, KEYS["STOPLINE_INDEX_KEY"])
    monkeypatch.setenv("STOPLINE_SECRET_KEY", "x" * 40)
    assert load().secret_key == "x" * 40  # what is said outright counts


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b""])
def test_a_secret_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    environment = {**KEYS, **BROKER, "STOPLINE_SECRET_KEY_FILE": str(tmp_path / "secret")}
    said = refused(monkeypatch, {name: value for name, value in environment.items() if name != "STOPLINE_SECRET_KEY"})
    assert said.startswith("STOPLINE_SECRET_KEY" + (":" if content == b"" else "_FILE:"))


def test_a_file_beside_the_process_may_hold_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET)
    (tmp_path / ".env").write_text(
        f"STOPLINE_SCHOOL_NAME=测试大学\nSTOPLINE_SECRET_KEY_FILE={tmp_path / 'key'}\nOTHER=1\n"
    )
    settings = load()
    assert (settings.school_name, settings.secret_key) == ("测试大学", SECRET)
    assert loaded(monkeypatch, {"STOPLINE_SCHOOL_NAME": "示例大学"}).school_name == "示例大学"
    (tmp_path / ".env").write_bytes(b"STOPLINE_SCHOOL_NAME=\xff\xfe")
    monkeypatch.delenv("STOPLINE_SCHOOL_NAME")
    assert ".env" in refused(monkeypatch, {})


# Secrets that are made


def test_made_secrets_are_kept_for_their_owner_only_and_stay_the_same(tmp_path: Path) -> None:
    first, second = load(), load()
    file = tmp_path / "var" / "secrets.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [p.name for p in file.parent.iterdir()] == ["secrets.json"]
    assert (first.secret_key, first.data_keys, first.index_key) == (
        second.secret_key,
        second.data_keys,
        second.index_key,
    )
    assert len(first.secret_key) == 64 and first.keys


def test_what_is_set_is_not_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = loaded(monkeypatch, {"STOPLINE_SECRET_KEY": SECRET})
    kept = json.loads((tmp_path / "var" / "secrets.json").read_text())
    assert (settings.secret_key, settings.data_keys) == (SECRET, kept["data_keys"])


def test_all_that_is_set_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loaded(monkeypatch, KEYS)
    assert not (tmp_path / "var").exists()


def test_two_installations_have_keys_of_different_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """So that a ledger which meets another's keys says which key it misses."""
    names = {
        loaded(monkeypatch, {"STOPLINE_STATE_DIR": str(tmp_path / place)}).data_keys.split(":")[0] for place in "ab"
    }
    assert len(names) == 2


def test_a_ledger_without_its_secrets_is_not_given_new_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    load()
    (tmp_path / "var" / "stopline.db").write_bytes(b"SQLite format 3\x00")
    (tmp_path / "var" / "secrets.json").unlink()
    assert "secrets.json: missing" in refused(monkeypatch, {})
    assert not (tmp_path / "var" / "secrets.json").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"secret_key": 1}', "\xff"])
def test_a_broken_file_of_secrets_is_named_and_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secrets.json").write_text(content, encoding="latin-1")
    assert "secrets.json: not what was written" in refused(monkeypatch, {})
    assert (tmp_path / "var" / "secrets.json").read_text(encoding="latin-1") == content


def test_a_state_folder_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = loaded(monkeypatch, KEYS | {"STOPLINE_STATE_DIR": str(tmp_path / "file")})
    with pytest.raises(BadSettings, match=f"STOPLINE_STATE_DIR: cannot make the folder {tmp_path / 'file'}"):
        make_state_dir(settings)


def test_a_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    assert str(tmp_path / "var") in refused(monkeypatch, {})


def test_files_of_ones_own_lie_beside_the_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    beside = loaded(monkeypatch, KEYS | {"STOPLINE_DATABASE_URL": f"sqlite:///{tmp_path / 'deep' / 'x.db'}"})
    assert state_dir(beside) == tmp_path / "deep"
    monkeypatch.setenv("STOPLINE_DATABASE_URL", "postgresql+psycopg://stopline@db/stopline")
    assert state_dir(load()) == tmp_path / "var"
    monkeypatch.setenv("STOPLINE_STATE_DIR", "here")
    assert state_dir(load()) == tmp_path / "here"


def test_the_process_ends_with_status_2_and_one_line(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3]), "STOPLINE_BROKER_URL": "x"}
    done = subprocess.run([sys.executable, "-m", "services.cli", "db", "current"], cwd=tmp_path, env=environment,
                          capture_output=True, text=True)  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("STOPLINE_BROKER_URL: ") and "for example amqp://" in line


@pytest.mark.parametrize("url", ["https://up.example.cn/api/push/x?status=up&msg=OK", "http://up.example.cn/x/"])
def test_a_monitor_s_address_is_called_as_it_is(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert loaded(monkeypatch, {"STOPLINE_HEARTBEAT_URL": url}).heartbeat_url == url
