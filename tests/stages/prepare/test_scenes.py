"""Generated scenes, and that they are written as VOC and COCO are."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from pycocotools import mask as coco_masks

from nassl.files import InputError
from nassl.settings import Data
from stages.prepare.scene_files import polygons, run_lengths, write_coco, write_voc
from stages.prepare.scenes import CLASSES, LEAST_VISIBLE, scenes


def drawn(crowds=False, **changes):
    given = {"kind": "scenes-voc", "image_size": 128, "train": 12, "test": 6} | changes
    return scenes(Data(**given), crowds)


def test_the_same_seed_draws_the_same_scenes_and_parts_differ():
    first, second, other = drawn(), drawn(), drawn(seed=1)
    for part in ("train", "test"):
        for one, two in zip(first[part], second[part], strict=True):
            assert (one.pixels == two.pixels).all()
    assert (first["train"][0].pixels.shape != other["train"][0].pixels.shape) or (
        first["train"][0].pixels != other["train"][0].pixels
    ).mean() > 0.5
    assert first["train"][0].pixels.tobytes() != first["test"][0].pixels.tobytes()


def test_scenes_have_several_classes_sizes_and_hidden_parts():
    some = [scene for part in drawn(train=60, test=20).values() for scene in part]
    things = [thing for scene in some for thing in scene.things]
    assert len({thing.label for thing in things}) == len(CLASSES)
    assert len({scene.pixels.shape for scene in some}) > 4
    sides = np.sqrt([thing.mask.sum() for thing in things])
    assert sides.max() > 2.5 * sides.min()
    assert min(thing.visible for thing in things) < 0.75
    assert max(len(scene.things) for scene in some) == 4


def test_what_covers_an_object_takes_its_pixels():
    for scene in drawn(train=40)["train"]:
        masks = np.stack([thing.mask for thing in scene.things])
        assert masks.sum(0).max() == 1
        for thing in scene.things:
            left, top, right, bottom = thing.box
            assert thing.mask[top:bottom, left:right].sum() == thing.mask.sum()
            assert thing.mask[top].any()
            assert thing.mask[:, right - 1].any()
            assert thing.visible > LEAST_VISIBLE * 0.3  # cut by the border and covered at most


def test_objects_are_painted_where_their_masks_are():
    scene = drawn(train=1)["train"][0]
    pixels = scene.pixels.astype(float)
    inside = np.concatenate([pixels[thing.mask] for thing in scene.things])
    outside = pixels[~np.any([thing.mask for thing in scene.things], axis=0)]
    # Objects are saturated, the background is not.
    assert np.ptp(inside, axis=1).mean() > 1.5 * np.ptp(outside, axis=1).mean()


def test_only_asked_for_crowds_and_one_in_each_part():
    assert not any(t.crowd for part in drawn().values() for s in part for t in s.things)
    for part in drawn(crowds=True).values():
        assert [sum(thing.crowd for thing in scene.things) for scene in part] == [1] + [0] * (
            len(part) - 1
        )


def test_polygons_and_run_lengths_are_the_mask():
    random = np.random.default_rng(0)
    mask = np.zeros((40, 50), bool)
    mask[5:25, 3:30] = True
    mask[28:38, 35:48] = True
    mask[20:25, 10:14] = False
    rasterised = coco_masks.decode(coco_masks.merge(coco_masks.frPyObjects(polygons(mask), 40, 50)))
    assert (rasterised.astype(bool) ^ mask).sum() < 12  # corners are cut by half a pixel
    for other in (mask, ~mask, random.random((9, 7)) > 0.5):
        packed = coco_masks.frPyObjects(run_lengths(other), *other.shape)
        assert (coco_masks.decode(packed).astype(bool) == other).all()


def test_voc_files_are_as_published(tmp_path):
    parts = drawn()
    write_voc(parts, tmp_path)
    for year, sets in (("VOC2007", {"trainval": 6, "test": 6}), ("VOC2012", {"trainval": 6})):
        folder = tmp_path / "VOCdevkit" / year
        lists = {p.stem: p.read_text().split() for p in (folder / "ImageSets/Main").iterdir()}
        assert {name: len(some) for name, some in lists.items()} == sets
    scene = parts["test"][0]
    image = (tmp_path / "VOCdevkit/VOC2007/ImageSets/Main/test.txt").read_text().split()[0]
    tree = ElementTree.parse(tmp_path / f"VOCdevkit/VOC2007/Annotations/{image}.xml")
    assert int(tree.findtext("size/width")) == scene.pixels.shape[1]
    found = tree.findall("object")
    assert [entry.findtext("name") for entry in found] == [CLASSES[t.label] for t in scene.things]
    left, top, right, bottom = scene.things[0].box
    corners = [int(found[0].findtext(f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax")]
    assert corners == [left + 1, top + 1, right, bottom]  # counted from 1, the last one included
    assert (tmp_path / f"VOCdevkit/VOC2007/JPEGImages/{image}.jpg").exists()


def test_coco_files_are_as_published(tmp_path):
    parts = drawn(crowds=True)
    write_coco(parts, tmp_path)
    content = json.loads((tmp_path / "annotations/instances_val2017.json").read_text())
    assert len(content["images"]) == 6
    assert len({entry["id"] for entry in content["annotations"]}) == len(content["annotations"])
    crowds = [entry for entry in content["annotations"] if entry["iscrowd"]]
    assert len(crowds) == 1
    assert sum(crowds[0]["segmentation"]["counts"][1::2]) == crowds[0]["area"]
    for image in content["images"]:
        assert (tmp_path / "val2017" / image["file_name"]).exists()
    assert [entry["name"] for entry in content["categories"]] == CLASSES


@pytest.mark.parametrize("changes", [{"train": 0}, {"test": 0}, {"image_size": 32}])
def test_too_few_or_too_small_is_refused(changes):
    with pytest.raises(InputError, match="scenes need train and test >= 1 and image_size >= 64"):
        drawn(**changes)
