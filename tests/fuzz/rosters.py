"""School files gone wrong in every way: each is read, or refused with faults that name their place; and what is read
can be stored whole, whatever the database."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

from openpyxl import Workbook

from ledger.school import roster
from ledger.school.demo_school import demo_school
from ledger.school.schoolfile import BadRoster, School, read, write_school
from ledger.school.schoolrows import COLUMNS, SHEETS_ZH
from ledger.store.unit_of_work import Ledger
from tests.fuzz.words import Chance

MOST_OF_A_FAULT = 1_000  # characters

Sheets = dict[str, list[list[str]]]


class _Undone(Exception):
    pass


class Rosters:
    """`sheets`: the made-up school's, as cells, to be spoiled again and again."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.folder, self.ledger = folder / "rosters", ledger
        write_school(demo_school(), self.folder / "good")
        self.sheets = {name: _cells(self.folder / "good" / f"{name}.csv") for name in COLUMNS}

    def faults(self, chance: Chance) -> Iterator[str]:
        path = self._write(chance)
        try:
            school = read(path)
        except BadRoster as bad:
            yield from _said(bad)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001  # a library of compiled code panics with one of its own
            yield f"not read, and not refused: {type(error).__name__}: {str(error)[:200]}"
        else:
            yield from self._stored(school)
        finally:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _stored(self, school: School) -> Iterator[str]:
        """Applied and taken back: a school that was read without a fault has room in every table."""
        try:
            with self.ledger.begin("roster") as uow:
                roster.apply(uow, school)
                raise _Undone
        except _Undone:
            pass
        except Exception as error:  # noqa: BLE001  # any error here is what is looked for
            yield f"read without a fault, and storing it failed: {type(error).__name__}: {str(error)[:200]}"

    def _write(self, chance: Chance) -> Path:
        sheets = self._spoiled(chance)
        if chance.one_in(4):
            return self._workbook(chance, sheets)
        folder = self.folder / "bad"
        folder.mkdir(parents=True, exist_ok=True)
        for name, lines in sheets.items():
            stem = SHEETS_ZH[name] if chance.one_in(8) else name
            with (folder / f"{stem}.csv").open("w", encoding="utf-8", errors="surrogatepass", newline="") as out:
                csv.writer(out).writerows(lines)
            if chance.one_in(30):
                file = folder / f"{stem}.csv"
                file.write_bytes(chance.spoiled_bytes(file.read_bytes()))
        return folder

    def _workbook(self, chance: Chance, sheets: Sheets) -> Path:
        book = Workbook()
        for name, lines in sheets.items():
            sheet = book.create_sheet(SHEETS_ZH[name])
            for line in lines:
                sheet.append(["".join(char for char in cell if char.isprintable())[:30_000] for cell in line])
        path = self.folder / "bad.xlsx"
        book.save(path)
        if chance.one_in(2):
            path.write_bytes(chance.spoiled_bytes(path.read_bytes()))
        return path

    def _spoiled(self, chance: Chance) -> Sheets:
        sheets = {name: [list(line) for line in lines] for name, lines in self.sheets.items()}
        for _ in range(chance.randrange(1, 5)):
            name = chance.choice(list(sheets))
            lines = sheets[name]
            if not lines or chance.one_in(40):
                del sheets[name]
            elif chance.one_in(12):
                del lines[chance.randrange(len(lines))]
            elif chance.one_in(12):
                lines.append([chance.text() for _ in range(chance.randrange(12))])
            else:
                line = lines[chance.randrange(1 if len(lines) > 1 and not chance.one_in(6) else 0, len(lines))]
                line[chance.randrange(len(line))] = chance.text(*line) if line else ""
            if not sheets:
                break
        return sheets


def _cells(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines))


def _said(bad: BadRoster) -> Iterator[str]:
    if not bad.faults:
        yield "refused without a fault"
    for fault in bad.faults:
        if not (fault.file and fault.message and fault.message_zh):
            yield f"a fault that does not say what or where: {fault!r}"
        if len(str(fault)) > MOST_OF_A_FAULT:
            yield f"a fault of {len(str(fault))} characters"
