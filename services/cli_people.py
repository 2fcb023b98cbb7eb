"""`stopline roster` and `stopline user`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from uuid import UUID

from ledger.errors import NotFound, PeopleExist, StoplineError
from ledger.export.exports import MACHINE
from ledger.school import held, people, roster
from ledger.school.demo_school import demo_school
from ledger.school.schoolfile import BadRoster, School, read, write_school, write_template
from ledger.school.schoolrows import BadRows, Fault
from ledger.staff import accounts, invitations
from ledger.staff.accounts import OF_A_COLLEGE, ROLES, Credentials
from ledger.store import anchors
from ledger.store.unit_of_work import Ledger, UnitOfWork
from ledger.values import parse_phone
from services import compose
from services.settings import load

__all__ = ["ROLES"]


def ledger_of_settings() -> Ledger:
    return compose.build_ledger(load())[0]


def roster_demo(_options: argparse.Namespace) -> int:
    ledger = ledger_of_settings()
    try:
        with ledger.begin("roster") as uow:
            if not roster.is_empty(uow.conn):
                raise PeopleExist
            made = roster.apply(uow, demo_school())
    except PeopleExist as refused:
        print(refused, file=sys.stderr)
        return 1
    print(f"示例大学 (made up): {len(made)} entries")
    return 0


def roster_template(options: argparse.Namespace) -> int:
    try:
        print(write_template(options.dir))
    except FileExistsError as there:
        print(f"{there.filename}: is there already, and may be filled in; name another folder", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def roster_export(options: argparse.Namespace) -> int:
    """What the ledger holds, to be changed and imported again. It has everybody's number: for its owner's eyes only."""
    path: Path = options.path
    ledger = ledger_of_settings()
    try:
        with ledger.begin("roster-export") as uow:
            school = held.school(uow.conn, uow.keys)
            anchors.log_reads(uow, MACHINE, "roster.export", ["roster:*"])
        if path.suffix == ".xlsx":
            path.touch(mode=0o600, exist_ok=False)
        else:
            path.mkdir(mode=0o700)
        write_school(school, path)
    except BadRoster as bad:
        print_faults(bad)
        return 1
    except OSError as error:
        print(f"cannot write {path}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{len(school.people)} people, {len(school.duty)} shifts in {path}")
    return 0


def _place(fault: Fault) -> str:
    """A fault of a whole file has neither row nor column."""
    row, column = f", row {fault.row}" if fault.row else "", f", column {fault.column}" if fault.column else ""
    return fault.file + row + column


def print_faults(bad: BadRows) -> None:
    for fault in bad.faults:
        print(f"{_place(fault)}: {fault.message} {fault.message_zh}")
    print(f"{len(bad.faults)} fault{'' if len(bad.faults) == 1 else 's'}; nothing was applied")


def roster_import(options: argparse.Namespace) -> int:
    """A dry run unless --apply; a bad row names file, row and column, and nothing is applied."""
    if not options.path.exists():
        print(f"{options.path}: there is no such file or folder 文件不存在", file=sys.stderr)
        return 1
    try:
        school = read(options.path)
    except BadRoster as bad:
        print_faults(bad)
        return 1
    ledger = ledger_of_settings()
    return _apply(ledger, school) if options.apply else _show(ledger, school)


def _show(ledger: Ledger, school: School) -> int:
    with ledger.read() as conn:
        changes = roster.changes(conn, ledger.keys, school)
    for change in changes:
        print(change)
    print(f"{len(changes)} changes; nothing was applied (use --apply)")
    return 0


def _apply(ledger: Ledger, school: School) -> int:
    with ledger.begin("roster") as uow:
        changes = roster.apply(uow, school)
    for change in changes:
        print(change)
    print(f"{len(changes)} changes applied")
    return 0


def roster_check(_options: argparse.Namespace) -> int:
    from ledger.ready.lineup import duty_lines

    ledger = ledger_of_settings()
    with ledger.read() as conn:
        lines, faults = duty_lines(conn, ledger.keys, ledger.clock.now(), ledger.zone)
    for line in lines + faults:
        print(line)
    return 1 if faults else 0


def user_add(options: argparse.Namespace) -> int:
    with ledger_of_settings().begin("user") as uow:
        person = _person(uow, options.phone)
        made = accounts.add(uow, _name(options), options.role, person, _college(uow, options))
    return _print(made, as_json=options.json)


def user_reset(options: argparse.Namespace) -> int:
    if options.invite:
        with ledger_of_settings().begin("user") as uow:
            token = invitations.again(uow, options.name)
        return _print_link(token)
    with ledger_of_settings().begin("user") as uow:
        made = accounts.reset(uow, options.name)
    return _print(made, as_json=options.json)


def user_invite(options: argparse.Namespace) -> int:
    with ledger_of_settings().begin("user") as uow:
        person = _person(uow, options.phone)
        token = invitations.invite(uow, _name(options), options.role, person, _college(uow, options))
    return _print_link(token)


def user_disable(options: argparse.Namespace) -> int:
    with ledger_of_settings().begin("user") as uow:
        accounts.disable(uow, options.name)
    print(f"user {options.name} is disabled; every session and remembered phone has ended")
    return 0


def _person(uow: UnitOfWork, phone: str | None) -> UUID | None:
    if phone is None:
        return None
    number = parse_phone(phone)
    found = people.by_phone(uow.conn, uow.keys, number) if number else []
    staff = [person for person in found if person.role != "student"]
    if not staff:
        raise NotFound(f"nobody on the roster has the phone {phone}")
    return staff[0].id


def _name(options: argparse.Namespace) -> str:
    if not (name := str(options.name).strip()):
        raise StoplineError("a user needs a name")
    return name


def _college(uow: UnitOfWork, options: argparse.Namespace) -> str | None:
    """A leader or keeper of none, or of one that there is not, would see no case, and nobody would notice."""
    said: str | None = options.college
    if said is None and options.role in OF_A_COLLEGE:
        raise StoplineError(f"a {options.role} is one of a college: --college")
    if said is None:
        return None
    if (code := people.college(uow.conn, said)) is None:
        raise NotFound(f"no college {said!r} on the roster")
    return code


def _print_link(token: str) -> int:
    hours = invitations.LASTS.total_seconds() / 3600
    print(f"{load().public_url}/invite/{token}  (works once, for {hours:.0f} hours)")
    return 0


def _print(made: Credentials, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"username": made.username, "password": made.password, "totp_secret": made.totp_secret}))
    else:
        print(f"user {made.username}\npassword {made.password}\ntotp secret {made.totp_secret}  (shown once)")
    return 0
