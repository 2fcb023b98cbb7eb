"""The only reader of the environment. A wrong or missing setting stops the process, named, with an example."""

from __future__ import annotations

import base64
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import make_url

from ledger.store.crypto import Keys
from services import kept_secrets, shapes

_ENV_FILE = ".env"
_KEY_EXAMPLE = "k1:" + base64.b64encode(bytes(32)).decode()
_FOR_TESTS = "expected STOPLINE_TWILIO_API_BASE of a double beside it, for example http://127.0.0.1:24010"
_SENDER = "a number in E.164, a short code, or a name of up to 11 characters with a letter"


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
        path = self._given.get(f"{name}_FILE")
        try:
            return (Path(path).read_text().strip() if path else None), name, False
        except OSError as error:
            raise BadSettings([_said(field, f"cannot read {path}: {error.strerror}", "_FILE")]) from None
        except UnicodeDecodeError:
            raise BadSettings([_said(field, f"{path} is no text", "_FILE")]) from None

    def __call__(self) -> dict[str, Any]:
        self._given = {**dotenv_values(_ENV_FILE), **os.environ}
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {name: value for value, name, _ in found if value is not None}


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=_ENV_FILE, extra="ignore", populate_by_name=True)

    database_url: str = _setting(
        "STOPLINE_DATABASE_URL", "sqlite:///var/stopline.db", "an SQLAlchemy URL",
        "postgresql+psycopg://stopline@db/stopline")  # fmt: skip
    broker_url: str = _setting(
        "STOPLINE_BROKER_URL", "ledger://", "ledger:// or amqp URLs, ;-separated for a cluster",
        "amqp://stopline:…@rabbit:5672//")  # fmt: skip
    public_url: str = _setting(
        "STOPLINE_PUBLIC_URL", "http://127.0.0.1:8110", "http(s)://host[:port]", "https://stop.example.cn")  # fmt: skip
    secret_key: str = _setting("STOPLINE_SECRET_KEY", "", "at least 32 characters of chance", "openssl rand -hex 32")
    data_keys: str = _setting("STOPLINE_DATA_KEYS", "", "id:base64(32 bytes), the one that writes first", _KEY_EXAMPLE)
    index_key: str = _setting("STOPLINE_INDEX_KEY", "", "base64 of 32 bytes", "openssl rand -base64 32")
    trusted_proxies: str = _setting(
        "STOPLINE_TRUSTED_PROXIES", "", "addresses or networks, comma-separated", "10.0.0.5,10.1.0.0/16")  # fmt: skip
    channel: Literal["simulator", "twilio"] = _setting(
        "STOPLINE_CHANNEL", "simulator", "simulator or twilio", "twilio")  # fmt: skip
    twilio_account_sid: str = _setting("TWILIO_ACCOUNT_SID", "", "AC and 32 hex digits", "AC" + "0" * 32)
    twilio_auth_token: str = _setting("TWILIO_AUTH_TOKEN", "", "the account's auth token", "32 hex digits")
    twilio_from: str = _setting("TWILIO_FROM", "", _SENDER, "+15550009999")
    twilio_from_urgent: str = _setting("TWILIO_FROM_URGENT", "", _SENDER, "+15550009998")
    twilio_voice_from: str = _setting("TWILIO_VOICE_FROM", "", "a number that may call, E.164", "+15550009997")
    twilio_messaging_service_sid: str = _setting(
        "TWILIO_MESSAGING_SERVICE_SID", "", "MG and 32 hex digits", "MG" + "0" * 32)  # fmt: skip
    twilio_api_base: str = _setting("STOPLINE_TWILIO_API_BASE", "", "http(s)://host[:port]", "http://127.0.0.1:24010")
    sms_wording: Literal["auto", "detailed", "neutral"] = _setting(
        "STOPLINE_SMS_WORDING", "auto", "auto, detailed or neutral", "auto")  # fmt: skip
    sms_signature: str = _setting("STOPLINE_SMS_SIGNATURE", "示例大学", "at most 9 characters", "示例大学反诈")
    school_name: str = _setting("STOPLINE_SCHOOL_NAME", "示例大学", "the school's name", "示例大学")
    state_dir: str = _setting(
        "STOPLINE_STATE_DIR", "", "a folder; else beside the SQLite database, or var", "/var/lib/stopline")  # fmt: skip
    timezone: str = _setting("STOPLINE_TIMEZONE", "Asia/Shanghai", "an IANA time zone", "Asia/Shanghai")
    sender_threads: int = _setting("STOPLINE_SENDER_THREADS", 32, "1 to 64", "32")
    door_rings: Literal["on", "off"] = _setting("STOPLINE_DOOR_RINGS", "on", "on or off", "off")
    unverified_burst: str = _setting("STOPLINE_UNVERIFIED_BURST", "5/600", "reports/seconds, or off", "5/600")
    number_budget: str = _setting("STOPLINE_NUMBER_BUDGET", "auto", "auto, off or texts a day", "auto")
    retention_days: int = _setting(
        "STOPLINE_RETENTION_DAYS", 1095, "0 (never), or 180 days and more", "1095")  # fmt: skip
    heartbeat_url: str = _setting(
        "STOPLINE_HEARTBEAT_URL", "", "an address that a monitor watches", "https://up.example.cn/x")  # fmt: skip
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

    @field_validator(*shapes.OF)
    @classmethod
    def _shaped(cls, value: Any, info: ValidationInfo) -> Any:
        return shapes.OF[info.field_name or ""](value)

    @model_validator(mode="after")
    def _together(self) -> Settings:
        lacks: list[str] = []
        if self.channel == "twilio":
            for name in ("twilio_account_sid", "twilio_auth_token"):
                lacks += _needed(self, name, "the twilio channel needs it")
            if not self.twilio_messaging_service_sid:
                lacks += _needed(self, "twilio_from", "the twilio channel needs it or TWILIO_MESSAGING_SERVICE_SID")
        host = urlsplit(self.twilio_api_base).hostname or "twilio.com"
        if self.channel == "twilio" and ("." + host).endswith(".twilio.com"):
            for name in ("test_clock", "failpoint"):
                if getattr(self, name):
                    lacks.append(f"{_alias(name)}: refused with the real provider; {_FOR_TESTS}")
        for name in () if self.embedded else kept_secrets.NAMES:
            lacks += _needed(self, name, "compulsory with a broker")
        if lacks:
            raise ValueError("\n".join(lacks))
        return self


def _needed(settings: Settings, name: str, why: str) -> list[str]:
    return [] if getattr(settings, name) else [_said(Settings.model_fields[name], why)]


def _said(field: FieldInfo, why: str, suffix: str = "") -> str:
    """One line for the operator; never with the value in it."""
    return f"{field.validation_alias}{suffix}: {why}; expected {field.description}, for example {field.examples[0]}"  # type: ignore[index]


def _alias(field: str) -> str:
    return str(Settings.model_fields[field].validation_alias)


def load(**overrides: Any) -> Settings:
    """Read and check the settings; raises BadSettings with one line for each fault. Secrets are never in it."""
    if os.environ.get("FLASK_DEBUG", "").lower() not in ("", "0", "false", "no"):
        raise BadSettings(["FLASK_DEBUG: refused, it shows the inside to everybody; expected no such variable"])
    try:
        settings = Settings(**overrides)
        if settings.embedded:
            settings = _with_kept_secrets(settings, overrides)
        _check_keys(settings)
    except ValidationError as error:
        raise BadSettings([line for item in error.errors() for line in _line(item).splitlines()]) from None
    except OSError as error:
        raise BadSettings([f"cannot read or write {error.filename}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise BadSettings([f"{_ENV_FILE}: not UTF-8"]) from None
    return settings


def no_settings() -> dict[str, list[str]]:
    """Names that stand in the environment as if they were settings of ours, and what each may have been meant for."""
    known = [str(field.validation_alias) for field in Settings.model_fields.values()]
    known += [f"{name}_FILE" for name in known]
    given = {name for name in (*dotenv_values(_ENV_FILE), *os.environ) if name.startswith("STOPLINE_")}
    return {name: get_close_matches(name, known, 1, 0.8) for name in sorted(given.difference(known))}


def _line(item: Any) -> str:
    name = str(item["loc"][0]) if item["loc"] else ""
    if not name:
        return str(item["msg"]).removeprefix("Value error, ")
    said = "not known" if item["type"] == "literal_error" else str(item["msg"]).removeprefix("Value error, ")
    fields = (f for key, f in Settings.model_fields.items() if name in (key, str(f.validation_alias)))
    return next((_said(field, said) for field in fields), f"{name}: {said}")


def _check_keys(settings: Settings) -> None:
    fields = Settings.model_fields
    zero = base64.b64encode(bytes(32)).decode()
    try:
        _ = settings.keys
    except ValueError:
        shapes = f"expected {_KEY_EXAMPLE} and base64 of 32 bytes"
        raise BadSettings([f"STOPLINE_DATA_KEYS or STOPLINE_INDEX_KEY: not well formed; {shapes}"]) from None
    for name in ("data_keys", "index_key"):
        if zero in getattr(settings, name):
            raise BadSettings([_said(fields[name], "this is the example, which everybody knows")])
    if len(settings.secret_key) < 32:
        raise BadSettings([_said(fields["secret_key"], "too short")])


def state_dir(settings: Settings) -> Path:
    """Where a process keeps files of its own (made secrets, the anchors): beside the SQLite database, else `var`."""
    if settings.state_dir:
        return Path(settings.state_dir).resolve()
    url = make_url(settings.database_url)
    beside = url.drivername == "sqlite" and url.database and url.database != ":memory:"
    return Path(str(url.database)).resolve().parent if beside else Path("var").resolve()


def make_state_dir(settings: Settings) -> None:
    folder = state_dir(settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettings([f"STOPLINE_STATE_DIR: cannot make the folder {folder}: {error.strerror}"]) from None


def _with_kept_secrets(settings: Settings, overrides: dict[str, Any]) -> Settings:
    """Embedded: what is not set is made once and kept beside the ledger, readable by its owner only."""
    missing = [name for name in kept_secrets.NAMES if not getattr(settings, name)]
    if not missing:
        return settings
    url = make_url(settings.database_url)
    ledger = Path(str(url.database)) if url.drivername == "sqlite" and url.database else None
    try:
        kept = kept_secrets.load(state_dir(settings) / "secrets.json", ledger)
    except ValueError as error:
        raise BadSettings([str(error)]) from None
    return Settings(**(overrides | {name: kept[name] for name in missing}))
