"""What the page says of data with boxes: their classes, what was repaired, leaks beside APs."""

from __future__ import annotations

import re

import yaml

from tests.stages.prepare.annotated_sets import coco, prepared, save, scene


def test_remarks_classes_and_leaks_of_annotated_data(full_project, report):
    def store(image, path):
        again = path.parent.name == "val2017" and path.stem == "001"
        save(scene(2, "train") if again else image, path)

    def edit(content, part):
        content["categories"].append({"id": 0, "name": "animals"})
        content["annotations"][1]["bbox"][2:] = [300, 300]

    root = coco(full_project / "own", edit, store)
    prepared("coco", root, full_project / "results/prepare/voc")
    plan = yaml.safe_load((full_project / "params.yaml").read_text())
    plan["prepare"]["voc"] = {"data": "voc"}
    (full_project / "params.yaml").write_text(yaml.safe_dump(plan))
    code, said = report(full_project)
    assert code == 0, said
    text = (full_project / "results/report.html").read_text(encoding="utf-8")
    leak = "3 test images of voc, of which 1 in train too: they were trained on"
    table = (full_project / "results/tables/faunae.table3.csv").read_text()
    assert leak in table
    assert text.count(leak) >= 2  # at the data, and beside the AP
    for line in (
        "train: 1 boxes reach beyond their image: they are clipped (first: train2017/000.png)",
        "test: 1 classes have no box here: animals (first: animals)",
    ):
        assert line in text
    cells = re.search(r'<th scope="row">cat</th>(.*?)</tr>', text, re.S)[1]
    assert sorted(re.findall(r">(\d+)<", cells)) == ["3", "4"]  # images of test and of train
