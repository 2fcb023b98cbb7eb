"""`stopline registered` and `prevention` on an embedded ledger: a dry run first, faults by file, row and column."""

from __future__ import annotations

from pathlib import Path

import openpyxl

from ledger.figures.registered import last_month
from services import compose
from services.settings import load
from tests.unit.services.test_cli_people import Run
from tests.unit.services.test_cli_people import run as run  # a fixture

ROWS = "month,college,cases,amount\n2026-09,WY,1,3800\n2026-09,GX,2,\n"


def test_an_import_says_what_would_change_and_changes_nothing_until_applied(run: Run, tmp_path: Path) -> None:
    run("roster", "demo")
    (file := tmp_path / "september.csv").write_text(ROWS)
    for _ in range(2):
        status, said = run("registered", "import", str(file))
        assert (status, said.splitlines()) == (0, [
            "+ 2026-09 GX (2 cases)", "+ 2026-09 WY (1 case, 3,800 yuan)",
            "2 changes; nothing was applied (use --apply)",
        ])  # fmt: skip
    assert run("registered", "import", str(file), "--apply")[1].splitlines()[-1] == "2 changes applied"
    file.write_text("month,college,cases\n2026-09,*,4\n2026-09,WY,3\n")
    assert run("registered", "import", str(file))[1].splitlines() == [
        "+ 2026-09 * (4 cases)", "- 2026-09 GX (2 cases)", "~ 2026-09 WY (1 case, 3,800 yuan → 3 cases)",
        "3 changes; nothing was applied (use --apply)",
    ]  # fmt: skip


def test_a_bad_row_is_named_and_nothing_is_applied(run: Run, tmp_path: Path) -> None:
    run("roster", "demo")
    (file := tmp_path / "september.csv").write_text(ROWS + "2026-09,nowhere,1,\n")
    status, said = run("registered", "import", str(file), "--apply")
    assert status == 1
    assert "september.csv, row 4, column college: no college 'nowhere' on the roster" in said
    assert "nothing was applied" in said
    file.write_text(ROWS)
    assert "2 changes;" in run("registered", "import", str(file))[1]


def test_a_path_that_is_not_there_is_said_to_be_so(run: Run, tmp_path: Path) -> None:
    status, said = run("registered", "import", str(tmp_path / "none.csv"))
    assert status == 1 and "none.csv: cannot be read" in said and said.count("\n") == 1


def test_the_template_has_the_colleges_and_replaces_no_file(run: Run, tmp_path: Path) -> None:
    run("roster", "demo")
    file = tmp_path / "new.xlsx"
    assert run("registered", "template", str(file))[0] == 0
    lines = list(openpyxl.load_workbook(file)["立案"].values)
    ledger, _ = compose.build_ledger(load())
    month = last_month(ledger.clock.now(), ledger.zone)
    ledger.engine.dispose()
    assert [line[:2] for line in lines[1:]] == [(month, "GX"), (month, "WY"), (month, "*")]
    assert run("registered", "template", str(file))[0] == 1
    assert run("registered", "template", str(tmp_path / "no" / "new.xlsx"))[0] == 1


def test_what_the_school_counted_comes_in_the_same_way(run: Run, tmp_path: Path) -> None:
    run("roster", "demo")
    (file := tmp_path / "september.csv").write_text("month,college,class,asked,aware\n2026-09,WY,WY2601,30,29\n")
    assert run("prevention", "import", str(file)) == (
        0,
        "+ 2026-09 WY WY2601 (asked 30, aware 29)\n1 changes; nothing was applied (use --apply)\n",
    )
    assert run("prevention", "import", str(file), "--apply")[1].splitlines()[-1] == "1 changes applied"
    file.write_text("month,college,asked,aware\n2026-09,WY,30,31\n")
    status, said = run("prevention", "import", str(file), "--apply")
    assert status == 1 and "september.csv, row 2, column aware: is more than asked, 30" in said
    assert run("prevention", "template", str(book := tmp_path / "new.xlsx"))[0] == 0
    assert [line[1] for line in list(openpyxl.load_workbook(book)["防范"].values)[1:]] == ["GX", "WY"]
