"""No dependency that the lock pins has a known hole; a package that was not looked at counts as a fault, not as sound.

pip-audit itself says "No known vulnerabilities found" when it could ask about none of them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
UNKNOWN_THERE = "not found on PyPI"
UNREACHABLE = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "NameResolutionError",
               "Could not connect to PyPI")  # fmt: skip


def audit(requirements: Path) -> tuple[dict[str, Any] | None, str]:
    """(its report, or None when it made none, and what it said beside)."""
    program = shutil.which("pip-audit", path=Path(sys.executable).parent)
    assert program, "pip-audit is not in this environment"
    # The lock is whole and pinned, so nothing is installed or resolved to audit it.
    options = ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run([program, "--requirement", str(requirements), *options], capture_output=True, text=True)
    return (json.loads(done.stdout) if done.stdout.startswith("{") else None), done.stderr


def faults(report: Mapping[str, Any], expected: int) -> list[str]:
    """One line for each hole, and for each package that nobody can vouch for."""
    found = []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            found.append(f"{package['name']} was skipped: {package['skip_reason']}")
        for hole in package.get("vulns", ()):
            found.append(f"{package['name']} {package['version']}: {hole['id']}, mended in {hole['fix_versions']}")
    if len(report["dependencies"]) != expected:
        found.append(f"{len(report['dependencies'])} of {expected} packages are in the report")
    return found


def without_service(report: Mapping[str, Any] | None, said: str) -> str | None:
    """Why the vulnerability service cannot be asked from here, or None when it can. Any other trouble is a fault.

    One package is enough to tell: pip has just installed this very release, so a service that has never heard of it
    is not PyPI's but a mirror that carries files only.
    """
    if report is None:
        return next((f"{word} at pypi.org" for word in UNREACHABLE if word in said), None)
    [package] = report["dependencies"]
    return f"it does not know {package['name']}" if UNKNOWN_THERE in package.get("skip_reason", "") else None


def pins() -> list[str]:
    return LOCK.read_text().split()


@pytest.mark.timeout(600)
def test_no_pinned_dependency_has_a_known_hole(tmp_path: Path) -> None:
    one = tmp_path / "one.txt"
    one.write_text(next(pin for pin in pins() if pin.startswith("flask==")))
    report, said = audit(one)
    if why := without_service(report, said):
        pytest.skip(f"PyPI's vulnerability service cannot be asked from this machine: {why}")
    report, said = audit(LOCK)
    assert report, said
    assert faults(report, len(pins())) == []


SOUND = {"name": "flask", "version": "3", "vulns": []}
HOLED = {"name": "flask", "version": "3", "vulns": [{"id": "PYSEC-1", "fix_versions": ["4"]}]}
SKIPPED = {"name": "flask", "skip_reason": "Dependency not found on PyPI and could not be audited: flask (3)"}


@pytest.mark.parametrize(
    ("packages", "words"),
    [([SOUND], None), ([HOLED], "PYSEC-1"), ([SKIPPED], "was skipped"), ([SOUND, SKIPPED], "was skipped")],
)
def test_a_hole_and_a_skipped_package_are_faults(packages: list[dict[str, Any]], words: str | None) -> None:
    found = faults({"dependencies": packages}, len(packages))
    assert [words in fault for fault in found if words] == ([True] if words else [])
    assert found if words else not found


def test_a_package_that_is_not_in_the_report_is_a_fault() -> None:
    assert faults({"dependencies": [SOUND]}, 2) == ["1 of 2 packages are in the report"]


@pytest.mark.parametrize(
    ("report", "said", "skips"),
    [
        ({"dependencies": [SOUND]}, "", False),
        ({"dependencies": [HOLED]}, "", False),
        ({"dependencies": [SKIPPED]}, "", True),
        (None, "requests.exceptions.ConnectTimeout: …", True),
        (None, "pip_audit: error: unrecognized arguments", False),
        (None, "", False),
        ({"dependencies": [{"name": "flask", "skip_reason": "invalid version"}]}, "", False),
    ],
)
def test_it_is_left_out_only_where_the_service_cannot_be_asked(report: Any, said: str, skips: bool) -> None:
    assert bool(without_service(report, said)) == skips


def test_the_lock_pins_every_package_once_and_names_no_index() -> None:
    names = [pin.partition("==")[0] for pin in pins()]
    assert all(pin.count("==") == 1 for pin in pins())
    assert len(set(names)) == len(names)
    assert names == sorted(names)
