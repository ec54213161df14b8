"""The page of own images as a document."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
import yaml
from PIL import Image

from nassl.image_files.sources import digest, save_digests
from stages.report.evidence.examples import MOST, examples
from stages.report.evidence.runs import read_evidence
from tests.stages.report.document import Document, words
from tests.stages.report.own_project import CLEAR, write_own_results

SECTIONS = ["verdict", "images", "own", "pretraining", "architectures", "cost", "provenance"]


@pytest.fixture(scope="module")
def page(own_file) -> str:
    return own_file.read_text()


@pytest.fixture(scope="module")
def document(page) -> Document:
    return Document(page)


def of(project, report) -> Document:
    code, said = report(project)
    assert code == 0, said
    return Document((project / "results/report.html").read_text())


def sections(document) -> list[str]:
    return [found["id"] for tag, found in document.elements if tag == "section"]


def test_it_has_its_own_title_and_no_paper(page, document):
    assert "<title>nassl: my pets</title>" in page
    assert "Your own images: my pets" in words(document, "")
    for word in ("reported", "papers", "Rows", "tau", "SSNAS tables", "FaUNAE"):
        assert word not in re.sub("<style>.*</style>|papers[.]own", "", page, flags=re.DOTALL), word


def test_the_contents_list_the_sections_that_are_there_and_none_is_empty(page, document):
    assert sections(document) == SECTIONS
    links = [found["href"][1:] for tag, found in document.elements if tag == "a"]
    assert links == SECTIONS
    assert "absent-note" not in page.partition("</style>")[2]
    for section in SECTIONS:
        assert len(words(document, section)) > 60, section


def test_the_verdict_comes_first_with_its_uncertainty_and_what_to_do(page, document):
    text = words(document, "verdict")
    assert text.startswith("Verdict Use the network of SSNAS (first order): pretraining helped")
    assert "30.00 points more (95 % interval of the difference 25.70 to 34.30, p = " in text
    assert "Random sampling 81.00 %; the same" in text
    assert "What to do next Pretrain for longer: the loss still fell by 26.1 %" in text
    assert "<code>recipe.pretrain-b64.epochs=16</code>" in page
    assert '<div class="verdict agree">' in page


def test_it_loads_nothing_and_names_no_place_beyond_the_images(page, document):
    for tag, attributes in document.elements:
        for key in ("src", "href"):
            if key in attributes:
                assert attributes[key].startswith(("data:", "#")), (tag, attributes[key])
    assert "someone" not in page
    assert "secret" not in page


def test_images_are_shown_by_class_with_what_was_left_out(document):
    pictures = [found for tag, found in document.elements if tag == "img"]
    assert [picture["alt"] for picture in pictures] == ["cat"] * 12 + ["dog"] * 12
    text = words(document, "images")
    assert "2 classes; images: 48 to train on and 200 to test on, brought to 16 x 16 pixels" in text
    assert "cat 24 100 dog 24 100" in text
    assert "all parts: 2 files are not used (first: a.txt)" in text
    assert "left out: dog/broken.png cannot be read: the file is truncated" in text
    assert "passed over: 3 files that are hidden, or in a part that is not used" in text


def test_every_network_stands_in_the_table_and_in_the_costs(document):
    text = words(document, "own")
    assert "SSNAS (first order) 3 2.0000 2.1250 81.00 ± 1.00 51.00 ± 1.00 250 k 40 M 80 s" in text
    assert "ResNet-18 3 - 4.1250 61.00 ± 1.00" in text
    # a network of three seeds: two searches, two scores, a selection, the data, six more
    assert "own images SSNAS (first order) 12" in words(document, "cost")


def test_with_one_seed_nothing_is_ordered(tmp_path, report):
    alone = {name: (a, b, c[:1], d[:1]) for name, (a, b, c, d) in CLEAR.items()}
    write_own_results(tmp_path, alone, scale="smoke")
    document = of(tmp_path, report)
    text = words(document, "verdict")
    assert text.startswith("Verdict Whether pretraining helped cannot be told.")
    assert text.count("with one seed on a side nothing is known of the noise") == 3
    assert text.count("cannot be told") == 4
    assert "p = " not in text
    assert not re.search("points (more|less)", text)
    assert "its numbers mean nothing" in words(document, "")


def test_without_classes(tmp_path, report):
    write_own_results(tmp_path, classes=False)
    document = of(tmp_path, report)
    assert words(document, "verdict").startswith(
        "Verdict How good the networks are cannot be told without labels; pretraining has learnt"
    )
    text = words(document, "images")
    assert "No labels: the images are not in class folders; images: 60 to train on, brought" in text
    assert [f["alt"] for t, f in document.elements if t == "img"][:2] == ["image 1", "image 2"]
    assert "guessing" not in words(document, "verdict")


def test_without_curves_the_section_is_left_out(tmp_path, report):
    write_own_results(tmp_path)
    for file in (tmp_path / "results/pretrain").glob("*/curves/plots/metrics/train_loss.tsv"):
        file.unlink()
    document = of(tmp_path, report)
    assert sections(document) == [section for section in SECTIONS if section != "pretraining"]
    assert "Pretrain for longer" not in words(document, "verdict")


def test_a_leak_is_the_first_thing_said(tmp_path, report):
    write_own_results(tmp_path)
    file = tmp_path / "results/prepare/folder/images/manifest.json"
    manifest = json.loads(file.read_text()) | {"test_images_also_in": {"train": 3}}
    file.write_text(json.dumps(manifest))
    text = words(of(tmp_path, report), "")
    assert "200 test images of folder, of which 3 in train too: they were trained on; every" in text


def test_a_folder_that_changed_is_named_without_its_place(tmp_path, report):
    write_own_results(tmp_path)
    root = tmp_path / "secret place" / "my pets"
    root.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(root / "new.png")
    file = tmp_path / "results/prepare/folder/labels/manifest.json"
    source = {"root": str(root), "listing": "", "images": 248}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"source": source}))
    text = words(of(tmp_path, report), "images")
    assert "the results are of my pets/ as it was when it was prepared, with 248 images" in text
    assert "secret" not in (tmp_path / "results/report.html").read_text()


def test_the_name_of_the_folder_is_escaped(tmp_path, report):
    write_own_results(tmp_path)
    plan = yaml.safe_load((tmp_path / "params.yaml").read_text())
    plan["data"]["folder"]["root"] = "/home/x/<b>pets"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(plan))
    assert report(tmp_path)[0] == 0
    assert "images: &lt;b&gt;pets</h1>" in (tmp_path / "results/report.html").read_text()


def test_the_files_beside_the_page_have_the_verdict(tmp_path, report):
    write_own_results(tmp_path)
    _, said = report(tmp_path)
    assert "Your own images: Use the network of SSNAS (first order): pretraining helped" in said
    assert "rows in" not in said
    tables = tmp_path / "results/tables"
    assert "**Use the network of SSNAS (first order): " in (tables / "own.md").read_text()
    found = json.loads((tables / "own.json").read_text())["comparisons"]
    assert [(one["question"], one["verdict"], one["because"]) for one in found] == [
        ("pretraining", "better", ""), ("search", "cannot be told", "tie"),
        ("baseline", "better", ""),
    ]  # fmt: skip
    assert found[0]["sides"][1] == {"name": "with random weights", "values": [50.0, 52.0, 51.0]}


def test_fine_tuned_accuracies_have_a_column_of_their_own(tmp_path, report):
    write_own_results(tmp_path)
    for seed, accuracy in enumerate((0.89, 0.9, 0.91)):
        file = tmp_path / f"results/probe/ssnas-folder-s{seed}/metrics.json"
        metrics = json.loads(file.read_text()) | {"finetune_accuracy": accuracy}
        file.write_text(json.dumps(metrics))
    text = words(of(tmp_path, report), "own")
    assert "linear accuracy untrained finetune accuracy parameters" in text
    assert "81.00 ± 1.00 51.00 ± 1.00 90.00 ± 1.00 250 k" in text
    assert "81.00 ± 1.00 50.33 ± 0.58 - 250 k" in text  # the random cell was not fine-tuned
    tables = tmp_path / "results/tables"
    row = json.loads((tables / "own.json").read_text())["rows"][0]
    assert row["finetune_accuracy"]["mean"] == pytest.approx(90)
    assert "| 90.00 ± 1.00  " in (tables / "own.md").read_text()
    with (tables / "own.csv").open() as lines:
        found = [line["finetune_accuracy"] for line in csv.DictReader(lines)]
    assert [round(float(value), 6) if value else value for value in found] == [90, "", ""]


def with_loss(project, **objective):
    """Everything trained by another objective."""
    plan = yaml.safe_load((project / "params.yaml").read_text())
    plan["objective"]["simclr"] = objective
    (project / "params.yaml").write_text(yaml.safe_dump(plan))


@pytest.mark.parametrize(
    ("objective", "unit"),
    [
        ({"kind": "lightly", "loss": "VICRegLoss"}, ""),
        ({"kind": "lightly", "loss": "BarlowTwinsLoss"}, ""),
        ({"kind": "lightly", "loss": "DCLLoss"}, " (nats)"),
        ({"kind": "moco"}, " (nats)"),
    ],
)
def test_the_loss_has_the_unit_of_its_objective(tmp_path, report, trace, objective, unit):
    write_own_results(tmp_path)
    with_loss(tmp_path, **objective)
    document = of(tmp_path, report)
    text = words(document, "own")
    assert f"held-out contrastive loss (nats) pretraining loss{unit} linear" in text
    assert re.search(
        f"ResNet-18 training loss{re.escape(unit)}[0 ]", words(document, "pretraining")
    )
    said = trace(tmp_path, "own/SSNAS (first order)")[1]
    unit = " nats" if unit else ""
    assert f"pretraining loss: 2.12 ± 0.12{unit}, from 3 runs" in said


# -------------------------------------------------------------------------- examples ----


def indexed(project, count=2):
    """Replaces the packed images by a list of files; returns their folder."""
    folder, root = project / "results/prepare/folder", project / "photos"
    root.mkdir()
    names = [f"{number}.png" for number in range(count)]
    for number, name in enumerate(names):
        Image.new("RGB", (40, 30), (90 * number, 0, 0)).save(root / name)
    (folder / "images/train.txt").write_text("".join(f"{name}\n" for name in names))
    digests = [digest((root / name).read_bytes()) for name in names]
    save_digests(folder / "images/sha256-train.npy", digests)
    np.save(folder / "labels/train.npy", np.arange(count) % 2)
    manifest = {"kind": "folder", "format": "indexed", "image_size": 16, "counts": {"train": count}}
    (folder / "images/manifest.json").write_text(json.dumps(manifest | {"root": str(root)}))
    return root


def evidence_of(project):
    return read_evidence(project / "results", project / "params.yaml")


def test_examples_of_files_that_were_not_copied(tmp_path):
    root = indexed(write_own_results(tmp_path), 3)
    found = examples(evidence_of(tmp_path), "folder")
    assert [one.label for one in found] == ["cat", "cat", "dog"]
    assert [one.pixels[0, 0, 0] for one in found] == [0, 180, 90]
    assert found[0].pixels.shape == (16, 16, 3)
    (root / "0.png").write_bytes((root / "1.png").read_bytes())  # changed
    (root / "1.png").unlink()
    assert [one.pixels[0, 0, 0] for one in examples(evidence_of(tmp_path), "folder")] == [180]


def test_many_classes_have_few_examples_each(tmp_path):
    write_own_results(tmp_path)
    folder = tmp_path / "results/prepare/folder/labels"
    np.save(folder / "train.npy", np.arange(48))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["classes"] = [f"class {number}" for number in range(48)]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = examples(evidence_of(tmp_path), "folder")
    assert [one.label for one in found] == [f"class {number}" for number in range(MOST)]


def test_an_unreadable_array_is_named(tmp_path, report):
    write_own_results(tmp_path)
    (tmp_path / "results/prepare/folder/images/train.npy").write_bytes(b"nothing")
    code, said = report(tmp_path)
    assert code == 2
    assert "images/train.npy cannot be read" in said
    assert "run prepare again" in said
