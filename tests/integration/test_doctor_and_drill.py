"""What an operator asks: `stopline doctor` names each fault, `stopline drill` goes the real way and gives a verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.private_services import PostgreSQL, free_port
from tests.processes import EMBEDDED, SEPARATE, Installation, installed
from tests.world import sqlite_url


def doctor(on: Installation, **settings: str) -> tuple[int, list[str]]:
    """Its exit status and the faults it names."""
    done = on.command("doctor", timeout=60, **settings)
    assert done.stderr == "", done.stderr
    lines = done.stdout.splitlines()
    faults = [line.removeprefix("FAULT ") for line in lines if line.startswith("FAULT")]
    assert lines[-1] == {0: "no faults", 1: "1 fault"}.get(len(faults), f"{len(faults)} faults")
    return done.returncode, faults


def test_all_is_well(running: Installation) -> None:
    if SEPARATE[0] in running.processes:
        running.await_broker()
    assert doctor(running) == (0, [])


def test_a_misspelt_setting_is_named_and_is_no_fault(embedded: Installation) -> None:
    (embedded.folder / ".env").write_text("STOPLINE_NUMBER_BUGET_FILE=/run/budget\n")
    done = embedded.command("doctor", STOPLINE_HEARTBEAT_URI="https://up.example.cn", STOPLINE_PORT_OF_OURS="1")
    (embedded.folder / ".env").unlink()
    assert [line for line in done.stdout.splitlines() if "no such setting" in line] == [
        "warning: STOPLINE_HEARTBEAT_URI: there is no such setting; did you mean STOPLINE_HEARTBEAT_URL?",
        "warning: STOPLINE_NUMBER_BUGET_FILE: there is no such setting; did you mean STOPLINE_NUMBER_BUDGET_FILE?",
        "warning: STOPLINE_PORT_OF_OURS: there is no such setting",
    ]
    assert not [line for line in done.stdout.splitlines() if line.startswith("FAULT STOPLINE")]


def test_texts_to_the_mainland_through_a_provider_abroad_are_warned_of(embedded: Installation) -> None:
    said = embedded.command("doctor").stdout
    assert "warning: +86: texts leave the country" in said
    assert "leave the country" not in embedded.command("doctor", STOPLINE_CHANNEL="simulator").stdout


def test_wrong_credentials_are_named(running: Installation) -> None:
    status, faults = doctor(running, TWILIO_AUTH_TOKEN="wrong")
    assert (status, faults) == (1, ["provider: Twilio refuses TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"])


def test_a_silent_provider_is_named(running: Installation) -> None:
    status, faults = doctor(running, STOPLINE_TWILIO_API_BASE=f"http://127.0.0.1:{free_port()}")
    assert status == 1
    assert ["Twilio cannot be asked" in fault for fault in faults] == [True]


def test_a_drill_goes_the_real_way_and_rings_no_phone(running: Installation) -> None:
    before = len(running.double.creations)
    done = running.command("drill")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "every step in time" in done.stdout
    running.await_settled()
    assert len(running.double.creations) == before


def test_a_drill_without_anybody_who_works_fails(running: Installation) -> None:
    running.stop()
    if running.broker_url != EMBEDDED:
        running.start("web", "relay")
    done = running.command("drill")
    assert done.returncode == 1
    assert "MISSED" in done.stdout or "is the service up?" in done.stdout


def test_a_queue_without_a_consumer_is_named(separate: Installation) -> None:
    separate.stop()
    separate.start("relay")
    status, faults = doctor(separate)
    queues = [f"broker: queue {queue} has no consumer; is a worker running?" for queue in
              ("police", "counselor", "care", "notice")]  # fmt: skip
    assert (status, faults) == (1, queues)


def test_a_broker_that_is_away_is_named(separate: Installation) -> None:
    status, faults = doctor(separate, STOPLINE_BROKER_URL=f"amqp://guest:guest@127.0.0.1:{free_port()}//")
    assert status == 1
    assert ["broker: cannot be reached" in fault for fault in faults] == [True]


def test_without_the_database_everything_else_is_looked_at_all_the_same(running: Installation) -> None:
    left = running.folder / "state" / "spool" / "1.2.3.report"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text("{}")
    nowhere = f"postgresql+psycopg://app@127.0.0.1:{free_port()}/none"
    status, faults = doctor(running, STOPLINE_DATABASE_URL=nowhere, TWILIO_AUTH_TOKEN="wrong")
    left.unlink()
    assert status == 1
    named = {fault.partition(":")[0] for fault in faults}
    assert named - {"broker"} == {"ledger", "spool", "provider"}  # workers that have just started consume in a moment


def test_a_database_that_may_forget_is_named_and_no_process_starts_on_it(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    with installed(postgresql.new_database(), EMBEDDED, tmp_path) as made:
        made.prepare()
        status, faults = doctor(made)
        refused = made.launch("up")
        assert refused.await_end(60) == 2
    assert status == 1
    assert ["PostgreSQL runs with fsync=off" in fault for fault in faults] == [True]
    assert refused.said.splitlines()[-1] == "STOPLINE_DATABASE_URL: PostgreSQL runs with fsync=off; turn it on"


@pytest.mark.parametrize(("upgraded", "said"), [(True, "nobody would be called"), (False, "stopline db upgrade")])
def test_an_empty_roster_and_missing_tables_are_named(tmp_path: Path, upgraded: bool, said: str) -> None:
    with installed(sqlite_url(tmp_path), EMBEDDED, tmp_path) as made:
        if upgraded:
            assert made.command("db", "upgrade").returncode == 0
        status, faults = doctor(made) if upgraded else (made.command("doctor").returncode, [])
        assert status == 1
        assert all(said in fault for fault in faults)
        assert said in made.command("doctor").stdout
