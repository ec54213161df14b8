"""The page at the papers' scale says what it does otherwise than the papers."""

from __future__ import annotations

import yaml

ENTRY = {"setting": "recipe.epochs of pretrain", "value": "500", "why": "assumed: silent <here>"}


def at_paper_scale(project, devices):
    file = project / "params.yaml"
    params = yaml.safe_load(file.read_text())
    params["report"] |= {"scale": "paper", "decisions": [ENTRY]}
    params["detection"] = {"voc-c4": {"devices": devices, "reference_devices": 8}}
    file.write_text(yaml.safe_dump(params))


def test_decisions_are_on_the_page_and_in_markdown(full_project, report):
    at_paper_scale(full_project, devices=2)
    code, text = report(full_project)
    assert code == 0, text
    page = (full_project / "results/report.html").read_text()
    index = (full_project / "results/tables/index.md").read_text()
    assert "recipe.epochs of pretrain</th><td>500</td><td>assumed: silent &lt;here&gt;" in page
    assert "- recipe.epochs of pretrain = 500: assumed: silent <here>" in index
    assert "the recipe is for 8: images per batch, learning rate" in page
    assert "detection.devices of voc-c4 = 2" in index
    assert "listed under" in page


def test_eight_devices_are_what_the_recipe_is_for(full_project, report):
    at_paper_scale(full_project, devices=8)
    assert report(full_project)[0] == 0
    assert "detection.devices" not in (full_project / "results/report.html").read_text()


def test_other_scales_are_not_compared(full_project, report):
    assert report(full_project)[0] == 0
    assert 'id="decisions"' not in (full_project / "results/report.html").read_text()
