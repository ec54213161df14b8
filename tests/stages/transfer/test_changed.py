"""Files that changed after `prepare` are noticed before they are used, in one line."""

from __future__ import annotations

import pytest

from nassl.files import InputError
from stages.transfer.data import register, training_batches
from stages.transfer.evaluate import evaluate
from stages.transfer.masks import fit_masks
from stages.transfer.truth import truth
from tests.stages.prepare.annotated_sets import coco, prepared, save, scene, voc
from tests.stages.transfer.perfect import Perfect
from tests.stages.transfer.test_batches import config

AGAIN = (
    r"prepare the data as they are now with `dvc repro --force --single-item prepare@own` and "
    r"start the same command again"
)


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("voc", "VOCdevkit/VOC2007/Annotations/test1.xml"),
        ("voc", "VOCdevkit/VOC2007/ImageSets/Main/trainval.txt"),
        ("coco", "annotations/instances_train2017.json"),
    ],
)
def test_an_annotation_file(kind, file, tmp_path):
    root = tmp_path / "set"
    (voc if kind == "voc" else coco)(root)
    labels = prepared(kind, root, tmp_path / "out")
    register(labels, "changed-not")
    content = (root / file).read_text()
    (root / file).write_text(content + "\n")
    with pytest.raises(InputError, match=rf"{file} has changed since the data .*{AGAIN}"):
        register(labels, "changed")
    (root / file).unlink()
    with pytest.raises(InputError, match=rf"{file} could be read when .*{AGAIN}"):
        register(labels, "gone")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image(workers, tmp_path):
    """Also when another process reads it."""
    root = coco(tmp_path / "set")
    data = register(prepared("coco", root, tmp_path / "out"), f"changed-image-{workers}")
    cfg = config(data, workers=workers)
    for index in range(4):
        save(scene(index, "test"), root / f"train2017/{index:03d}.png")
    save(scene(1, "train"), root / "val2017/001.png")
    text = r"^\S*train2017/00\d\.png has changed since the data were prepared: its sha256 was .*"
    with pytest.raises(InputError, match=text + AGAIN + "$"):
        next(training_batches(cfg, 0, 0))
    with truth(data), pytest.raises(InputError, match=r"^\S*val2017/001\.png has changed .*"):
        evaluate(cfg, Perfect(data, masks=False), data)


def test_masks_are_asked_of_data_that_have_some(tmp_path):
    def edit(content, part):
        for entry in content["annotations"]:
            if part == "test":
                entry["segmentation"] = [[1, 2, 3, 4]]

    data = register(prepared("coco", coco(tmp_path / "set", edit), tmp_path / "out"), "no-masks")
    fit_masks(config(data), data)  # boxes alone are all right
    text = (
        r"labels/test\.json: none of 6 boxes has a usable mask, and detection\.kind is 'mask-rcnn"
    )
    with pytest.raises(InputError, match=text):
        fit_masks(config(data, kind="mask-rcnn-c4"), data)
