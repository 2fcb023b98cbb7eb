"""What keeps personal data unreadable in the database: a key per row, a ring that wraps them, a blind index.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; the associated data is `table:row:column`, so a ciphertext
moved to another place does not open. Destroying a row's wrapped key erases what was sealed with it, except in
backups that hold both.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import KeyMissing, Tampered

_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")  # of a key, as the settings take it

_NONCE = 12


def _seal(key: bytes, plain: bytes, place: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def _open(key: bytes, sealed: bytes, place: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())
    except (InvalidTag, ValueError) as error:  # ValueError: too short to hold a nonce
        raise Tampered(f"sealed value at {place} does not open") from error


@dataclass(frozen=True)
class RowKey:
    """The key of one row (a case, a person): seals and opens its fields and those of what hangs on it."""

    secret: bytes

    def seal(self, table: str, row: UUID, column: str, text: str | None) -> bytes | None:
        return None if text is None else _seal(self.secret, text.encode(), f"{table}:{row}:{column}")

    def open(self, table: str, row: UUID, column: str, sealed: bytes | None) -> str | None:
        return None if sealed is None else _open(self.secret, sealed, f"{table}:{row}:{column}").decode()

    def token(self, purpose: str) -> str:
        """A 192-bit secret derived from the key: the same at every call, so it need not be stored."""
        return base64.urlsafe_b64encode(hmac.digest(self.secret, purpose.encode(), "sha256")[:24]).decode()

    def lenient(self) -> Lenient:
        return Lenient(self.secret)

    def digits(self, purpose: str) -> str:
        """Six digits derived from the key, for a text: as little stored as a token is."""
        return f"{int.from_bytes(hmac.digest(self.secret, purpose.encode(), 'sha256')[:8], 'big') % 10**6:06}"

    def seal_bytes(self, table: str, row: UUID, column: str, content: bytes) -> bytes:
        return _seal(self.secret, content, f"{table}:{row}:{column}")

    def open_bytes(self, table: str, row: UUID, column: str, sealed: bytes) -> bytes:
        return _open(self.secret, sealed, f"{table}:{row}:{column}")


@dataclass(frozen=True)
class Lenient(RowKey):
    """Opens what can be opened: one spoiled field must not take the others with it. `failed`: columns that did not.

    Without a secret, as of an erased row, it opens nothing, and nothing fails.
    """

    failed: list[str] = field(default_factory=list)

    def open(self, table: str, row: UUID, column: str, sealed: bytes | None) -> str | None:
        try:
            return super().open(table, row, column, sealed) if self.secret else None
        except Tampered:
            self.failed.append(column)
            return None


class Keys:
    """The key ring (`{id: 32 bytes}`, the one that writes first) and the key of the blind index and of the chain."""

    def __init__(self, ring: dict[str, bytes], index_key: bytes) -> None:
        if not ring or any(len(key) != 32 for key in ring.values()) or len(index_key) < 32:
            raise ValueError("keys are 32 bytes each")
        self._ring, self._writes = ring, next(iter(ring))
        self._index = hmac.digest(index_key, b"blind index", "sha256")
        self._chain = hmac.digest(index_key, b"event chain", "sha256")

    @classmethod
    def parse(cls, data_keys: str, index_key: str) -> Keys:
        """From `id:base64(32 bytes),id:…` and base64, as the settings hold them."""
        ring = {}
        for part in data_keys.split(","):
            name, _, secret = part.strip().partition(":")
            ring[name] = base64.b64decode(secret, validate=True)
        return cls(ring, base64.b64decode(index_key, validate=True))

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of the ring's keys; with the first all is written, each of the others is only known."""
        return tuple(self._ring)

    def new_row_key(self, row: UUID) -> tuple[RowKey, bytes]:
        """A fresh key and its wrapped form for the row's `row_key` column."""
        key = RowKey(secrets.token_bytes(32))
        return key, self.wrap(row, key)

    def wrap(self, row: UUID, key: RowKey) -> bytes:
        """Always with the first key of the ring, whose id stands before it."""
        wrapped = _seal(self._ring[self._writes], key.secret, f"row_key:{row}")
        return self._writes.encode() + b":" + wrapped

    def unwrap(self, row: UUID, wrapped: bytes) -> RowKey:
        """Raises KeyMissing where the ring has not the key that wrapped it, Tampered where it does not open."""
        named, colon, sealed = wrapped.partition(b":")
        try:
            name = named.decode()
        except UnicodeDecodeError as error:
            raise Tampered(f"the key of row {row} does not say which key wrapped it") from error
        if (secret := self._ring.get(name)) is None:
            known = colon and _NAME.fullmatch(name)  # else it is a spoiled row, which no other process can open either
            raise KeyMissing(f"data key {name!r} is not in STOPLINE_DATA_KEYS", name if known else "")
        return RowKey(_open(secret, sealed, f"row_key:{row}"))

    def blind(self, what: str, value: str | None) -> bytes | None:
        """A keyed digest that finds equal values without making them readable; None stays None."""
        return None if not value else hmac.digest(self._index, f"{what}:{value}".encode(), "sha256")

    def chain(self, previous: bytes, entry: bytes) -> bytes:
        """The MAC of an event, over the MAC of the one before it."""
        return hmac.digest(self._chain, previous + entry, "sha256")


def digest(text: str) -> bytes:
    """How tokens and submission keys are stored: never as they are."""
    return hashlib.sha256(text.encode()).digest()
