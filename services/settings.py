"""The only reader of the environment. A wrong or missing setting stops the process, named, with an example."""

from __future__ import annotations

import base64
import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from ledger.crypto import Keys

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_KEY_EXAMPLE = "k1:" + base64.b64encode(bytes(32)).decode()


class BadSettings(SystemExit):
    """Printed as it is; exit status 2."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(2)
        self.lines = lines

    def __str__(self) -> str:
        return "\n".join(self.lines)


def _setting(name: str, default: Any, shape: str, example: str) -> Any:
    return Field(default, validation_alias=name, description=shape, examples=[example])


class _SecretFiles(PydanticBaseSettingsSource):
    """`NAME_FILE` holds the path of a file whose content is the setting (Docker and systemd hand out secrets so)."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = str(field.validation_alias)
        path = os.environ.get(f"{name}_FILE")
        return (Path(path).read_text().strip() if path else None), name, False

    def __call__(self) -> dict[str, Any]:
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {name: value for value, name, _ in found if value is not None}


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", populate_by_name=True)

    database_url: str = _setting(
        "STOPLINE_DATABASE_URL", "sqlite:///var/stopline.db", "an SQLAlchemy URL",
        "postgresql+psycopg://stopline@db/stopline")  # fmt: skip
    broker_url: str = _setting(
        "STOPLINE_BROKER_URL", "ledger://", "ledger:// or amqp URLs, ;-separated for a cluster",
        "amqp://stopline:…@rabbit:5672//")  # fmt: skip
    public_url: str = _setting(
        "STOPLINE_PUBLIC_URL", "http://127.0.0.1:8110", "http(s)://host[:port]", "https://stop.example.cn")  # fmt: skip
    secret_key: str = _setting("STOPLINE_SECRET_KEY", "", "at least 32 characters of chance", "openssl rand -hex 32")
    data_keys: str = _setting("STOPLINE_DATA_KEYS", "", "id:base64(32 bytes), newest first", _KEY_EXAMPLE)
    index_key: str = _setting("STOPLINE_INDEX_KEY", "", "base64 of 32 bytes", "openssl rand -base64 32")
    trusted_proxies: str = _setting(
        "STOPLINE_TRUSTED_PROXIES", "", "the proxy's address, or * where only it can connect", "10.0.0.5")  # fmt: skip
    channel: Literal["simulator", "twilio"] = _setting(
        "STOPLINE_CHANNEL", "simulator", "simulator or twilio", "twilio")  # fmt: skip
    twilio_account_sid: str = _setting("TWILIO_ACCOUNT_SID", "", "AC and 32 hex digits", "AC" + "0" * 32)
    twilio_auth_token: str = _setting("TWILIO_AUTH_TOKEN", "", "the account's auth token", "32 hex digits")
    twilio_from: str = _setting("TWILIO_FROM", "", "a sender number, E.164", "+15550009999")
    twilio_from_urgent: str = _setting("TWILIO_FROM_URGENT", "", "a sender number, E.164", "+15550009998")
    twilio_messaging_service_sid: str = _setting(
        "TWILIO_MESSAGING_SERVICE_SID", "", "MG and 32 hex digits", "MG" + "0" * 32)  # fmt: skip
    twilio_api_base: str = _setting("STOPLINE_TWILIO_API_BASE", "", "http(s)://host[:port]", "http://127.0.0.1:24010")
    sms_wording: Literal["auto", "detailed", "neutral"] = _setting(
        "STOPLINE_SMS_WORDING", "auto", "auto, detailed or neutral", "auto")  # fmt: skip
    sms_signature: str = _setting("STOPLINE_SMS_SIGNATURE", "示例大学", "at most 9 characters", "示例大学反诈")
    school_name: str = _setting("STOPLINE_SCHOOL_NAME", "示例大学", "the school's name", "示例大学")
    state_dir: str = _setting(
        "STOPLINE_STATE_DIR", "", "a folder; by default beside the SQLite database, else var", "/var/lib/stopline")  # fmt: skip
    timezone: str = _setting("STOPLINE_TIMEZONE", "Asia/Shanghai", "an IANA time zone", "Asia/Shanghai")
    sender_threads: int = _setting("STOPLINE_SENDER_THREADS", 32, "1 to 64", "32")
    test_clock: str = _setting("STOPLINE_TEST_CLOCK", "", "a file with seconds to run ahead (tests only)", "/tmp/clock")  # noqa: S108
    failpoint: str = _setting("STOPLINE_FAILPOINT", "", "a fail-point's name (tests only)", "before-ack@police")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _SecretFiles(settings_cls), dotenv_settings

    @property
    def embedded(self) -> bool:
        return self.broker_url == "ledger://"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def keys(self) -> Keys:
        return Keys.parse(self.data_keys, self.index_key)

    @property
    def brokers(self) -> list[str]:
        return self.broker_url.split(";")

    @property
    def https(self) -> bool:
        return self.public_url.startswith("https://")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        try:
            kind = make_url(value).drivername
        except ArgumentError as error:
            raise ValueError("not a URL") from error
        if kind not in ("sqlite", "postgresql+psycopg"):
            raise ValueError("neither sqlite:/// nor postgresql+psycopg://")
        return value

    @field_validator("broker_url")
    @classmethod
    def _known_broker(cls, value: str) -> str:
        if value != "ledger://" and not all(part.startswith(("amqp://", "amqps://")) for part in value.split(";")):
            raise ValueError("neither ledger:// nor amqp URLs")
        return value

    @field_validator("public_url", "twilio_api_base")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("not an http address")
        return value.rstrip("/")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("no such time zone") from error
        return value

    @field_validator("sms_signature")
    @classmethod
    def _short_signature(cls, value: str) -> str:
        if not 1 <= len(value) <= 9:
            raise ValueError("1 to 9 characters: with its brackets it takes 11 of a text's 70 units")
        return value

    @field_validator("sender_threads")
    @classmethod
    def _some_threads(cls, value: int) -> int:
        if not 1 <= value <= 64:
            raise ValueError("out of range")
        return value

    @model_validator(mode="after")
    def _together(self) -> Settings:
        if self.channel == "twilio":
            for name in ("twilio_account_sid", "twilio_auth_token"):
                _need(self, name, "the twilio channel needs it")
            if not self.twilio_messaging_service_sid:
                _need(self, "twilio_from", "the twilio channel needs it or TWILIO_MESSAGING_SERVICE_SID")
        if self.test_clock and self.channel == "twilio" and not self.twilio_api_base:
            raise ValueError("STOPLINE_TEST_CLOCK: refused with the real provider; set STOPLINE_TWILIO_API_BASE")
        for name in () if self.embedded and self.secret_key == "" else ("secret_key", "data_keys", "index_key"):
            _need(self, name, "compulsory with a broker")
        return self


def _need(settings: Settings, name: str, why: str) -> None:
    if not getattr(settings, name):
        raise ValueError(f"{_alias(name)}: {why}")


def _alias(field: str) -> str:
    return str(Settings.model_fields[field].validation_alias)


def load(**overrides: Any) -> Settings:
    """Read and check the settings; raises BadSettings with one line for each fault. Secrets are never in it."""
    try:
        settings = Settings(**overrides)
        if settings.embedded:
            settings = _with_kept_secrets(settings, overrides)
        _check_keys(settings)
    except ValidationError as error:
        raise BadSettings([_line(item) for item in error.errors()]) from None
    except OSError as error:
        raise BadSettings([f"cannot read {error.filename}: {error.strerror}"]) from None
    return settings


def _line(item: Any) -> str:
    name = str(item["loc"][0]) if item["loc"] else ""
    if not name:
        return str(item["msg"]).removeprefix("Value error, ")
    field = next((f for key, f in Settings.model_fields.items() if name in (key, str(f.validation_alias))), None)
    said = str(item["msg"]).removeprefix("Value error, ")
    shape = f"; expected {field.description}, for example {(field.examples or [''])[0]}" if field else ""
    return f"{name}: {said}{shape}"


def _check_keys(settings: Settings) -> None:
    try:
        _ = settings.keys
    except ValueError:
        shapes = f"expected {_KEY_EXAMPLE} and base64 of 32 bytes"
        raise BadSettings([f"STOPLINE_DATA_KEYS or STOPLINE_INDEX_KEY: not well formed; {shapes}"]) from None
    if len(settings.secret_key) < 32:
        raise BadSettings(
            ["STOPLINE_SECRET_KEY: too short; expected 32 characters or more, from: openssl rand -hex 32"]
        )


def state_dir(settings: Settings) -> Path:
    """Where a process keeps files of its own (made secrets, the anchors): beside the SQLite database, else `var`."""
    if settings.state_dir:
        return Path(settings.state_dir).resolve()
    url = make_url(settings.database_url)
    beside = url.drivername == "sqlite" and url.database and url.database != ":memory:"
    return Path(str(url.database)).resolve().parent if beside else Path("var").resolve()


def _with_kept_secrets(settings: Settings, overrides: dict[str, Any]) -> Settings:
    """Embedded: what is not set is made once and kept beside the ledger, readable by its owner only."""
    names = ("secret_key", "data_keys", "index_key")
    missing = [name for name in names if not getattr(settings, name)]
    if not missing:
        return settings
    file = state_dir(settings) / "secrets.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        made = {
            "secret_key": secrets.token_hex(32),
            "data_keys": "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
            "index_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        _write_once(file, json.dumps(made))
    kept = json.loads(file.read_text())
    return Settings(**(overrides | {name: kept[name] for name in missing}))


def _write_once(file: Path, content: str) -> None:
    """Durable before it is used: a ledger whose keys were lost in a crash could never be read again."""
    draft = file.with_suffix(f".{os.getpid()}.tmp")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR), "w") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, file)  # two processes may start at once: the first one's secrets stay
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    folder = os.open(file.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
