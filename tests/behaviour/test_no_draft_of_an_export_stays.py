"""What a workbook library keeps in the temporary folder while a ledger is exported has names and notes in it, unsealed:
nothing of it stays behind, at whichever step the disk is full."""

from __future__ import annotations

import errno
import io
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from openpyxl.worksheet import _writer as drafts

from ledger.export import export_rows, export_sheet
from ledger.export.export_rows import WHOLE, Record
from ledger.export.exports import Period, Span
from tests.behaviour.door_tools import shared_world
from tests.behaviour.export_tools import known, records
from tests.world import World


class Full(io.BytesIO):
    def write(self, *_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(params=["sqlite"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


@pytest.fixture
def span(world: World) -> Span:
    """Of one report."""
    known(world)
    return Period(None, None).span(world.parts.ledger.zone, world.clock.now())


@pytest.fixture
def folder(span: Span, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder, empty."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(drafts, "ALL_TEMP_FILES", [])  # what is removed at exit
    return tmp_path


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """No file takes more bytes than that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write(world: World, span: Span, out: io.BytesIO) -> int:
    return export_sheet.write(world.parts.ledger, WHOLE, span, out, english=False, note=lambda _: None)


@pytest.mark.parametrize("lines", [1, 400], ids=["at the end", "in the middle"])
def test_where_the_temporary_folder_is_full(
    world: World, span: Span, folder: Path, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    """Of few lines the draft is written when it is closed, of many before that."""
    [[it]] = export_rows.batches(world.parts.ledger, WHOLE, span)

    def batches(*_: Any) -> Iterator[list[Record]]:
        yield [it] * lines

    monkeypatch.setattr(export_rows, "batches", batches)
    with pytest.raises(OSError), at_most(256):
        write(world, span, io.BytesIO())
    assert list(folder.iterdir()) == []
    assert not drafts.ALL_TEMP_FILES
    assert write(world, span, out := io.BytesIO()) == len(records(out.getvalue())) == lines
    assert list(folder.iterdir()) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # zipfile writes on, in vain
def test_where_the_file_itself_finds_no_room(world: World, span: Span, folder: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        write(world, span, Full())
    assert list(folder.iterdir()) == []
    assert not drafts.ALL_TEMP_FILES


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_where_the_reading_ends_in_the_middle(
    world: World, span: Span, folder: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def broken(*_: Any) -> None:
        raise error

    monkeypatch.setattr(export_rows, "_minutes", broken)
    with pytest.raises(error):
        write(world, span, io.BytesIO())
    assert list(folder.iterdir()) == []
    assert not drafts.ALL_TEMP_FILES
