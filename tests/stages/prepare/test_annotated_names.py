"""Names of images, annotations and classes, and images that are in two parts."""

from __future__ import annotations

import json

import pytest

from tests.stages.prepare.annotated_sets import (
    SIZE,
    boxes,
    coco,
    prepared,
    read,
    remarks,
    save,
    scene,
    voc,
)
from tests.stages.prepare.refused import refused

# ------------------------------------------------------------- identity ----


def same_image_id(content, part):
    content["images"][1]["id"] = 1


def one_id_two_names(content, part):
    content["categories"][1]["id"] = 1


def one_name_two_ids(content, part):
    content["categories"][1]["name"] = " cat\n"


def swapped_ids(content, part):
    if part == "test":
        content["categories"] = [{"id": 2, "name": "cat"}, {"id": 1, "name": "dog"}]


def other_id(content, part):
    if part == "test":
        content["categories"][1]["id"] = 3
        for entry in content["annotations"]:
            entry["category_id"] += entry["category_id"] == 2


def two_sizes(content, part):
    content["images"].append({**content["images"][0], "id": 50, "width": 50})


IDENTITY = {
    "an image's id twice": (same_image_id, r"the image id 1 belongs to 'train2017/000\.png' and to "
                            r"'train2017/001\.png'; give each an id of its own"),
    "one id, two names": (one_id_two_names, r"the category id 1 belongs to 'cat' and to 'dog'"),
    "one name, two ids": (one_name_two_ids, r"the category 'cat' has the ids 1 and 2; give it one"),
    "swapped ids": (swapped_ids, r"the id 2 is 'dog' in instances_train2017\.json and 'cat' in"),
    "another id": (other_id, r"'dog' has the id 2 in instances_train2017\.json and 3 in instances"),
    "two sizes": (two_sizes, r"instances_train2017\.json lists it twice, with two sizes"),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "text"), IDENTITY.values(), ids=IDENTITY)
def test_coco_names_that_are_not_unique(edit, text, tmp_path):
    refused("coco", coco(tmp_path / "set", edit), text)


def test_a_broken_coco_file_is_the_users_own(tmp_path):
    file = coco(tmp_path / "set") / "annotations/instances_val2017.json"
    file.write_text(file.read_text()[:-9])
    said = refused("coco", tmp_path / "set", r"val2017\.json is not JSON: .*export it again")
    assert "delete" not in said


def test_voc_classes_that_differ_in_case_alone(tmp_path):
    folder = voc(tmp_path / "set")
    file = folder / "Annotations/train1.xml"
    file.write_text(file.read_text().replace(">cat<", "> Cat <"))
    refused("voc", tmp_path / "set", r"differ only in upper and lower case: 'Cat' \(1 boxes\), "
            r"'cat' \(6 boxes\); give them one spelling")  # fmt: skip


def test_voc_classes_that_differ_in_case_alone_but_have_files(tmp_path):
    folder = voc(tmp_path / "set", names=("a", "A"))
    for number, name in enumerate(("a", "A")):
        lines = "".join(f"train{i} {1 - 2 * number}\n" for i in range(4))
        (folder / f"ImageSets/Main/{name}_trainval.txt").write_text(lines)
    labels = prepared("voc", tmp_path / "set", tmp_path / "out")
    assert read(labels, "manifest")["classes"] == ["A", "a"]


def test_coco_classes_that_differ_in_case_alone_are_named(tmp_path):
    labels = prepared("coco", coco(tmp_path / "set", names=("Cat", "cat")), tmp_path / "out")
    text = "classes differ only in upper and lower case: Cat, cat"
    assert remarks(labels) == [("train", 2, text)]


# ---------------------------------------------------------------- leaks ----


def test_test_images_that_are_trained_on_are_counted(tmp_path):
    def store(image, path):
        again = path.parent.name == "val2017" and path.stem == "001"
        save(scene(2, "train") if again else image, path)

    labels = prepared("coco", coco(tmp_path / "set", store=store), tmp_path / "out")
    images = json.loads((labels.parent / "images/manifest.json").read_text())
    assert images["test_images_also_in"] == {"train": 1}
    text = "images are in train as well, with the same bytes"
    assert remarks(labels) == [("test", 1, text)]
    assert read(labels, "manifest")["remarks"][0]["first"] == "val2017/001.png"


def test_images_that_both_lists_name_are_counted(tmp_path):
    folder = voc(tmp_path / "set")
    with (folder / "ImageSets/Main/test.txt").open("a") as file:
        file.write("train1\ntrain2\n")
    labels = prepared("voc", tmp_path / "set", tmp_path / "out")
    images = json.loads((labels.parent / "images/manifest.json").read_text())
    assert images["test_images_also_in"] == {"train": 2}


# -------------------------------------------------------- which classes ----


def test_classes_and_how_many_images_have_them(tmp_path):
    def edit(content, part):
        content["categories"].insert(0, {"id": 0, "name": "animals"})
        if part == "train":
            content["categories"].append({"id": 7, "name": "cow"})
            content["annotations"][0]["category_id"] = 7
        else:
            content["annotations"] = content["annotations"][:3]
            content["annotations"][0]["category_id"] = 9
            content["categories"].append({"id": 9, "name": "emu"})

    labels = prepared("coco", coco(tmp_path / "set", edit), tmp_path / "out")
    manifest = read(labels, "manifest")
    assert manifest["category_ids"] == [0, 1, 2, 7, 9]
    assert manifest["labels"] == {
        "train": {"animals": 0, "cat": 3, "dog": 4, "cow": 1, "emu": 0},
        "test": {"animals": 0, "cat": 1, "dog": 1, "cow": 0, "emu": 1},
    }
    assert remarks(labels) == [
        ("train", 2, "classes have no box here: animals, emu"),
        ("test", 2, "classes have no box here: animals, cow"),
    ]
    names = [manifest["classes"][box["category_id"]]
             for image in read(labels, "test") for box in image["annotations"]]  # fmt: skip
    assert names == ["emu", "dog", "cat"]


def test_masks_that_cannot_be_used_are_counted(tmp_path):
    def edit(content, part):
        if part == "train":
            content["annotations"][0]["segmentation"] = [[1, 2, 3, 4]]
            content["annotations"][1]["segmentation"] = {"size": list(SIZE), "counts": [5]}
            content["annotations"][2]["segmentation"] = [[60, 1, 90, 1, 90, 9]]
            content["annotations"][3]["segmentation"] = []
            del content["annotations"][4]["segmentation"]

    labels = prepared("coco", coco(tmp_path / "set", edit), tmp_path / "out")
    assert read(labels, "manifest")["masks"] == {"train": 3, "test": 6}
    assert boxes(1)[0][1][2] < 60  # the third box lies left of its polygon
    *unusable, bare = remarks(labels)
    assert bare == ("train", 2, "boxes have no mask, others have: they count as boxes alone")
    assert [text for _, _, text in unusable] == [
        f"boxes have no usable mask: {why}; they count as boxes alone"
        for why in (
            "there is no polygon of three points or more",
            "its run lengths are of another size than the image",
            "it lies outside of the box",
        )
    ]
