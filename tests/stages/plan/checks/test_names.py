"""Names that a shell or a path could take for something else are refused, whatever their source."""

from __future__ import annotations

import copy

import pytest

from nassl.settings import SettingsError
from stages.plan.checks.names import check_names
from stages.plan.checks.plan import check_plan
from tests.plans import composed

HARMFUL = [
    "a;rm", "a b", "a|b", "a&b", "$(id)", "`id`", "a>b", "a\nb", "'", '"', "*", "~", "-rf",
    ".hidden", "..", "../up", "/etc", "a//b", "a/../b", "ä", "a\\b", "x" * 129,
]  # fmt: skip


@pytest.fixture(scope="module")
def smoke():
    return composed("scale=smoke")


@pytest.mark.parametrize("name", [*HARMFUL, "", "a/b", 1, None])
def test_a_harmful_name_of_a_run(smoke, name):
    params = copy.deepcopy(smoke)
    params["search"][name] = next(iter(params["search"].values()))
    with pytest.raises(
        SettingsError, match=r"search has a run called .*; allowed: letters, digits"
    ):
        check_names(params)


@pytest.mark.parametrize("value", HARMFUL)
@pytest.mark.parametrize(
    ("stage", "field"),
    [("search", "follows"), ("search", "labels"), ("score", "select"), ("retrain", "architecture")],
)
def test_a_harmful_string_of_a_line(smoke, stage, field, value):
    params = copy.deepcopy(smoke)
    name, line = next(iter(params[stage].items()))
    line[field] = value
    with pytest.raises(SettingsError, match=rf"{stage}\.{name}\.{field} is .*; allowed: letters"):
        check_names(params)


@pytest.mark.parametrize(
    ("stage", "field", "value"),
    [
        ("search", "data", "mnist"),
        ("score", "search", "x"),
        ("score", "select", "x"),
        ("select", "candidates", ["x"]),
        ("retrain", "architecture", "select/x"),
        ("probe", "pretrain", "x"),
    ],
)
def test_a_run_that_the_plan_lacks(smoke, stage, field, value):
    params = copy.deepcopy(smoke)
    name, line = next(iter(params[stage].items()))
    line[field] = value
    with pytest.raises(
        SettingsError, match=rf"{stage}/{name}\.{field} is '.*x?', but the plan has no"
    ):
        check_plan(params)


def test_the_plans_own_names_pass(smoke):
    check_names(smoke)


@pytest.mark.parametrize(
    ("stage", "field", "value", "allowed"),
    [
        ("retrain", "architecture", "resnet50", "select/<run> and search/<run>"),
        ("pretrain", "architecture", "prepare/digits", "select/<run> and search/<run>"),
        ("transfer", "weights", "search/ssnas-digits-s0", "pretrain/<run> and retrain/<run>"),
    ],
)
def test_a_run_of_a_stage_that_the_field_cannot_name(smoke, stage, field, value, allowed):
    params = copy.deepcopy(smoke)
    name, line = next(iter(params[stage].items()))
    line[field] = value
    with pytest.raises(
        SettingsError, match=rf"{stage}/{name}\.{field} is '{value}'; allowed: {allowed} of the pl"
    ):
        check_plan(params)
