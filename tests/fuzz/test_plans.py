"""Plans of any content: the project's own errors or a plan."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nassl.settings import SECTIONS, SettingsError
from stages.plan.__main__ import plan as composed
from stages.plan.checks.plan import check_plan
from stages.plan.compose.config import compose_config
from stages.plan.expand import Expansion
from stages.runs.lines import RUNS
from stages.runs.run import read_run, resolve_run
from tests.fuzz.examples import VALUES, bounded, changed, fewer


@pytest.fixture(scope="module")
def smoke() -> dict[str, Any]:
    """A run or two of every stage; what `report` is told is left out."""
    params = composed(["scale=smoke", "seeds.search=1"])
    del params["report"]
    return params


@fewer
@given(data=st.data())
def test_plans_edited_by_hand(data, smoke):
    tree = data.draw(changed(smoke))
    for stage in RUNS:
        for name in list(smoke[stage])[:1]:
            with suppress(SettingsError):
                resolve_run(stage, name, tree, "the plan")


@fewer
@given(data=st.data())
def test_plans_that_are_checked_as_a_whole(data, smoke):
    tree = data.draw(changed(smoke))
    with suppress(SettingsError):
        check_plan(tree)


@bounded
@given(text=st.text(max_size=60) | st.binary(max_size=60))
def test_files_that_are_not_a_plan(text, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SettingsError):
        read_run("search", "s", path)


KEYS = st.sampled_from(
    ["recipe.search.epochs", "objective.simclr.views.crop_scale", "only", "seeds.search",
     "data.digits.train", "recipe.search.milestones", "scale", "paper", "x.y", "network.cells"]
)  # fmt: skip


@settings(bounded, max_examples=8)  # most of a second each: Hydra reads all of workflow/config
@given(key=KEYS, value=st.text(max_size=12) | st.integers().map(str) | VALUES.map(str))
def test_overrides(key, value):
    with suppress(SettingsError):
        composed(["scale=smoke", f"{key}={value}"])


@pytest.fixture(scope="module")
def config():
    return compose_config(["scale=smoke"])


@fewer
@given(key=KEYS, value=VALUES)
def test_a_value_that_an_override_gives(key, value, config):
    """Without Hydra's syntax, which the test above covers."""
    *folders, last = key.split(".")
    tree = copy.deepcopy(config)
    section = tree
    for folder in folders:
        section = section.setdefault(folder, {})
    section[last] = value
    with suppress(SettingsError):
        check_plan(Expansion(tree).params())


@bounded
@given(data=st.data())
def test_what_papers_ask_for(data, config):
    own = {key: value for key, value in config.items() if key not in SECTIONS}
    tree = {**config, **data.draw(changed(own))}
    with suppress(SettingsError):
        check_plan(Expansion(tree).params())
