"""The command line: `stopline VERB`, each with --help. What a verb needs is imported when it runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from services.processes import guarded


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    run: Callable[[], int] = lambda: options.run(options)  # noqa: E731
    return guarded(run)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stopline", description="Emergency stop-payment alerts (止付快线)")
    parser.add_argument("--version", action="version", version=f"stopline {version('stopline')}")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _processes(verbs)
    _ledger(verbs)
    _keeping(verbs)
    _people(verbs)
    return parser


def _verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, said: str,
          run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:  # fmt: skip
    verb = verbs.add_parser(name, help=said, description=said)
    verb.set_defaults(run=run)
    return verb


def _processes(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from services import processes

    for name, said, start in (
        ("up", "everything in one process", processes.up),
        ("web", "the form, the API and the staff pages", processes.web_only),
    ):
        verb = _verb(verbs, name, said, lambda o, start=start: start(o.host, o.port))  # type: ignore[misc]
        _address(verb)
    family = _verb(verbs, "run", "several of these as processes of one parent, which starts anew what dies", _run)
    family.add_argument(
        "process", nargs="*", help="web, worker, clock (these by default), relay; one named twice is two"
    )
    _address(family)
    _verb(verbs, "relay", "publishes what is not yet published", lambda _: processes.relay())
    worker = _verb(verbs, "worker", "handles events and sends texts", lambda o: processes.worker(tuple(o.queue)))
    worker.add_argument("queue", nargs="*", help="police, counselor, care, notice; all by default")
    _verb(verbs, "clock", "deadlines, escalation, reminders", lambda _: processes.clock())
    drill = _verb(verbs, "drill", "a drill through the real path", _drill)
    drill.add_argument("--college", help="as if the student were of this college")
    drill.add_argument("--phones", action="store_true", help="ring the real phones and wait for people")
    _verb(verbs, "doctor", "checks settings, ledger, broker, provider and duty lists", _doctor)


def _address(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--host", default="127.0.0.1")
    verb.add_argument("--port", type=_port, default=8110)


def _port(typed: str) -> int:
    """The system takes 99999 as well, and listens on 34463."""
    if not typed.isdecimal() or int(typed) > 65535:
        raise argparse.ArgumentTypeError(f"no port, a number up to 65535: {typed}")
    return int(typed)


def _ledger(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from services import cli_export, cli_ledger

    db = verbs.add_parser("db", help="the ledger's tables").add_subparsers(required=True, metavar="VERB")
    _verb(db, "upgrade", "bring the tables to this program's revision", cli_ledger.db_upgrade)
    _verb(db, "current", "print the tables' revision", cli_ledger.db_current)
    export = verbs.add_parser("export", help="files for people").add_subparsers(required=True, metavar="VERB")
    whole = _verb(export, "ledger", "write the ledger of the follow-ups (工作台账)", cli_export.export_ledger)
    whole.add_argument("--xlsx", type=Path, required=True, metavar="PATH", help="replaced when the new file is whole")
    whole.add_argument("--from", dest="first", metavar="DATE", help="reports from this day on, such as 2026-01-31")
    whole.add_argument("--to", dest="last", metavar="DATE", help="reports up to this day")
    work = verbs.add_parser("work", help="work that was parked").add_subparsers(required=True, metavar="VERB")
    _verb(work, "retry", "try parked work again, after its cause was mended", cli_ledger.work_retry)
    audit = verbs.add_parser("audit", help="the chain of events").add_subparsers(required=True, metavar="VERB")
    _verb(audit, "verify", "walk the hash chain; exit 1 at a break", cli_ledger.audit_verify)
    keys = verbs.add_parser("keys", help="the key ring").add_subparsers(required=True, metavar="VERB")
    _verb(keys, "rewrap", "while keys turn: wrap every row's key with the first of the ring", cli_ledger.keys_rewrap)


def _keeping(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from services import cli_erase

    by = "NAME of an account of the office (security, admin) that answers for it"
    erase = _verb(
        verbs, "erase", "erase a case for ever: its key, and all that is readable without it", cli_erase.erase
    )
    erase.add_argument("code")
    erase.add_argument("--reason", required=True, choices=cli_erase.REASONS)
    erase.add_argument("--by", required=True, metavar="NAME", help=by)
    erase.add_argument(
        "--key-is-gone", action="store_true", help="end what is open of one that nobody can read any more"
    )
    erase.add_argument("--dry-run", action="store_true", help="say what the case is, and whether it may be erased")
    erase.add_argument("--yes", action="store_true", help="do not ask")
    hold = _verb(verbs, "hold", "keep a case from being erased", cli_erase.hold)
    hold.add_argument("code")
    hold.add_argument("--reason", required=True, choices=cli_erase.HOLDS, help="police: 立案, which holds by itself")
    hold.add_argument("--by", required=True, metavar="NAME", help=by)
    hold.add_argument("--release", action="store_true", help="it is over")
    over = _verb(verbs, "retention", "cases that are over for longer than STOPLINE_RETENTION_DAYS", cli_erase.retain)
    over.add_argument(
        "--erase", action="store_true", help="erase those that nothing holds; without this only list them"
    )
    over.add_argument("--by", metavar="NAME", help=by)
    over.add_argument("--yes", action="store_true", help="do not ask")


def _people(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from services import cli_people

    roster = verbs.add_parser("roster", help="people and duty").add_subparsers(required=True, metavar="VERB")
    _verb(roster, "demo", "load the made-up school; only into an empty ledger", cli_people.roster_demo)
    template = _verb(roster, "template", "write an empty workbook to fill in", cli_people.roster_template)
    template.add_argument("dir", type=Path)
    bring = _verb(roster, "import", "compare with an .xlsx or a folder of .csv", cli_people.roster_import)
    bring.add_argument("path", type=Path)
    bring.add_argument("--apply", action="store_true", help="make it so; without this only say what would change")
    out = _verb(roster, "export", "write the roster as it is, to change and import it", cli_people.roster_export)
    out.add_argument("path", type=Path, metavar="PATH", help="an .xlsx, else a folder of .csv; must not be there yet")
    _verb(roster, "check", "who would be called right now", cli_people.roster_check)
    _months(verbs, "registered", "cases registered by the police (立案)")
    _months(verbs, "prevention", "who knows of fraud, and has 国家反诈中心 on the phone, as the school counted it")
    user = verbs.add_parser("user", help="staff accounts").add_subparsers(required=True, metavar="VERB")
    add = _verb(user, "add", "a new account; prints its first password and TOTP secret once", cli_people.user_add)
    _new_account(add, cli_people.ROLES)
    add.add_argument("--json", action="store_true")
    invite = _verb(user, "invite", "a new account; prints a link to choose a password", cli_people.user_invite)
    _new_account(invite, cli_people.ROLES)
    gone = _verb(user, "disable", "nobody signs in with it any more; ends its sessions", cli_people.user_disable)
    gone.add_argument("name")
    reset = _verb(user, "reset", "a new password and TOTP secret; ends the user's sessions", cli_people.user_reset)
    reset.add_argument("name")
    reset.add_argument("--json", action="store_true")
    reset.add_argument("--invite", action="store_true", help="print a link to choose the password instead")


def _months(verbs: argparse._SubParsersAction[argparse.ArgumentParser], sort: str, said: str) -> None:
    from services import cli_months

    its = verbs.add_parser(sort, help=said).add_subparsers(required=True, metavar="VERB")
    bring = _verb(its, "import", "compare with a month's .xlsx or .csv", cli_months.bring)
    bring.add_argument("path", type=Path)
    bring.add_argument("--apply", action="store_true", help="make it so; without this only say what would change")
    template = _verb(its, "template", "write a workbook to fill in", cli_months.template)
    template.add_argument("path", type=Path)
    for verb in (bring, template):
        verb.set_defaults(sort=sort)


def _new_account(verb: argparse.ArgumentParser, roles: Sequence[str]) -> None:
    verb.add_argument("name")
    verb.add_argument("--role", required=True, choices=roles)
    verb.add_argument("--phone", help="ties the account to the person on the roster with this phone")
    verb.add_argument(
        "--college", metavar="CODE", help="whose figures or records the account sees; a leader or keeper needs one"
    )


def _run(options: argparse.Namespace) -> int:
    from services import family

    return family.run(tuple(options.process), options.host, options.port)


def _drill(options: argparse.Namespace) -> int:
    from services import drill

    return drill.run(options.college, phones=options.phones)


def _doctor(_options: argparse.Namespace) -> int:
    from services import doctor

    return doctor.run()


if __name__ == "__main__":
    sys.exit(main())
