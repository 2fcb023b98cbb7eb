"""Escalation by three clocks at once: each step once, in its turn."""

from tests.processes import Installation, eventually


def test_three_clocks_take_each_step_once(separate: Installation) -> None:
    separate.start("web", "relay", "worker", "clock")
    for name in ("second-clock", "third-clock"):
        separate.start("clock", name=name)
    report = separate.accepted()
    separate.await_settled()
    police, counselor = ("officer", "backup", "desk"), ("counselor", "stand_in", "college_duty")
    for seconds, expected in ((121, (2, 1, 0)), (120, (2, 1, 1)), (240, (3, 1, 1))):
        separate.advance(seconds)
        assert_reached(separate, report.code, police, expected)
    separate.advance(120)  # ten minutes after the report
    assert_reached(separate, report.code, police, (4, 2, 1))
    assert_reached(separate, report.code, counselor, (1, 1, 1))
    separate.await_settled()
    assert_reached(separate, report.code, police, (4, 2, 1))
    steps = separate.rows(
        "SELECT e.data ->> 'obligation', e.data ->> 'step', count(*) FROM case_events e "
        "WHERE e.type = 'alert.escalated.v1' GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert steps == [("counselor", "1", 1), *(("police", str(step), 1) for step in (1, 2, 3, 4))]
    assert [separate.processes[name].log("clock_step_failed") for name in separate.processes] == [[]] * 6


def assert_reached(on: Installation, code: str, roles: tuple[str, ...], expected: tuple[int, ...]) -> None:
    def counts() -> tuple[int, ...]:
        return tuple(len(on.texts(role, code)) for role in roles)

    try:
        eventually(lambda: counts() == expected, "not reached", 20)
    except AssertionError:
        raise AssertionError(f"{roles}: {counts()} texts, not {expected}\n{on.faults_said()}") from None
