"""Own boxes: the table's numbers, the verdict of each kind, and the section of the page."""

from __future__ import annotations

import csv
import json

import pytest
import yaml

from nassl.files import InputError
from stages.report.__main__ import report as write_report
from stages.report.evidence.asked import read_report
from stages.report.evidence.runs import read_evidence
from stages.report.numbers.own_boxes import collect_boxes
from stages.report.text.own_boxes import boxes_verdict, notes
from tests.stages.report.conftest import REPORTED
from tests.stages.report.document import Document, words
from tests.stages.report.own_boxes_project import CLEAR, add_boxes
from tests.stages.report.own_project import write_own_results

SSNAS, RESNET = "SSNAS (first order)", "ResNet-18"


def project_of(tmp_path, detectors=CLEAR, layout="voc"):
    return add_boxes(write_own_results(tmp_path), detectors, layout)


def table_of(project):
    plan = project / "params.yaml"
    asked, evidence = read_report(plan), read_evidence(project / "results", plan)
    return collect_boxes(asked.boxes, asked.scale, evidence, "c0ffee")


def found_in(tmp_path, ssnas, random, resnet=None):
    detectors = {"ssnas": (SSNAS, ssnas, random)}
    if resnet:
        detectors["resnet18"] = (RESNET, resnet, resnet)
    return boxes_verdict(table_of(project_of(tmp_path, detectors)))


def written(project):
    out, page = project / "results/tables", project / "results/report.html"
    write_report(project / "results", REPORTED, out, page, project / "params.yaml")
    return out, page.read_text()


@pytest.mark.parametrize("layout", ["voc", "coco"])
def test_the_tables_numbers_are_those_of_the_runs(tmp_path, layout):
    out, _ = written(project_of(tmp_path, layout=layout))
    table = json.loads((out / "own_boxes.json").read_text())
    ssnas, resnet = table["rows"]
    assert [ssnas["row"], resnet["row"]] == [SSNAS, RESNET]
    assert ssnas["pretrained"]["AP50"] == {"mean": 61.0, "std": 1.0, "values": [60.0, 61.0, 62.0]}
    assert ssnas["random"]["AP50"]["mean"] == 42.0
    assert ssnas["pretrained"]["AP"]["mean"] == 30.5
    assert resnet["pretrained"]["AP50"]["std"] == 2.0
    assert ssnas["seconds"] == 60.0
    cat, mask, kiwi = table["classes"]
    assert (cat["class"], cat["train_boxes"], cat["test_boxes"]) == ("cat", 30, 10)
    assert cat["precisions"][SSNAS]["pretrained"] == pytest.approx({"AP50": 71.0, "AP": 35.5})
    assert mask["precisions"][RESNET]["pretrained"] == pytest.approx({"AP50": 40.0, "AP": 20.0})
    assert kiwi["precisions"][SSNAS] == {"pretrained": None, "random": None}
    with (out / "own_boxes.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * 2 * (1 + 3)
    whole = next(line for line in lines if line["start"] == "random" and not line["class"])
    assert (whole["row"], whole["n"], float(whole["AP50"])) == (SSNAS, "3", 42.0)
    assert (whole["train_boxes"], whole["test_boxes"]) == ("52", "15")
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["own_boxes"][RESNET]["AP50"] == 50.0
    assert metrics["own_boxes"][SSNAS]["AP50_random"] == 42.0
    text = (out / "own_boxes.md").read_text()
    assert "| SSNAS (first order) | 3   | 30.50 ± 0.50 |" in text
    assert "| kiwi     | 2" in text
    assert ("COCO's metric" in text) == (layout == "coco")
    assert "reported" not in text


def test_each_answer_of_the_verdict(tmp_path):
    clear = found_in(tmp_path / "a", (60, 61, 62), (40, 41, 42.5))
    assert (clear.kind, clear.headline) == (
        "better", "Pretraining helps to detect your objects: start from SSNAS (first order).",
    )  # fmt: skip
    assert clear.said[0].text == (
        "A detector with SSNAS (first order) is better pretrained than trained from random weights."
    )
    assert (
        "AP50: SSNAS (first order), pretrained 61.00 %, from random weights 41.17 %; 19.83 "
        in (clear.said[0].details[1])
    )
    worse = found_in(tmp_path / "b", (40, 41, 42.5), (60, 61, 62))
    assert worse.kind == "worse"
    assert worse.headline.startswith("Do not start your detector from these weights: with SSNAS")
    noise = found_in(tmp_path / "c", (40, 61, 50), (45, 50, 52))
    assert noise.headline == "Whether pretraining helps to detect your objects cannot be told."
    assert any("seeds" in step for step in noise.steps)
    one = found_in(tmp_path / "d", (60,), (40,))
    assert one.kind == "cannot be told"
    assert "with one seed on a side nothing is known of the noise" in one.said[0].details[0]
    assert any("`seeds.own=3`" in step for step in one.steps)
    nothing = found_in(tmp_path / "e", (0.2, 0.3, 0.4), (0, 0.01, 0))
    assert nothing.headline.startswith("The detectors find hardly anything")
    assert nothing.steps == (
        "Train the detectors for longer than 2,000 iterations of 4 images: plan again with "
        "`detection.own-boxes.least_iterations=4000`.",
    )
    assert "hardly anything is found (AP50 below 1 %)" in nothing.said[0].details[0]


@pytest.mark.parametrize(
    ("resnet", "kind", "said"),
    [((30, 31, 32), "better", "and it is better than ResNet-18"),
     ((90, 91, 92), "worse", "Start your detector from ResNet-18: pretraining helps, but SSNAS"),
     ((58, 66, 60), "better", "which needs no search, cannot be told")],
    ids=["better", "worse", "cannot be told"],
)  # fmt: skip
def test_the_searched_network_against_the_published_one(tmp_path, resnet, kind, said):
    found = found_in(tmp_path, (60, 61, 62), (40, 41, 42.5), resnet)
    assert found.kind == kind
    assert said in found.headline


def test_the_page_has_a_section_with_classes_and_pictures(tmp_path, capsys):
    _, page = written(project_of(tmp_path))
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith("Your own boxes: Start your detector from SSNAS (first order): ")
    document = Document(page)
    sections = [found["id"] for tag, found in document.elements if tag == "section"]
    assert sections[:4] == ["verdict", "images", "own", "boxes"]
    text = words(document, "boxes")
    assert "trained on 52 boxes in 40 images for 2,000 iterations of 4 images" in text
    assert "tested once on 15 boxes in 12 test images" in text
    assert "VOC's metric of 2007, of 11 points" in text.replace("&#39;", "'")
    assert "cat 30 10 35.50 71.00 30.00 60.00" in text
    assert "kiwi 2 0 - - - -" in text
    assert "No box to be found in the test images, and so no precision: kiwi." in text
    assert "were dropped: 1 (first: VOC2007/JPEGImages/7.jpg)" in text
    assert "train: 4 boxes are clipped to their image (first: VOC2007/Annotations/3.xml)" in text
    pictures = [found["alt"] for tag, found in document.elements if tag == "img"]
    assert [alt for alt in pictures if alt.startswith("Test image 00")] == [
        f"Test image 00: what is annotated (left) and what {run} detects (right)"
        for run in ("ssnas-boxes-s0", "resnet18-boxes-s0")
    ]
    assert "COCO" not in text
    assert "boxes" not in words(document, "images")
    assert "reported" not in page.partition("</style>")[2]


def test_test_images_that_were_pretrained_on_are_counted(tmp_path):
    project = project_of(tmp_path)
    (project / "boxes/JPEGImages").mkdir(parents=True)

    def pretrained_on(root, without=""):
        plan = yaml.safe_load((project / "params.yaml").read_text())
        plan["data"]["folder"] |= {"root": str(root), "without": str(without)}
        (project / "params.yaml").write_text(yaml.safe_dump(plan))
        table = table_of(project)
        return table.pretrained_on, " ".join(notes(table))

    assert pretrained_on(project / "elsewhere")[0] == 0
    count, text = pretrained_on(project / "boxes")
    assert count == 12
    assert "12 of 12 test images lie in the folder that the networks were pretrained on" in text
    left_out = project / "test.txt"
    left_out.write_text("".join(f"{number}\n" for number in range(10)) + "10.jpg\n")
    assert pretrained_on(project / "boxes", left_out)[0] == 1
    count, text = pretrained_on(project / "boxes", project / "gone.txt")
    assert count is None
    assert "Whether test images were among those pretrained on is not known." in text


def test_a_table_of_an_earlier_plan_is_removed(tmp_path):
    project = project_of(tmp_path)
    out, _ = written(project)
    plan = yaml.safe_load((project / "params.yaml").read_text())
    del plan["report"]["boxes"], plan["prepare"]["boxes"], plan["transfer"]
    (project / "params.yaml").write_text(yaml.safe_dump(plan))
    out, page = written(project)
    assert not list(out.glob("own_boxes.*"))
    assert 'id="boxes"' not in page


def test_runs_that_count_other_boxes_are_refused(tmp_path):
    project = project_of(tmp_path)
    file = project / "results/transfer/resnet18-boxes-s1/classes.json"
    content = json.loads(file.read_text())
    content[0]["test_boxes"] = 11
    file.write_text(json.dumps(content))
    with pytest.raises(
        InputError, match=r"classes\.json counts other boxes than that of transfer/"
    ):
        table_of(project)
    file.unlink()
    with pytest.raises(InputError, match=r"dvc repro transfer@resnet18-boxes-s1`"):
        table_of(project)
