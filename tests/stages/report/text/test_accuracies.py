"""Accuracy over epochs: drawn, with the last and the best in words."""

from __future__ import annotations

import json

import pytest
import yaml


@pytest.fixture
def epochs(full_project):
    """epochs.json of a probe that the plan has."""
    plan = yaml.safe_load((full_project / "params.yaml").read_text())
    plan["probe"] = {"net-digits-s0": {"data": "digits", "seed": 0}}
    (full_project / "params.yaml").write_text(yaml.safe_dump(plan))
    folder = full_project / "results/probe/net-digits-s0"
    folder.mkdir(parents=True)
    return folder / "epochs.json"


def test_the_last_and_the_best_epoch_are_named(full_project, epochs, report):
    values = (1, 0.25), (2, 0.5), (3, 0.375)
    points = [{"epoch": 20 * n, "knn_accuracy": value} for n, value in values]
    epochs.write_text(json.dumps(points))
    code, text = report(full_project)
    assert code == 0, text
    page = (full_project / "results/report.html").read_text()
    assert "net-digits-s0: 37.5 % after epoch 60, at best 50.0 % after epoch 40" in page
    assert page.count("Accuracy over epochs of pretraining on digits") >= 2


def test_nothing_is_shown_where_nothing_was_kept(full_project, epochs, report):
    epochs.write_text("[]")
    assert report(full_project)[0] == 0
    assert 'id="epochs"' not in (full_project / "results/report.html").read_text()


def test_a_file_that_is_not_probes_is_named(full_project, epochs, report):
    epochs.write_text('[{"epoch": 20}]')
    code, text = report(full_project)
    assert code == 2
    assert "epochs.json has not an epoch and a knn_accuracy in every entry" in text
