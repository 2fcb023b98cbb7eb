"""`stopline roster` and `stopline user` on an embedded ledger: a dry run first, faults by file, row and column."""

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import Engine, text

from ledger.school import roster
from ledger.school.demo_school import demo_school
from ledger.school.schoolfile import write_school
from ledger.staff import accounts
from ledger.store.engine import connect
from services import compose
from services.cli import main
from services.settings import load

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a command; its exit status and what it printed. Connections of each command are let go at once."""
    monkeypatch.setenv("STOPLINE_DATABASE_URL", f"sqlite:///{tmp_path}/stopline.db")
    opened: list[Engine] = []

    def opening(url: str, pool_size: int = 16) -> Engine:
        opened.append(connect(url, pool_size))
        return opened[-1]

    monkeypatch.setattr("services.compose.connect", opening)
    monkeypatch.setattr("services.cli_ledger.connect", opening)

    def run(*words: str) -> tuple[int, str]:
        status = main(words)
        while opened:
            opened.pop().dispose()
        said = capsys.readouterr()
        return status, said.out + said.err

    assert run("db", "upgrade")[0] == 0
    yield run


def test_a_fresh_ledger_is_at_the_newest_revision(run: Run) -> None:
    assert run("db", "current")[0] == 0


@pytest.mark.parametrize("verb", [("db", "current"), ("doctor",), ("roster", "check"), ("audit", "verify")])
def test_a_look_at_a_ledger_that_is_not_there_makes_none(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: Sequence[str]
) -> None:
    monkeypatch.setenv("STOPLINE_DATABASE_URL", f"sqlite:///{tmp_path}/elsewhere/stopline.db")
    status, said = run(*verb)
    assert (status, "stopline db upgrade" in said) == (1, True)
    assert not (tmp_path / "elsewhere" / "stopline.db").exists()


@pytest.mark.parametrize(("ring", "said"), [
    ("new", "the ledger needs key 'old' as well; expected it behind the others, for example new:…,old:…"),
    ("old", "the ledger was written with another key; expected that one, from its copy"),
])  # fmt: skip
def test_a_key_that_is_wrong_or_missing_is_a_fault_and_the_doctor_goes_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ring: str, said: str
) -> None:
    monkeypatch.setenv("STOPLINE_DATA_KEYS", f"old:{base64.b64encode(secrets.token_bytes(32)).decode()}")
    assert run("roster", "demo")[0] == 0
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "1.2.3.report").write_text("{}")
    monkeypatch.setenv("STOPLINE_DATA_KEYS", f"{ring}:{base64.b64encode(secrets.token_bytes(32)).decode()}")
    assert run("roster", "check")[0] == 2
    status, printed = run("doctor")
    [of_key, of_spool] = [line for line in printed.splitlines() if line.startswith("FAULT")]
    assert (status, of_key) == (1, f"FAULT STOPLINE_DATA_KEYS: {said}")
    assert of_spool.startswith("FAULT spool: ") and "\n2 faults\n" in printed


@pytest.mark.parametrize("verb", ["upgrade", "current"])
def test_a_database_that_is_away_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setenv("STOPLINE_DATABASE_URL", "postgresql+psycopg://nobody:hunter2@127.0.0.1:1/none")
    status, said = run("db", verb)
    assert status == 1 and said.count("\n") == 1
    assert said.startswith("cannot open the ledger 127.0.0.1/none: ") and "refused" in said and "hunter2" not in said


def test_tables_of_another_program_are_named_with_their_ledger(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOPLINE_DATABASE_URL", f"sqlite:///{tmp_path}/elsewhere.db")
    status, said = run("roster", "check")
    assert status == 1 and "stopline db upgrade" in said and f"{tmp_path}/elsewhere.db" in said


def test_the_demo_school_is_refused_where_people_exist(run: Run) -> None:
    assert run("roster", "demo")[0] == 0
    status, said = run("roster", "demo")
    assert status == 1
    assert "made-up school" in said


def test_an_import_says_what_would_change_and_changes_nothing_until_applied(run: Run, tmp_path: Path) -> None:
    write_school(demo_school(), tmp_path / "school.xlsx")
    status, said = run("roster", "import", str(tmp_path / "school.xlsx"))
    assert status == 0
    assert "+ officer O01" in said
    assert "nothing was applied" in said
    assert "13800001004" not in said
    status, said = run("roster", "import", str(tmp_path / "school.xlsx"), "--apply")
    assert status == 0
    assert "changes applied" in said
    assert "0 changes" in run("roster", "import", str(tmp_path / "school.xlsx"))[1]


def test_who_leaves_the_roster_is_deactivated_and_who_changes_is_named_without_the_phone(
    run: Run, tmp_path: Path
) -> None:
    school = demo_school()
    write_school(school, tmp_path / "before.xlsx")
    run("roster", "import", str(tmp_path / "before.xlsx"), "--apply")
    students = [p for p in school.people if p.role == "student"]
    moved = type(students[0])(**{**vars(students[0]), "phone": "+8613800000999"})
    people = tuple(moved if p.key == moved.key else p for p in school.people if p.key != students[1].key)
    write_school(type(school)(school.colleges, school.classes, people, school.duty, school.ladder), tmp_path / "b.xlsx")
    said = run("roster", "import", str(tmp_path / "b.xlsx"), "--apply")[1]
    assert f"~ student {moved.key} (phone)" in said
    assert f"- student {students[1].key}" in said
    assert "999" not in said
    ledger, _ = compose.build_ledger(load())
    with ledger.read() as conn:
        assert not [c for c in roster.changes(conn, ledger.keys, school) if c.sign == "-"]
    ledger.engine.dispose()


def test_who_cannot_be_opened_any_more_is_mended_by_the_next_import(run: Run, tmp_path: Path) -> None:
    """One spoiled row must not keep the new list from being taken: the file says all that was sealed in it."""
    write_school(demo_school(), file := tmp_path / "school.xlsx")
    run("roster", "import", str(file), "--apply")
    ledger, _ = compose.build_ledger(load())
    with ledger.begin("test") as uow:
        for spoiled in ("row_key = x'FF3A00' WHERE key = 'O01'", "phone_sealed = x'00' WHERE key = 'O02'"):
            uow.conn.execute(text(f"UPDATE people SET {spoiled}"))
        kept = uow.conn.execute(text("SELECT row_key FROM people WHERE key = 'O02'")).scalar_one()
    said = run("roster", "import", str(file))[1]
    assert "~ officer O01 (could not be read, sealed anew)" in said
    assert "~ officer O02 (could not be read, sealed anew)" in said
    assert "2 changes; nothing was applied" in said
    assert "2 changes applied" in run("roster", "import", str(file), "--apply")[1]
    assert "0 changes" in run("roster", "import", str(file))[1]
    with ledger.read() as conn:
        of_both = (
            conn.execute(text("SELECT row_key FROM people WHERE key IN ('O01', 'O02') ORDER BY key")).scalars().all()
        )
    assert of_both[0] != b"\xff:\x00"
    assert of_both[1] == kept, "texts that wait for them are sealed with it"
    ledger.engine.dispose()


def test_a_bad_row_is_named_and_nothing_is_applied(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    write_school(demo_school(), folder)
    file = next(file for file in folder.iterdir() if file.stem in ("people", "人员"))
    lines = file.read_text("utf-8-sig").splitlines()
    lines[2] = lines[2].replace("+86138", "12")
    file.write_text("\n".join(lines), "utf-8")
    status, said = run("roster", "import", str(folder), "--apply")
    assert status == 1
    assert f"{file.name}, row 3, column" in said
    assert "nothing was applied" in said
    assert "nobody would be called" in run("roster", "check")[1]


def test_a_path_that_is_not_there_is_said_to_be_so(run: Run, tmp_path: Path) -> None:
    status, said = run("roster", "import", str(tmp_path / "none.xlsx"))
    assert (status, "none.xlsx: there is no such file" in said) == (1, True)


@pytest.mark.parametrize("name", ["school.xlsx", "school"])
def test_an_exported_roster_is_for_its_owner_and_imports_as_it_is(run: Run, tmp_path: Path, name: str) -> None:
    run("roster", "demo")
    out = tmp_path / name
    assert run("roster", "export", str(out)) == (0, f"60 people, 24 shifts in {out}\n")
    assert out.stat().st_mode & 0o077 == 0
    assert run("roster", "import", str(out)) == (0, "0 changes; nothing was applied (use --apply)\n")
    assert run("roster", "export", str(out)) == (1, f"cannot write {out}: File exists\n")


def test_a_template_can_be_written_and_is_empty(run: Run, tmp_path: Path) -> None:
    status, said = run("roster", "template", str(tmp_path / "new"))
    assert status == 0
    assert Path(said.strip()).exists()
    status, said = run("roster", "import", said.strip())
    assert status == 1 and "row 0" not in said and "column :" not in said


def test_of_a_folder_the_workbook_in_it_is_named(run: Run, tmp_path: Path) -> None:
    run("roster", "template", str(tmp_path / "new"))
    _, said = run("roster", "import", str(tmp_path / "new"))
    assert f"new: is a folder; did you mean {tmp_path}/new/school.xlsx?" in said and "1 fault;" in said
    (tmp_path / "csv").mkdir()
    _, said = run("roster", "import", str(tmp_path / "csv"))
    assert "csv: there is no people.csv in this folder 缺少“人员”表" in said


def test_a_template_replaces_no_workbook_that_somebody_filled_in(run: Run, tmp_path: Path) -> None:
    write_school(demo_school(), tmp_path / "school.xlsx")
    before = (tmp_path / "school.xlsx").read_bytes()
    status, said = run("roster", "template", str(tmp_path))
    assert (status, "is there already" in said) == (1, True)
    assert (tmp_path / "school.xlsx").read_bytes() == before


def test_a_folder_that_cannot_be_made_for_the_template_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert run("roster", "template", str(tmp_path / "file" / "new"))[0] == 1


def test_roster_check_names_who_would_be_called_and_fails_on_an_empty_ledger(run: Run) -> None:
    status, said = run("roster", "check")
    assert status == 1
    assert "nobody would be called for * police" in said
    run("roster", "demo")
    status, said = run("roster", "check")
    assert status == 0
    assert "警官" in said


def test_a_new_user_can_sign_in_with_what_was_printed_once_and_a_reset_ends_that(run: Run) -> None:
    run("roster", "demo")
    status, said = run("user", "add", "ouyang", "--role", "officer", "--phone", "13800001004", "--json")
    made = json.loads(said)
    assert status == 0
    assert set(made) == {"username", "password", "totp_secret"}
    ledger, _ = compose.build_ledger(load())
    otp = pyotp.TOTP(made["totp_secret"]).at(ledger.clock.now())
    user = accounts.sign_in(ledger, "ouyang", made["password"], otp)
    assert user is not None
    assert user.person is not None
    again = run("user", "reset", "ouyang", "--json")[1]
    assert json.loads(again)["password"] != made["password"]
    with ledger.read() as conn:
        assert accounts.by_session(conn, user.id, user.epoch) is None
    ledger.engine.dispose()


def test_a_user_is_refused_twice_and_for_a_phone_that_nobody_has(run: Run) -> None:
    assert run("user", "add", "one", "--role", "security")[0] == 0
    status, said = run("user", "add", "one", "--role", "security")
    assert (status, "already" in said) == (1, True)
    status, said = run("user", "add", "two", "--role", "officer", "--phone", "13899999999")
    assert (status, "nobody on the roster" in said) == (1, True)


@pytest.mark.parametrize("verb", ["add", "invite"])
def test_a_user_needs_a_name_and_a_college_of_the_roster(run: Run, verb: str) -> None:
    run("roster", "demo")
    assert run("user", verb, " ", "--role", "admin") == (1, "a user needs a name\n")
    for role in ("leader", "keeper"):
        assert run("user", verb, role, "--role", role) == (1, f"a {role} is one of a college: --college\n")
        for nowhere in ("XX", "*"):
            status, said = run("user", verb, role, "--role", role, "--college", nowhere)
            assert (status, said) == (1, f"no college {nowhere!r} on the roster\n")
        assert run("user", verb, role, "--role", role, "--college", "WY")[0] == 0


def test_the_chain_of_a_fresh_ledger_holds(run: Run) -> None:
    assert run("audit", "verify") == (0, "the chain holds\n")


def test_an_invitation_prints_a_link_and_disabling_ends_it(run: Run) -> None:
    status, said = run("user", "invite", "guest", "--role", "officer")
    assert status == 0
    assert said.startswith("http://127.0.0.1:8110/invite/") and "once" in said
    status, again = run("user", "reset", "guest", "--invite")
    assert status == 0 and again.split()[0] != said.split()[0]
    assert run("user", "disable", "guest")[0] == 0
    assert run("user", "disable", "nobody")[0] == 1


@pytest.mark.parametrize("port", ["99999", "-1", "80x"])
def test_a_port_that_there_is_not_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(("up", f"--port={port}"))
    assert (left.value.code, "--port" in capsys.readouterr().err) == (2, True)


def test_a_host_that_nobody_knows_is_one_line(run: Run) -> None:
    status, said = run("up", "--host", "nobody.invalid", "--port", "0")
    assert (status, said) == (
        2,
        "cannot listen on nobody.invalid:0: no such host; choose another with --port or --host\n",
    )


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(("--version",))
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("stopline 0.")
