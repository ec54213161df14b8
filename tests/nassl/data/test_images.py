from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from nassl.data.images import class_names, labelled_share, open_images, open_labels, split
from nassl.files import InputError
from nassl.image_files.sources import digest, save_digests
from nassl.image_files.walk import listing
from nassl.settings import Data
from stages.prepare.parts import Part, Prepared
from stages.prepare.write import write


@pytest.fixture
def random():
    return np.random.default_rng(0)


def prepared(random, counts, classes=3):
    parts = {}
    for name, count in counts.items():
        labels = random.integers(0, classes, count) if classes and name != "unlabeled" else None
        pixels = random.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
        parts[name] = Part(pixels, labels)
    return Prepared(parts, [f"class {n}" for n in range(classes)] if classes else None)


def written(folder, data, seed=0):
    write(data, Data(kind="folder", image_size=4, seed=seed), folder)
    return folder


def test_images_labels_and_statistics_come_back(tmp_path, random):
    data = prepared(random, {"train": 50, "test": 20, "unlabeled": 30})
    out = written(tmp_path, data)
    for part in ("train", "test", "unlabeled"):
        images = open_images(out / "images", part)
        assert len(images) == images.count == len(data.parts[part])
        assert images.side == 4
        chosen = torch.tensor([3, 1, 1])
        batch = images.batch(chosen)
        assert batch.dtype == torch.uint8
        assert batch.is_contiguous(memory_format=torch.channels_last)
        assert (batch.permute(0, 2, 3, 1).numpy() == data.parts[part].pixels[[3, 1, 1]]).all()
    for part in ("train", "test"):
        labels = open_labels(out / "labels", part)
        assert labels.dtype == torch.int64
        assert (labels.numpy() == data.parts[part].labels).all()
    assert class_names(out / "labels") == ["class 0", "class 1", "class 2"]
    scaled = data.parts["unlabeled"].pixels.astype(np.float64) / 255  # the label-free part
    mean, std = open_images(out / "images", "train").mean, open_images(out / "images", "test").std
    assert mean.numpy() == pytest.approx(scaled.mean((0, 1, 2)), abs=1e-6)
    assert std.numpy() == pytest.approx(scaled.std((0, 1, 2)), abs=1e-6)


def test_label_free_is_the_unlabeled_part_or_else_train(tmp_path, random):
    pool = written(tmp_path / "pool", prepared(random, {"train": 5, "unlabeled": 7}))
    plain = written(tmp_path / "plain", prepared(random, {"train": 5}))
    assert len(open_images(pool / "images", "label-free")) == 7
    assert len(open_images(plain / "images", "label-free")) == 5
    assert len(split(pool / "images", 0.0)[0]) == 7
    assert len(split(pool / "images", 0.0, "train")[0]) == 5


def test_split_cuts_the_end_of_the_recorded_order(tmp_path, random):
    folder = written(tmp_path, prepared(random, {"train": 40})) / "images"
    order = np.load(folder / "order.npy")
    assert sorted(order) == list(range(40))
    assert order.tolist() != list(range(40))
    train, validation = split(folder, 0.25)
    assert np.concatenate([train, validation]).tolist() == order.tolist()
    assert len(validation) == 10
    assert len(split(folder, 0.0)[1]) == 0
    assert len(split(folder, 0.001)[1]) == 1
    with pytest.raises(InputError, match=r"validation fraction of 0\.99 leaves none of the 40"):
        split(folder, 0.99)


def test_order_depends_on_the_seed_alone(tmp_path, random):
    data = prepared(random, {"train": 40})
    folders = [written(tmp_path / str(n), data, seed) for n, seed in enumerate((0, 0, 1))]
    data.parts["train"].labels = random.permutation(data.parts["train"].labels)
    folders.append(written(tmp_path / "permuted", data))
    orders = [np.load(folder / "images" / "order.npy").tolist() for folder in folders]
    assert orders[0] == orders[1] == orders[3]
    assert orders[0] != orders[2]


def test_labels_change_no_byte_of_the_images(tmp_path, random):
    data = prepared(random, {"train": 40, "test": 9, "unlabeled": 8})
    contents = []
    for name in ("as they are", "permuted"):
        out = written(tmp_path / name, data)
        contents.append({p.name: p.read_bytes() for p in (out / "images").iterdir()})
        data.parts["train"].labels = random.permutation(data.parts["train"].labels)
        data.parts["test"].labels = (data.parts["test"].labels + 1) % 3
    assert len(contents[0]) == 6
    assert contents[0] == contents[1]


def test_every_prefix_of_the_stratified_order_is_stratified(tmp_path, random):
    data = prepared(random, {"train": 300})
    data.parts["train"].labels = np.repeat([0, 1, 2], [200, 80, 20])
    folder = written(tmp_path, data) / "labels"
    order = np.load(folder / "stratified.npy")
    assert sorted(order) == list(range(300))
    classes = data.parts["train"].labels[order]
    for length in range(1, 301):
        counts = np.bincount(classes[:length], minlength=3)
        assert np.abs(counts - length * np.array([200, 80, 20]) / 300).max() <= 1.5
    assert np.bincount(classes[:30]).tolist() == [20, 8, 2]
    assert labelled_share(folder, 0.1).tolist() == order[:30].tolist()
    assert sorted(labelled_share(folder, 1.0)) == list(range(300))
    # Random within a class: not the first of each.
    assert order[:30].max() > 100
    assert not set(range(15)) <= set(order[:30].tolist())


def test_too_small_a_share_is_refused(tmp_path, random):
    data = prepared(random, {"train": 40})
    data.parts["train"].labels = np.repeat([0, 1, 2], [30, 8, 2])
    folder = written(tmp_path, data) / "labels"
    with pytest.raises(InputError, match=r"0\.1 of the 40 labels .* are 4, and class 'class 2'"):
        labelled_share(folder, 0.1)


def test_missing_parts_and_labels_are_named(tmp_path, random):
    out = written(tmp_path, prepared(random, {"train": 6}, classes=0))
    with pytest.raises(
        InputError, match=r"no 'test' images; it has: train \(6\); data\.test_fraction"
    ):
        open_images(out / "images", "test")
    for folder in ("labels", "no-labels"):
        with pytest.raises(InputError, match=f"{folder} holds no labels; this run needs them"):
            open_labels(out / folder, "train")
        with pytest.raises(InputError, match="holds no labels"):
            class_names(out / folder)
        with pytest.raises(InputError, match="holds no labels"):
            labelled_share(out / folder, 0.5)
    with pytest.raises(InputError, match=r"manifest\.json is missing"):
        open_images(tmp_path / "nowhere", "train")
    labelled = written(tmp_path / "labelled", prepared(random, {"train": 6}))
    with pytest.raises(InputError, match=r"no labels of 'unlabeled'; it has: train"):
        open_labels(labelled / "labels", "unlabeled")


def test_damaged_arrays_are_named(tmp_path, random):
    folder = written(tmp_path, prepared(random, {"train": 6})) / "images"
    np.save(folder / "train.npy", np.zeros((5, 4, 4, 3), np.uint8))
    with pytest.raises(InputError, match=r"holds uint8 \(5, 4, 4, 3\); its manifest says .*\(6, 4"):
        open_images(folder, "train")
    (folder / "train.npy").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"train\.npy is not an array"):
        open_images(folder, "train")
    np.save(folder / "train.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(InputError, match=r"train\.npy is not an array"):
        open_images(folder, "train")
    (folder / "train.npy").unlink()
    with pytest.raises(InputError, match=r"train\.npy is missing; run prepare"):
        open_images(folder, "train")


def test_indexed_images_are_decoded_when_asked_for(tmp_path, random):
    raw, folder = tmp_path / "raw", tmp_path / "images"
    raw.mkdir()
    folder.mkdir()
    pixels = random.integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    names = ["a.png", "b \u2028.png", "c.png"]
    for name, image in zip(names, pixels, strict=True):
        Image.fromarray(image).save(raw / name)
    manifest = {"format": "indexed", "image_size": 4, "counts": {"train": 3}, "root": str(raw)}
    manifest |= {"kind": "folder", "mean": [0.5] * 3, "std": [0.2] * 3, "listing": listing(names)}
    (folder / "manifest.json").write_text(json.dumps(manifest | {"maker": "prepare@own"}))
    save_digests(folder / "sha256-train.npy", [digest((raw / name).read_bytes()) for name in names])
    (folder / "train.txt").write_text("".join(f"{name}\n" for name in names))
    images = open_images(folder, "train")
    assert images.decodes
    assert len(images) == 3
    assert (images.batch([2, 1]).permute(0, 2, 3, 1).numpy() == pixels[[2, 1]]).all()
    again = r"dvc repro --force --single-item prepare@own"
    (raw / "c.png").write_bytes((raw / "a.png").read_bytes())
    with pytest.raises(InputError, match=rf"c\.png has changed since .*{again}"):
        images.batch([2])
    assert len(open_images(folder, "train")) == 3
    (raw / "c.png").rename(raw / "d.png")
    with pytest.raises(InputError, match=rf"c\.png could be read when the data were .*{again}"):
        images.batch([2])
    with pytest.raises(InputError, match=rf"raw is not the folder .*: c\.png is missing.*{again}"):
        open_images(folder, "train")
    (raw / "c.png").write_bytes(b"")
    with pytest.raises(InputError, match=r": there are other files \(it has 4 images now\)"):
        open_images(folder, "train")
    raw.rename(tmp_path / "moved")
    with pytest.raises(InputError, match="raw, which is missing; put them back"):
        open_images(folder, "train")
