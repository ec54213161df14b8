"""The rates of this machine are its own, and not those of the moment."""

from __future__ import annotations

import json
import time

import pytest
import torch

from stages.plan.estimate import rates as module
from stages.plan.estimate.rates import (
    AROUND,
    LAYERS,
    SIDE,
    fastest,
    measure,
    measured_rates,
    rates_of,
)


class Clock:
    """Shows seconds that only `pass_` moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def pass_(self, seconds):
        self.now += seconds


def test_the_fastest_call_counts():
    clock, taken = Clock(), iter([9.0, 0.5, 0.2, 4.0, 0.3])
    assert fastest(lambda: clock.pass_(next(taken)), clock, 4.0) == pytest.approx(0.2)


def test_time_of_other_processes_does_not_count():
    """By default the clock is the process' own: what sleeps takes no time."""
    assert measure.__defaults__[0] is time.process_time
    waited = fastest(lambda: time.sleep(0.02), time.process_time, 0.001)
    assert waited < 0.01


def test_a_disturbance_does_not_hit_all_repetitions():
    """A clock on which the first round of every measurement takes ten times as long."""
    clock = Clock()
    rounds = []

    def slow_at_first(call, clock, seconds):
        rounds.append(call)
        return 10.0 if len(rounds) <= 1 + len(LAYERS) else 1.0

    before = module.fastest
    module.fastest = slow_at_first
    try:
        found = measure(2, clock)
    finally:
        module.fastest = before
    assert found == {"product": 0.5, "calls": 0.5, "in cache": 0.5, "in memory": 0.5}  # 2 threads


def test_rates_from_seconds():
    """All calls take 1 us and bytes nothing; then arithmetic is that of the product."""
    seconds = {"product": 2 * SIDE**3 / 1e11}
    for name in LAYERS:
        seconds[name] = 1e-6 * module._work(name).calls
    found = rates_of(seconds)
    assert found.flops == pytest.approx(1e11)
    assert found.call == pytest.approx(AROUND * 1e-6)
    more = {**seconds, "in cache": seconds["in cache"] + 1e-3, "in memory": 1e-3}
    assert rates_of(more).bytes < found.bytes


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """`(file, say(seconds))`: what the next measurements find."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def say(**seconds):
        whole = {"product": 1.0, "calls": 1e-3, "in cache": 0.5, "in memory": 0.5} | seconds
        monkeypatch.setattr(module, "measure", lambda threads: whole)

    return tmp_path / "nassl" / "rates.json", say


def test_a_busy_machine_has_the_rates_of_an_idle_one(cache):
    file, say = cache
    say()
    idle = measured_rates(1)
    say(product=7.0, calls=5e-3)
    assert measured_rates(1) == idle
    say(product=0.5)
    better = measured_rates(1)
    assert better.flops == pytest.approx(2 * idle.flops)
    assert better.call == idle.call
    (known,) = json.loads(file.read_text()).values()
    assert known["product"] == 0.5
    say(product=2.0)
    assert measured_rates(4).flops == pytest.approx(idle.flops / 2)  # another number of threads
    assert len(json.loads(file.read_text())) == 2


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}', '{"a": {"product": "x"}}', "\xff"])
def test_a_broken_cache_is_replaced(cache, content):
    file, say = cache
    file.parent.mkdir()
    file.write_bytes(content.encode("latin-1"))
    say()
    first = measured_rates(1)
    assert measured_rates(1) == first
    assert len(json.loads(file.read_text())) == 1


def test_without_a_place_for_the_cache_the_measurement_stands_alone(cache):
    file, say = cache
    file.parent.write_text("a file in the way")
    say()
    assert measured_rates(1).flops == pytest.approx(2 * SIDE**3)


def test_rates_of_this_machine_are_those_of_a_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = torch.get_num_threads()
    found = measured_rates(1)
    assert torch.get_num_threads() == before
    assert 1e8 < found.flops < 1e14
    assert 1e8 < found.bytes < 1e13
    assert 1e-7 < found.call < 1e-3
