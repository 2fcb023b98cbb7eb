"""Files that a crash or a power cut leaves whole: either as they were, or as they were to become."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write(path: Path, content: bytes) -> None:
    """Write and fsync, then give the name, then fsync the folder. Readable by its owner only. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(path) as out:
        out.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """The same for what is written piece by piece: it gets the name at the end, and none where the block fails."""
    draft = path.with_name(f".draft-{os.getpid()}-{threading.get_ident()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        draft.rename(path)
        sync_folder(path.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def append(path: Path, line: bytes) -> None:
    """One line more, on disk when this returns. Raises OSError.

    A line that a crash cut short stays a line of its own: each begins with its line break.
    """
    new = not path.exists()
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as out:
        out.write(b"\n" + line)
        out.flush()
        os.fsync(out.fileno())
    if new:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A new name is durable only with its folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
