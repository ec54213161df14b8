"""The list of what the papers do not say comes from the comments of the configuration."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from stages.plan.__main__ import plan
from stages.plan.compose.config import CONFIG
from stages.plan.decisions import decisions, marked
from stages.plan.written import as_text
from tests.plans import composed


@pytest.fixture(scope="module")
def paper():
    return composed("scale=paper")


def of(params, setting):
    return [entry for entry in params["report"]["decisions"] if setting in entry["setting"]]


def test_every_mark_of_every_file_of_the_plan_is_listed(paper):
    whys = " ".join(entry["why"] for entry in paper["report"]["decisions"])
    for section, folder in {"protocol": "probe"}.items() | {
        (name, name)
        for name in ("space", "network", "strategy", "objective", "recipe", "detection")
    }:
        for name in paper[section]:
            for line in (CONFIG / folder / f"{name}.yaml").read_text().splitlines():
                if found := re.search(r"# (?:assumed|decided): (.*)", line):
                    assert found[1] in whys, (section, name)


def test_value_and_names_of_a_decision(paper):
    (epochs,) = of(paper, "recipe.epochs of pretrain-b32")
    assert epochs["setting"] == "recipe.epochs of pretrain-b32, pretrain-b64"
    assert epochs["value"] == "500"
    assert epochs["why"] == "assumed: the paper is silent; half of SimCLR's 1000"
    (limit,) = of(paper, "strategy.size_limit")
    assert (limit["value"], limit["why"][:26]) == ("1.3", "decided: FaUNAE sec. III.A")
    (eps,) = of(paper, "recipe of proxyless")
    assert "1e-3" in eps["why"]
    assert of(paper, "faunae: searches.proxyless")[0]["why"].startswith("decided: table 2's row")


def test_an_override_is_no_decision_of_the_file_and_other_scales_list_none():
    changed = plan(["scale=paper", "recipe.pretrain-b64.epochs=7", "only=[ssnas.table4]"])
    assert of(changed, "recipe.epochs of pretrain-b64") == []
    assert of(changed, "recipe.weight_decay of")
    assert "decisions" not in composed("scale=toy")["report"]


def test_the_plan_that_is_written_has_them(paper):
    read = yaml.safe_load(as_text(paper, []))
    assert read["report"]["decisions"] == paper["report"]["decisions"]


def test_comments_above_beside_and_below_keys(tmp_path: Path):
    file = tmp_path / "x.yaml"
    file.write_text(
        "# @package recipe.x\n# assumed: too early, of no key\n\nkind: a   # DARTS\n"
        "# decided: two\n# lines\nepochs: 3\nviews:\n  size: 4   # assumed: inside\n"
        "b: 1\n# decided: of all\n"
    )
    found = {key: (value, why) for key, value, why in marked(file)}
    assert found["epochs"] == (3, "decided: two lines")
    assert found["views.size"] == (4, "assumed: inside")
    assert found[""] == (None, "decided: of all")
    assert "b" not in found


def test_without_sections_there_is_nothing_to_list():
    assert decisions({"recipe": {}, "report": {"scale": "paper"}}, [], CONFIG) == []
