"""Detectron2 made importable before the tests' own imports; data and weights that they share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nassl.genotypes.block import resnet50
from nassl.manifest import sealed
from stages.transfer.compatibility import prepare_detectron2
from tests.stages.transfer.detectors import MEAN, STD, prepared_scenes, save_pretrained

prepare_detectron2()


@pytest.fixture(scope="session")
def voc(tmp_path_factory) -> Path:
    return prepared_scenes(tmp_path_factory.mktemp("voc"), "voc")


@pytest.fixture(scope="session")
def coco(tmp_path_factory) -> Path:
    return prepared_scenes(tmp_path_factory.mktemp("coco"), "coco")


@pytest.fixture
def weights(tmp_path) -> Path:
    return save_pretrained(tmp_path / "pretrained", resnet50((1, 1, 1, 1)))


@pytest.fixture
def statistics(tmp_path) -> Path:
    file = tmp_path / "manifest.json"
    content = {"mean": MEAN, "std": STD, "image_size": 32, "files": {}}
    file.write_text(json.dumps(sealed(content)))
    return file
