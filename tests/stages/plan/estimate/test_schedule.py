"""The schedule of a plan: against hand-made graphs, and its edges against dvc.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from stages.plan.estimate.schedule import makespan, upstream_of
from stages.plan.estimate.table import estimate
from tests.plans import composed

ROOT = Path(__file__).resolve().parents[4]
# a (1 h) -> b (2 h) -> d (1 h); a -> c (4 h); e (3 h) alone
HOURS = {"a": 1.0, "b": 2.0, "c": 4.0, "d": 1.0, "e": 3.0}
UPSTREAM = {"a": [], "b": ["a"], "c": ["a"], "d": ["b"], "e": []}


@pytest.mark.parametrize(("devices", "expected"), [(1, 11.0), (2, 6.0), (3, 5.0), (100, 5.0)])
def test_hours_on_some_devices(devices, expected):
    # two: a, then c beside e's end (3), b (5), d (6); three: the longest chain, a and c
    assert makespan(HOURS, UPSTREAM, devices) == expected


@pytest.mark.parametrize(("devices", "expected"), [(1, 11.0), (2, 6.0), (3, 5.0), (4, 4.0)])
def test_a_run_on_several_devices_waits_until_they_are_free(devices, expected):
    # two: a and e; b from 1 to 3; c on both from 3 to 5, then d
    # three: the same, with d beside c; four: c beside b from 1 to 3, then d
    assert makespan(HOURS, UPSTREAM, devices, {"c": 2}) == expected


def test_edges_are_those_of_the_graph():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    graph = Repo(str(ROOT)).index.graph
    theirs = {stage.addressing.replace("@", "/"): set() for stage in graph}
    for stage, needed in graph.edges:
        theirs[stage.addressing.replace("@", "/")].add(needed.addressing.replace("@", "/"))
    del theirs["report"]
    for run, needed in upstream_of(params).items():
        # dvc.yaml lets a search that reads no data wait for them all the same.
        assert set(needed) <= theirs[run], run
        assert {n for n in theirs[run] if not n.startswith("prepare/")} <= set(needed), run


def test_the_estimate_names_the_fleets():

    text = estimate(composed("scale=smoke"), "A100")
    assert " h on 1, " in text
    assert " h on 64; the longest chain of runs takes " in text
