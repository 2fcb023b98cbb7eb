"""The two READMEs say the same, and say all of it."""

import re
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

from ledger.events import TYPES
from services.cli import main
from services.settings import Settings

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")


@pytest.mark.parametrize("name", READMES)
def test_every_setting_is_in_the_table(name: str) -> None:
    text = (ROOT / name).read_text()
    missing = [f.validation_alias for f in Settings.model_fields.values() if f"`{f.validation_alias}`" not in text]
    assert not missing


def test_both_have_the_same_parts_tables_and_commands() -> None:
    english, chinese = ((ROOT / name).read_text() for name in READMES)
    for pattern in (r"^#+ ", r"^\|", r"^```", r"^(?:make|stopline|export) [^#\n]*"):
        in_english, in_chinese = (re.findall(pattern, text, re.MULTILINE) for text in (english, chinese))
        assert [found.strip() for found in in_english] == [found.strip() for found in in_chinese]


@pytest.mark.parametrize(
    "name",
    [
        "up",
        "web",
        "relay",
        "worker",
        "clock",
        "drill",
        "doctor",
        "db",
        "roster",
        "registered",
        "prevention",
        "user",
        "erase",
        "hold",
        "retention",
    ],
)
def test_every_verb_explains_itself_and_is_in_the_readme(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main([name, "--help"])
    assert done.value.code == 0
    assert "usage: stopline" in capsys.readouterr().out
    assert re.search(rf"`(?:stopline )?{name}\b", (ROOT / "README.md").read_text())


def test_the_page_for_other_systems_says_of_each_event_whether_it_is_published() -> None:
    """A new one has to be put there: whether others are told of it is decided, and does not happen by itself."""
    _, published, kept = re.split(r"^## What is (?:published|not)$", (ROOT / "docs/events.md").read_text(), flags=re.M)
    rows = re.findall(r"^\| `(\S+\.v\d+)` \| (.+?) \|", published, re.M)
    assert {name: set(re.findall(r"`(\w+)`", said)) for name, said in rows} == {
        name: {field.name for field in fields(event)} - {"drill"} for name, event in TYPES.items() if event.published
    }
    named = re.findall(r"`(\S+\.v\d+)`", kept.partition("\n## ")[0])
    assert Counter(named) == Counter(name for name, event in TYPES.items() if not event.published)


def test_every_link_between_documents_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


GUIDE = (ROOT / "docs/reading.md").read_text()


def test_the_reading_guide_leads_through_what_there_is() -> None:
    """Each file is about as long as it says, and has the names to look for."""
    stops = re.findall(r"^\| `(\S+\.py)` \| (\d+) \| (.+) \|$", GUIDE, re.M)
    for file, lines, said in stops:
        code = (ROOT / file).read_text()
        assert 0.8 < len(code.splitlines()) / int(lines) < 1.25, file
        names = [name.split(".")[-1] for name in re.findall(r"`([\w.]+)`", said)]
        assert not [name for name in names if not re.search(rf"\b{name}\b", code)], file
    assert 4_000 < sum(int(lines) for _, lines, _ in stops) < 5_500  # an evening
    assert [file for file in re.findall(r"`(\w+/[\w/]+\.py)`", GUIDE) if not (ROOT / file).exists()] == []


def test_the_reading_guide_says_of_each_room_of_the_ledger_what_it_is_about() -> None:
    """A new file has to be put there: among so many nobody finds it by chance."""
    rows = re.findall(r"^\| `(ledger/\w+/)` \| (.+) \| (.+) \|$", GUIDE, re.M)
    rooms = {f"ledger/{it.name}/": it for it in (ROOT / "ledger").glob("[!_]*/")}
    assert sorted(room for room, _, _ in rows) == sorted(rooms)
    for room, about, files in rows:
        assert (rooms[room] / "__init__.py").read_text().startswith(f'"""{about}'), room
        there = [it.stem for it in rooms[room].glob("[!_]*.py") if it.stem != "env"]
        assert sorted(re.findall(r"`(\w+)`", files)) == sorted(there), room
