"""What bench/ makes of its figures: medians, ratios, and pictures that a browser can read."""

from xml.etree import ElementTree

import pytest

from bench import chart, growth, model, waterfall
from bench.load import at
from bench.sides import OURS, PREFORK
from bench.table import GOALS, beside_goals, ratio, table

PEER = "celery"
ROUNDS = {OURS: [{"p50": 4.0}, {"p50": 6.0}, {"p50": 50.0}], PEER: [{"p50": 12.0}, {"p50": 10.0}, {"p50": 14.0}]}


def test_ours_is_beside_each_peer_by_the_medians_of_all_rounds() -> None:
    assert ratio(ROUNDS, PEER, "p50") == 0.5
    assert table(ROUNDS).splitlines()[2] == "| p50 | 6 (4–50) | 12 (10–14) · **0.50** |"


def test_a_page_that_grows_with_age_stands_out() -> None:
    shown = growth.table({1000: {"page": 10.0, "step": 2.0}, 100_000: {"page": 30.0, "step": 2.0}})
    assert "| page | 10.0 | 30.0 | **3.00** |" in shown
    assert "| step | 2.0 | 2.0 | 1.00 |" in shown


def test_a_step_is_the_median_of_what_the_processes_noted() -> None:
    moments = [
        (100.0 + n, f"{what} report") for start, what in ((2, "begin"), (6, "end")) for n in (start, 1000 + start)
    ]
    found = waterfall.steps(sorted(moments), [100.0, 1100.0], [(8.0, 20.0, 30.0), (10.0, 22.0, 32.0)])
    assert found["door: transaction"] == (2.0, 6.0)
    assert found["door: answer"] == (6.0, 9.0)
    assert "police: transaction" not in found  # nobody noted it


def test_pictures_are_whole_and_mark_what_misses_its_goal() -> None:
    picture = chart.ratios("Ours ÷ peer", [("p50", 0.5, 0.65), ("p99 <slow>", 3.0, 0.9), ("accepted/s", 2.5, 2.0)])
    svg = "{http://www.w3.org/2000/svg}"
    bars = [it.attrib["fill"] for it in ElementTree.fromstring(picture).iter(f"{svg}rect")][1:]  # our own
    assert bars[0] == bars[2] != bars[1]
    wide = ElementTree.fromstring(chart.waterfall("One report", {"door": (0.0, 4.0), "call": (4.0, 6.0)}))
    first, second = [float(it.attrib["width"]) for it in wide.iter(f"{svg}rect")][1:]
    assert abs(first - 2 * second) < 0.2  # as drawn, to a tenth


def test_the_simulation_waits_as_long_as_queueing_theory_says() -> None:
    run, station, waits = model.Simulation(seed=7), model.Station("threads", 4), list[float]()
    came = 0.0
    for _ in range(40_000):
        came += run.spread(1000 / 60)
        run.after(came, lambda: run.serve(station, 50.0, lambda began, at=run.now: waits.append(began - at)))  # type: ignore[misc]
    run.run()
    assert sum(waits) / len(waits) == pytest.approx(model.erlang_c_wait_ms(60, 50.0, 4), rel=0.1)


def test_the_police_wait_for_no_other_text() -> None:
    """The same load once with many other texts and once without them; a slow provider, few threads."""
    busy = model.simulate(model.Plan(rate=8, threads=2, provider_ms=50, reports=4000))
    assert busy.used["sender threads"] > 0.7
    assert at(busy.police_ms, 50) < 100  # one text that was begun before, at the most, and the handlers


def test_only_what_both_sides_were_measured_at_is_put_beside_its_goal() -> None:
    figures = dict.fromkeys((name for name, _, _ in GOALS), 2.0)
    found = beside_goals({OURS: [figures], PREFORK: [dict.fromkeys(figures, 4.0)]})
    assert ("unloaded police p50", 0.5, 0.65) in found
    assert "burst 50 ms last police s" not in [name for name, _, _ in found]
