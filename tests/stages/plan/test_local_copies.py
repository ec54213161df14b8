"""A local archive or folder as CIFAR-10, CIFAR-100, STL-10 or ImageNet."""

from __future__ import annotations

import zipfile

import pytest

from nassl.settings import SettingsError
from stages.plan.__main__ import main, plan
from stages.plan.local_copies import with_local_copies

TABLE = ["scale=lab", "only=ssnas.table1"]


def members(classes, *parts):
    """Names of images; the plan reads nothing else of them."""
    for part in parts:
        for number in range(classes):
            for image in range(3):
                yield f"{part}/class{number}/{image}.png"


def packed(path, *groups):
    with zipfile.ZipFile(path, "w") as archive:
        for names in groups:
            for name in names:
                archive.writestr(name, b"")
    return path


def entry(kind, root):
    return {kind: {"kind": kind, "image_size": 32, "root": str(root), "download": True}}


def changed(kind, root):
    return with_local_copies(entry(kind, root), [f"data.{kind}.root={root}"])[kind]


def test_an_archive_of_images_is_read_as_a_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    archive = packed(tmp_path / "my cifar.zip", members(10, "train", "test"))
    more = ["data.cifar10.train=0", "recipe.search.batch_size=8", "recipe.retrain.batch_size=8"]
    score = [f"recipe.score-{name}.batch_size=8" for name in ("contrastive", "supervised")]
    main([*TABLE, f"data.cifar10.root={archive}", *more, *score])
    listed = ", ".join(f"class{number} (6)" for number in range(10))
    assert capsys.readouterr().out.splitlines()[1] == (
        f"data.cifar10: 30 train, 30 test; 10 classes: {listed}"
    )
    params = plan([*TABLE, f"data.cifar10.root={archive}", *more, *score])
    assert params["data"]["cifar10"] == {
        "kind": "folder", "image_size": 32, "root": str(archive), "train": 0,
    }  # fmt: skip


def test_a_folder_of_images_too_and_imagenet_in_another_layout(tmp_path):
    for name in members(100, "Training", "Testing"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / name).touch()
    assert changed("cifar100", tmp_path / "images")["kind"] == "folder"
    archive = packed(tmp_path / "imagenet.zip", members(1000, "ILSVRC/train", "ILSVRC/val"))
    assert changed("imagenet", archive)["kind"] == "folder"


def test_the_publishers_files_stay_with_their_reader(tmp_path):
    binary = packed(tmp_path / "cifar-100-binary.zip", ["cifar-100-binary/train.bin"])
    assert changed("cifar100", binary) == entry("cifar100", binary)["cifar100"]
    for kind, name in (
        ("cifar10", "cifar-10-batches-bin/x.png"), ("cifar100", "cifar-100-binary/x.png"),
        ("stl10", "class_names.txt"), ("imagenet", "train/n01/x.png"),
    ):  # fmt: skip
        place = tmp_path / kind / name
        place.parent.mkdir(parents=True)
        place.touch()
        (tmp_path / kind / "val").mkdir()
        (tmp_path / kind / "other.png").touch()
        assert changed(kind, tmp_path / kind)["kind"] == kind
    assert changed("cifar10", tmp_path / "nowhere")["kind"] == "cifar10"


def test_a_root_that_was_not_given_is_not_looked_at(tmp_path):
    archive = packed(tmp_path / "x.zip", members(10, "train", "test"))
    assert with_local_copies(entry("cifar10", archive), [])["cifar10"]["kind"] == "cifar10"


INSTEAD = (
    "for images of your own in its place: '+data.mine={kind: folder, image_size: 32, root: ..., "
    "test_fraction: 0.2}' stand_ins."
)
REFUSED = {
    "other classes": (
        "cifar100", [members(90, "train", "test")],
        "90 class folders; cifar100 has 100 classes: give all of them, as train/<class>/ and "
        "test/<class>/; ",
    ),
    "no classes": (
        "cifar10", [["train/0.png", "test/1.png"]],
        "no class folders; cifar10 has 10 classes: give all of them, as train/<class>/ and "
        "test/<class>/; ",
    ),
    "no test images": (
        "cifar10", [members(10, "train")],
        "no test/ (or val/) beside train/; its tables are measured on the release's own test "
        "images: add them; ",
    ),
    "no pool": (
        "stl10", [members(10, "train", "test")],
        "no unlabeled/ beside train/ and test/; stl10 has images without labels, on which networks "
        "are trained: add them; ",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "groups", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_the_release_is_refused(tmp_path, kind, groups, text):
    archive = packed(tmp_path / "x.zip", *groups)
    with pytest.raises(SettingsError) as error:
        changed(kind, archive)
    assert str(error.value) == (
        f"data.{kind}.root is '{archive}', which has {text}{INSTEAD}{kind}=mine"
    )


def test_a_broken_archive_is_refused(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK")
    with pytest.raises(SettingsError, match=r"x\.zip is neither a folder nor a whole zip or tar"):
        changed("cifar10", tmp_path / "x.zip")
