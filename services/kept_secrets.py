"""The embedded installation's own secrets: made once, durable before they are used, readable by their owner only."""

from __future__ import annotations

import base64
import json
import os
import secrets
import stat
from pathlib import Path

NAMES = ("secret_key", "data_keys", "index_key")


def load(file: Path, ledger: Path | None) -> dict[str, str]:
    """What is kept in `file`, made now if it is not there. Raises ValueError where that would lock a ledger up."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        if ledger and ledger.exists() and ledger.stat().st_size:
            raise ValueError(f"{file}: missing, and {ledger} was written with its keys; put it back from the backup")
        _write_once(file, json.dumps(_made()))
    try:
        kept = json.loads(file.read_text())
        return {name: str(kept[name]) for name in NAMES}
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{file}: not what was written; put it back from the backup") from None


def _made() -> dict[str, str]:
    # The key's id is by chance too: with another installation's keys the ledger says which key it misses.
    return {
        "secret_key": secrets.token_hex(32),
        "data_keys": f"k{secrets.token_hex(3)}:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "index_key": base64.b64encode(secrets.token_bytes(32)).decode(),
    }


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
