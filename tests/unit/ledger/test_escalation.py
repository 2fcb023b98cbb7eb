"""Who is next and when: tables over a fixed start, and walks of a whole night."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import escalation as esc
from ledger.escalation import Advance, Decision, Ladder, NobodyLeft, Rung, Stay, decide, due_at

START = datetime(2026, 11, 23, 6, 32, tzinfo=UTC)
POLICE = esc.DEFAULTS["police"]  # 0 · 120 · 240, repeat 480


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(("step", "seconds"), [(0, 0), (1, 120), (2, 240), (3, 480), (4, 600), (5, 720), (6, 960)])
def test_due_at(step: int, seconds: int) -> None:
    assert due_at(POLICE, START, step) == at(seconds)


@pytest.mark.parametrize(
    ("step", "seconds", "alerts", "answer"),
    [
        (-1, 0, [], Advance(0, "time", START)),
        (0, 1, ["pending"], Stay(at(120))),
        (0, 119, ["delivered"], Stay(at(120))),
        (0, 120, ["delivered"], Advance(1, "time", START)),
        (0, 1, ["failed_permanent"], Advance(1, "failed", START)),
        (0, 1, ["failed_temporary", "undelivered"], Advance(1, "failed", START)),
        (0, 1, ["failed_permanent", "sent"], Stay(at(120))),
        (0, 1, ["failed_permanent", "unknown"], Stay(at(120))),
        (0, 1, ["unknown"], Stay(at(120))),
        (0, 1, ["unknown_settled"], Advance(1, "failed", START)),
        (0, 61, ["no_receipt"], Advance(1, "failed", START)),
        (0, 1, [], Advance(1, "empty", START)),
        (0, 1, ["cancelled"], Advance(1, "empty", START)),
        (0, 1, ["cancelled", "sent"], Stay(at(120))),
        (0, 1, ["cancelled", "failed_permanent"], Advance(1, "failed", START)),
        (2, 241, ["failed_permanent"], Stay(at(480))),  # the officer may still answer: no early second round
        (2, 241, [], Stay(at(480))),
        (2, 480, ["failed_permanent"], Advance(3, "time", START)),
        (2, 241, ["undelivered"], Stay(at(480))),
        (2, 241, ["failed_temporary"], Stay(at(480))),  # it is tried again by itself
        (2, 241, ["unknown_settled", "sent"], Stay(at(480))),
        (0, 8, ["unanswered"], Advance(1, "failed", START)),
        (2, 249, ["unanswered"], NobodyLeft(at(480))),
        (2, 249, ["unanswered", "sent"], Stay(at(480))),
        (0, 8, ["declined"], Advance(1, "failed", at(-112))),  # the second step is 120 s after it, wherever it begins
        (0, 8, ["declined", "sent"], Stay(at(120))),
        (1, 130, ["declined", "undelivered"], Advance(2, "failed", at(-110))),
        (1, 130, ["declined", "unknown_settled"], Advance(2, "failed", START)),  # it is said again by its own time
        (2, 249, ["declined"], NobodyLeft(at(480))),
        (2, 241, ["unknown_settled"], Stay(at(250))),
        (2, 250, ["unknown_settled"], Advance(5, "failed", at(-480))),
        (2, 301, ["unknown_settled"], Stay(at(480))),  # that was long ago
        (0, 400, ["sent"], Advance(1, "time", START)),  # late, though steps 1 and 2 are due: one at a time
    ],
)
def test_decide(step: int, seconds: int, alerts: Sequence[str], answer: Decision) -> None:
    assert decide(POLICE, START, step, at(seconds), alerts) == answer


def test_a_step_before_its_start_waits() -> None:
    assert decide(POLICE, START, -1, at(-5), []) == Stay(START)


@pytest.mark.parametrize("alerts", [[], ["failed_permanent"], ["cancelled"], ["unknown_settled", "undelivered"]])
def test_a_whole_round_that_reached_nobody_raises_the_alarm_then_tries_again(alerts: Sequence[str]) -> None:
    assert decide(POLICE, START, 2, at(3), alerts, barren=2, entered_at=at(2)) == NobodyLeft(at(12))
    again = decide(POLICE, START, 2, at(12), alerts, barren=2, entered_at=at(2))
    assert isinstance(again, Advance)
    assert again.to_step == 3
    assert due_at(POLICE, again.started_at, 3) == at(12)  # the schedule begins anew: backup 120 s from now
    assert due_at(POLICE, again.started_at, 4) == at(132)


def test_where_the_provider_cannot_say_who_heard_of_it_those_rung_early_are_rung_at_their_own_time_once() -> None:
    """The second and third step came at 8 and 16: they are said again at 120 and 240, and the round ends as ever."""
    for barren in (0, 1, 2):
        for seconds in (26, 40, 119):
            verdict = decide(POLICE, START, 2, at(seconds), ["unanswered", "undelivered"], barren, entered_at=at(16))
            assert verdict == NobodyLeft(at(120))
    again = decide(POLICE, START, 2, at(120), ["unanswered"], entered_at=at(16))
    assert again == Advance(4, "time", at(-480))
    assert [due_at(POLICE, at(-480), step) for step in (4, 5, 6)] == [at(120), at(240), at(480)]
    assert decide(POLICE, at(-480), 4, at(128), ["unanswered"], entered_at=at(120)) == Advance(5, "failed", at(-480))
    assert decide(POLICE, at(-480), 5, at(136), ["unanswered"], entered_at=at(128)) == NobodyLeft(at(240))
    assert decide(POLICE, at(-480), 5, at(250), ["unanswered"], entered_at=at(240)) == NobodyLeft(at(480))


@pytest.mark.parametrize("last", [["failed_permanent"], ["undelivered"], []])
def test_so_are_they_where_the_last_step_has_nobody_whom_a_text_reaches(last: list[str]) -> None:
    assert decide(POLICE, START, 2, at(17), last, entered_at=at(16), doubt=True) == NobodyLeft(at(120))
    again = decide(POLICE, START, 2, at(120), last, entered_at=at(16), doubt=True)
    assert again == Advance(4, "time", at(-480))
    assert decide(POLICE, START, 2, at(17), last, 1, at(16), lost={1}, doubt=True) == Stay(at(26))  # lost: said sooner


def test_what_a_provider_in_trouble_lost_is_said_again_and_later_steps_keep_their_times() -> None:
    """The officer was reached at once; the second step and, brought forward by that, the third were lost."""
    lost = "unknown_settled"
    assert decide(POLICE, START, 2, at(128), [lost], 1, at(124), lost={1}) == Stay(at(134))
    again = decide(POLICE, START, 2, at(134), [lost], 1, at(124), lost={1})
    assert again == Advance(4, "failed", at(-480))
    assert esc.rung_of(POLICE, 4) == esc.rung_of(POLICE, 1)
    assert decide(POLICE, at(-480), 4, at(135), ["sent"], barren=2, entered_at=at(134)) == Stay(at(240))
    assert decide(POLICE, at(-480), 4, at(240), ["sent"], barren=2, entered_at=at(134)) == Advance(5, "time", at(-480))
    assert decide(POLICE, at(-480), 5, at(241), ["sent"], entered_at=at(240)) == Stay(at(480))


@pytest.mark.parametrize("last", [["failed_permanent"], ["undelivered"], ["failed_temporary"], []])
def test_what_was_lost_is_said_again_whatever_the_last_step_came_to(last: list[str]) -> None:
    """The officer was reached, the second step lost, and the desk is a number that takes no texts, or empty."""
    assert decide(POLICE, START, 2, at(128), last, 1, at(124), lost={1}) == Stay(at(134))
    again = decide(POLICE, START, 2, at(134), last, 1, at(124), lost={1})
    assert isinstance(again, Advance) and (again.to_step, again.started_at) == (4, at(-480))
    assert decide(POLICE, START, 2, at(128), last, 1, at(124)) == Stay(at(480))  # refused, and not lost


def walked(lost: Callable[[int, int], bool], seconds: int, refused: int = -1) -> list[tuple[int, int]]:
    """(second, rung) of each step; `lost(second, rung)`: whether a text of then is lost, known four seconds later.

    `refused`: the rung that the provider refuses at once, always.
    """
    started, step, barren, entered, steps, earlier = START, 0, 0, 0, [(0, 0)], set[int]()
    for second in range(1, seconds):
        gone = lost(entered, step % 3) and step % 3 != refused
        state = ("unknown_settled" if second - entered >= 4 else "unknown") if gone else "sent"
        state = "failed_permanent" if step % 3 == refused else state
        answer = decide(POLICE, started, step, at(second), [state], barren, at(entered), lost=earlier)
        if isinstance(answer, Advance):
            earlier = earlier | {step} if gone else earlier if step % 3 == refused else set()
            barren = barren + 1 if gone or step % 3 == refused else 0
            started, step, entered = answer.started_at, answer.to_step, second
            steps.append((second, step % 3))
    return steps


@pytest.mark.parametrize("begins", [0, 100, 115, 119, 120, 180, 235, 240, 300, 475, 480])
@pytest.mark.parametrize("lasts", [3, 12, 30, 90, 400])
@pytest.mark.parametrize("refused", [-1, 2])
def test_after_an_outage_of_the_provider_somebody_is_rung_within_fifteen_seconds(
    begins: int, lasts: int, refused: int
) -> None:
    """Of a case that had lost a step in it, also where the last rung takes no texts."""
    over = begins + lasts
    steps = walked(lambda second, _rung: begins <= second < over, over + 20, refused)
    steps = [(second, rung) for second, rung in steps if rung != refused]
    if any(begins <= second < over for second, _ in steps):
        assert any(over <= second <= over + 15 for second, _ in steps), steps


def test_one_number_that_is_never_reached_has_the_others_rung_a_little_sooner() -> None:
    assert walked(lambda _second, rung: rung == 2, 500) == [
        (0, 0), (120, 1), (240, 2), (250, 2), (260, 2), (270, 0), (390, 1)
    ]  # fmt: skip


def test_a_ladder_of_one_rung_retries_at_the_same_pace() -> None:
    ladder = Ladder((Rung(0, ("desk",)),), 300)
    assert decide(ladder, START, 0, at(1), [], entered_at=at(0)) == NobodyLeft(at(10))
    assert decide(ladder, START, 0, at(10), [], entered_at=at(0)) == Advance(1, "empty", at(10 - 300))


def test_a_clock_that_was_down_sends_one_round_and_skips_no_step() -> None:
    now, step, started, walked = at(3600 + 5), 0, START, []
    while isinstance(answer := decide(POLICE, started, step, now, ["sent"]), Advance):
        assert answer.to_step == step + 1
        step, started = answer.to_step, answer.started_at
        walked.append(step)
    assert walked == [1, 2, 3]
    assert isinstance(answer, Stay)
    assert answer.until - now <= timedelta(seconds=POLICE.repeat_s)


@given(
    st.lists(
        st.tuples(st.integers(0, 700), st.sampled_from(["sent", "unknown", "undelivered", "none", "unknown_settled"])),
        max_size=80,
    ),
    st.sampled_from(sorted(esc.DEFAULTS)),
)
def test_no_walk_skips_a_step_or_falls_behind(ticks: list[tuple[int, str]], kind: str) -> None:
    ladder, started, step, now, barren, entered = esc.DEFAULTS[kind], START, 0, START, 0, START
    gone = ("undelivered", "none", "unknown_settled")
    for seconds, state in ticks:
        now += timedelta(seconds=seconds)
        answer = decide(ladder, started, step, now, [] if state == "none" else [state], barren, entered)
        if isinstance(answer, Advance):
            said_again = answer.started_at == started - timedelta(seconds=ladder.repeat_s)
            assert step < answer.to_step <= step + (len(ladder.rungs) if said_again else 1)
            assert due_at(ladder, answer.started_at, answer.to_step) <= now or answer.reason != "time"
            assert answer.reason == "time" or state in gone
            barren = barren + 1 if state in gone else 0
            step, started, entered = answer.to_step, answer.started_at, now
        else:
            assert now < answer.until <= due_at(ladder, started, step + 1)


@pytest.mark.parametrize(
    ("clock", "rungs"), [("21:59", 4), ("22:00", 3), ("03:14", 3), ("06:59", 3), ("07:00", 4), ("12:00", 4)]
)
def test_at_night_the_first_two_rungs_ring_at_once(clock: str, rungs: int) -> None:
    ladder = esc.for_hour(esc.DEFAULTS["counselor"], time.fromisoformat(clock))
    assert len(ladder.rungs) == rungs
    if rungs == 3:
        assert ladder.rungs[0] == Rung(0, ("counselor", "stand_in", "college_duty"))
        assert ladder.rungs[1] == Rung(1200, ("deputy_secretary",))


def test_ladder_of_roster_rows() -> None:
    rows = [(0, ("officer",)), (90, ("officer", "backup")), (200, ("desk",))]
    assert esc.ladder_of(rows).repeat_s == 500
    assert esc.ladder_of([*rows, (360, ("repeat",))]).repeat_s == 360
    assert esc.ladder_of(rows, 400).rungs[1] == Rung(90, ("officer", "backup"))


@pytest.mark.parametrize("rungs", [(), (Rung(5, ("desk",)), Rung(5, ("desk",))), (Rung(300, ("desk",)),)])
def test_a_ladder_out_of_order_is_refused(rungs: tuple[Rung, ...]) -> None:
    with pytest.raises(ValueError, match="rising order"):
        Ladder(rungs, 300)


def test_the_default_ladders_name_known_targets() -> None:
    named = {target for ladder in esc.DEFAULTS.values() for rung in ladder.rungs for target in rung.targets}
    assert named <= set(esc.TARGETS)


@pytest.mark.parametrize(
    ("seconds", "reminded", "answer"),
    [
        (599, False, None),
        (600, False, "remind"),
        (600, True, None),
        (899, True, None),
        (900, True, "move_on"),
        (900, False, "move_on"),
    ],
)
def test_owner_clock(seconds: int, reminded: bool, answer: str | None) -> None:
    assert esc.owner_clock(START, reminded, at(seconds)) == answer


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 0), (59, 0), (60, 1), (671, 11), (-30, 0)])
def test_minutes_between(seconds: int, minutes: int) -> None:
    assert esc.minutes_between(START, at(seconds)) == minutes
