"""What is drawn from recorded runs stands between marks in both READMEs, so that nobody copies figures by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.processes import ROOT

READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}


def put(page: Path, name: str, drawn: str) -> None:
    """Write it between the marks of this name, and change nothing else."""
    text, found = _marked(name).subn(lambda marks: f"{marks[1]}{drawn}{marks[3]}", page.read_text())
    assert found == 1, f"{page.name} has no place for the table: <!-- {name} --> … <!-- /{name} -->"
    page.write_text(text)


def drawn_in(page: Path, name: str) -> str:
    found = _marked(name).search(page.read_text())
    assert found, f"{page.name} has no <!-- {name} -->"
    return found[2]


def said_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Name → the versions that these runs had, each once, in their order."""
    versions: dict[str, list[str]] = {}
    for row in rows:
        for name, said in row["versions"].items():
            if said not in versions.setdefault(name, []):
                versions[name].append(said)
    return versions


def _marked(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)
