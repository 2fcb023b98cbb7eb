"""Who of those who send has died: only what is certain counts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest

from services.living import Living

ANOTHER = """
import sys
from pathlib import Path
from services.living import Living
print(Living(Path(sys.argv[1])).enter(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "senders"


@pytest.fixture
def another(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is one of them."""
    process = subprocess.Popen([sys.executable, "-c", ANOTHER, str(folder)], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    with process:
        yield process
        process.kill()


def named(process: subprocess.Popen[str]) -> UUID:
    assert process.stdout
    return UUID(process.stdout.readline().strip())


def but(**functions: Callable[..., int]) -> SimpleNamespace:
    """The system as `services.living` sees it; other threads of this process go on with the real one."""
    return SimpleNamespace(**{**vars(os), **functions})


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_process_that_was_killed_is_dead_and_a_paused_one_not(folder: Path, another: subprocess.Popen[str]) -> None:
    name, asked = named(another), Living(folder)
    another.send_signal(signal.SIGSTOP)
    assert asked.dead() == []
    another.kill()
    another.wait()
    assert asked.dead() == [name]


def test_nobody_is_their_own_heir_and_nobody_is_the_heir_of_one_who_lives(folder: Path) -> None:
    first, second = Living(folder), Living(folder)
    one, other = first.enter(), second.enter()
    assert one and other and one != other
    assert (first.dead(), second.dead()) == ([], [])


def test_a_dead_one_has_one_heir_until_that_one_dies_as_well(folder: Path) -> None:
    dead, heir, later = Living(folder), Living(folder), Living(folder)
    name = dead.enter()
    dead.leave()
    assert heir.dead() == heir.dead() == [name]
    assert later.dead() == []
    heir.leave()
    assert later.dead() == [name]


def test_who_is_buried_has_no_heir_and_leaves_no_file(folder: Path) -> None:
    dead, heir = Living(folder), Living(folder)
    name = dead.enter()
    dead.leave()
    heir.bury(heir.dead())
    me = heir.enter()
    assert heir.dead() == []
    assert name and files(folder) == {str(me)}


def test_of_an_earlier_start_of_the_machine_or_another_machine_nothing_is_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was held before has lapsed by now, or nearly; over a shared folder the locks may not be seen."""
    dead = Living(folder)
    dead.enter()
    dead.leave()
    boot = tmp_path / "boot_id"
    boot.write_text("another\n")
    monkeypatch.setattr("services.living._BOOT", boot)
    assert Living(folder).dead() == []
    assert files(folder) == set()


@pytest.mark.parametrize("kept", [0, 10])
def test_a_file_that_was_not_written_to_its_end_says_nothing(folder: Path, kept: int) -> None:
    dead = Living(folder)
    name = dead.enter()
    dead.leave()
    os.truncate(folder / str(name), kept)
    assert Living(folder).dead() == []


def test_a_copy_of_the_folder_says_nothing_of_who_lives(folder: Path, tmp_path: Path) -> None:
    """Moved by its operator while one still runs: nobody holds the copies, and their senders may live."""
    living = Living(folder)
    living.enter()
    copied = Path(shutil.copytree(folder, tmp_path / "copied"))
    assert Living(copied).dead() == []


def test_what_is_no_sender_s_or_may_not_be_read_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = Living(folder)
    name = dead.enter()
    dead.leave()
    (folder / "readme.txt").touch()
    (folder / f".{uuid4()}").touch()  # of one that died while it made it
    left = files(folder)

    def refused(*_: object) -> int:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr("services.living.os", but(open=refused))
        assert Living(folder).dead() == []
    assert files(folder) == left
    assert Living(folder).dead() == [name]


def test_one_that_another_heir_has_just_buried_is_nobody_s(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead, heir = Living(folder), Living(folder)
    dead.enter()
    dead.leave()

    def buried_meanwhile(file: Path, flags: int) -> int:
        found = os.open(file, flags)
        file.unlink()
        return found

    monkeypatch.setattr("services.living.os", but(open=buried_meanwhile))
    assert heir.dead() == []


def test_where_no_file_can_be_made_nobody_is_counted_or_thought_dead(tmp_path: Path) -> None:
    (tmp_path / "senders").touch()
    living = Living(tmp_path / "senders")
    assert living.enter() is None
    assert living.dead() == []
    living.bury([])
    living.leave()


@pytest.mark.parametrize("written", [0, 10])
def test_on_a_full_disk_nobody_is_counted_and_nothing_is_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    monkeypatch.setattr("services.living.os", but(write=lambda *_: written))
    living = Living(folder)
    assert living.enter() is None
    assert living.dead() == []
    assert files(folder) == set()
