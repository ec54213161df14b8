"""The page shows what became of the user's data, and every number that is affected by a leak."""

from __future__ import annotations

import csv
import json

import pytest

from nassl.image_files.walk import listing
from stages.report.evidence.asked import PlannedOwnRow
from stages.report.evidence.data import leaks_of, prepared_data
from stages.report.numbers.own import collect_own
from stages.report.text.data import remarks
from stages.report.text.own import own_page
from stages.report.text.own_verdict import verdict
from stages.report.write import write_own

LEAK = "600 test images of digits, of which 3 in train and 2 in unlabeled too: they were trained on"


def describe(project, images=None, labels=None):
    """Sets keys of the two manifests of the prepared data."""
    folder = project / "results/prepare/digits"
    for name, more in (("images", images), ("labels", labels)):
        file = folder / name / "manifest.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        there = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps(there | (more or {})))


CLASSES = {
    "classes": ["cat", "dog"],
    "labels": {"train": {"cat": 1200, "dog": 7}, "test": {"cat": 5, "dog": 0}},
    "remarks": [
        {"part": "test", "count": 1, "text": "of 2 classes have no test image: dog", "first": "dog"}
    ],
}


def test_the_page_names_classes_with_their_images_and_what_was_remarked(full_project, report):
    describe(full_project, labels=CLASSES)
    assert report(full_project)[0] == 0
    page = (full_project / "results/report.html").read_text()
    section = page.partition('<section id="data">')[2].partition("</section>")[0]
    assert "2 classes and how many images have them" in section
    for row in (
        'cat</th><td class="n">1,200</td><td class="n">5<',
        'dog</th><td class="n">7</td><td class="n">0<',
    ):
        assert row in section
    assert "test: 1 of 2 classes have no test image: dog (first: dog)" in section
    assert "trained on" not in section


def test_the_page_names_the_side_of_images_unless_they_keep_their_own(full_project, report):
    for side, said in ((16, "16"), (None, "own")):
        described = {"kind": "digits", "counts": {"train": 5}}
        describe(full_project, images=described | ({"image_size": side} if side else {}))
        report(full_project)
        page = (full_project / "results/report.html").read_text()
        assert f'<td>digits</td><td class="n">{said}</td><td>train 5</td>' in page
        (full_project / "results/prepare/digits/images/manifest.json").unlink()


def test_data_without_labels_and_a_plan_without_data(full_project, report):
    describe(full_project, labels={"labels": None})
    report(full_project)
    page = (full_project / "results/report.html").read_text()
    assert "No labels: the images are not in class folders." in page
    (full_project / "results/prepare/digits/labels/manifest.json").unlink()
    report(full_project)
    page = (full_project / "results/report.html").read_text()
    assert "No data set of this plan has been prepared." in page


def test_a_leak_stands_beside_every_number_measured_on_it(full_project, report):
    also = {"test_images_also_in": {"train": 3, "unlabeled": 2}}
    describe(full_project, images=also, labels=CLASSES)
    assert report(full_project)[0] == 0
    tables = full_project / "results/tables"
    rows = json.loads((tables / "ssnas.table1.json").read_text())["rows"]
    made = [row for row in rows if row["reproduced"]]
    assert len(made) == 2
    assert all(row["note"] == LEAK for row in made)
    assert all(LEAK not in row["note"] for row in rows if not row["reproduced"])
    with (tables / "ssnas.table1.csv").open() as file:
        assert sum(line["note"] == LEAK for line in csv.DictReader(file)) == 2
    assert (tables / "ssnas.table1.md").read_text().count(LEAK) == 2
    assert (tables / "index.md").read_text().count(LEAK) == 3
    page = (full_project / "results/report.html").read_text()
    assert page.count(LEAK) == 4  # the first finding, two numbers, and the section about data
    assert f"{LEAK}; every accuracy on them is too high." in page
    transfer = json.loads((tables / "faunae.table3.json").read_text())["rows"]
    assert not any("trained on" in row["note"] for row in transfer)  # of other data


def test_without_a_leak_nothing_is_said(full_project, evidence):
    for also in ({}, {"train": 0, "unlabeled": 0}):
        describe(full_project, images={"test_images_also_in": also})
        assert leaks_of(evidence, ["retrain/ssnas-digits-s0"]) == ()


def own_table(evidence):
    """Of one run, to which what a pretraining measures is added."""
    folder = evidence.results / "retrain/ssnas-digits-s0"
    more = {"final_loss": 3.5, "n_trained_on": 1200, "n": 300, "flops": 1e6, "knn_accuracy": 0.5}
    metrics = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps(metrics | more))
    run = "retrain/ssnas-digits-s0"
    row = PlannedOwnRow(
        row="SSNAS", data="digits", runs=[run], selection="search/ssnas-digits-s0", pretrained=[run]
    )
    return collect_own([row], "toy", evidence, "c0ffee")


def written(table):
    return own_page(table, verdict(table))


def test_own_images_with_a_leak_are_not_said_to_be_new(full_project, evidence, tmp_path):
    assert "of 300 images that nothing was trained on" in written(own_table(evidence))
    describe(full_project, images={"test_images_also_in": {"train": 3, "unlabeled": 2}})
    table = own_table(evidence)
    text = written(table)
    assert f"of 300 test images ({LEAK})" in text
    assert "nothing was trained on" not in text
    assert text.count(LEAK) == 2  # in the row, too
    (tmp_path / "out").mkdir()
    write_own(table, tmp_path, tmp_path / "out", verdict(table))
    with (tmp_path / "out" / "own.csv").open() as file:
        assert [line["note"] for line in csv.DictReader(file)] == [LEAK]


@pytest.mark.parametrize("added", ["new.png", "a/new.jpg"])
def test_a_folder_that_changed_after_it_was_packed_is_named(
    full_project, evidence, tmp_path, added
):
    root = tmp_path / "raw"
    (root / "a").mkdir(parents=True)
    (root / "a" / "0.png").write_bytes(b"")
    source = {"root": str(root), "listing": listing(["a/0.png"]), "images": 1}
    describe(full_project, labels=CLASSES | {"source": source})

    def said():
        (data,) = prepared_data(evidence)
        return remarks(data)

    assert len(said()) == 1
    (root / added).write_bytes(b"")
    assert said()[1] == (
        f"the results are of {root} as it was when it was prepared, with 1 images; it has other "
        "files now (2 images): prepare them with `dvc repro --force --single-item prepare@digits`"
    )
    (root / added).unlink()
    (root / "a" / "0.png").unlink()
    (root / "a").rmdir()
    root.rmdir()
    assert len(said()) == 1
