"""What runs come from, over several stages."""

from __future__ import annotations

import pytest

from nassl.settings import SettingsError
from stages.plan.checks.plan import check_plan
from stages.plan.lineage import ancestry, search_of
from tests.plans import composed

EDGES = {
    "probe/p": ["prepare/d", "pretrain/t"],
    "pretrain/t": ["prepare/d", "select/s"],
    "select/s": ["score/a", "score/b"],
    "score/a": ["search/a", "prepare/d"],
    "score/b": ["search/b", "prepare/d"],
    "search/a": ["prepare/d", "search/first"],
    "search/b": ["prepare/d"],
    "search/first": ["prepare/d"],
    "prepare/d": [],
}


def test_near_runs_come_first_and_each_once():
    assert ancestry("pretrain/t", EDGES.__getitem__) == [
        "prepare/d", "select/s", "score/a", "score/b", "search/a", "search/b", "search/first",
    ]  # fmt: skip
    assert ancestry("prepare/d", EDGES.__getitem__) == []


@pytest.mark.parametrize("run", ["probe/p", "pretrain/t", "select/s", "score/a", "search/a"])
def test_the_architecture_is_of_the_first_candidate(run):
    assert search_of(run, EDGES.__getitem__) == "search/a"


def test_labels_are_found_wherever_an_architecture_comes_from():
    """An evolution starts from one that started from a search with labels."""
    params = composed("scale=toy", "paper=[faunae]")
    check_plan(params)
    evolved = params["search"]["faunae-from-random-shapes-s0"]
    evolved["initial"] = "search/faunae-from-proxyless-shapes-s0"
    with pytest.raises(SettingsError, match=r"whose search/proxyless-shapes-s0 reads labels"):
        check_plan(params)
