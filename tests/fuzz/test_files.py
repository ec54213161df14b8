"""Whatever a file holds, only the project's own errors are raised."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nassl.files import InputError, read_json
from nassl.genotypes import block, dense, read_genotype, validate
from nassl.genotypes.cell import random_genotype
from nassl.image_files.decode import UnreadableImage, square
from nassl.manifest import verify, write_manifest
from nassl.training.checkpoint import Checkpoints
from stages.layouts.files import image_files
from tests.fuzz.examples import VALUES, bounded, changed, damaged

# ------------------------------------------------------------- genotypes ----

GENOTYPES = [
    random_genotype(0).to_json(),
    dense.random_dense(0).to_json(),
    block.resnet50([3, 4, 6, 3]).to_json(),
    {"space": "resnet", "depth": 18},
]


@bounded
@given(content=VALUES | st.sampled_from(GENOTYPES).flatmap(changed))
def test_genotypes(content):
    with suppress(InputError):
        genotype = validate(content)
        assert validate(genotype.to_json()) == genotype


@bounded
@given(content=st.binary(max_size=60) | damaged(json.dumps(GENOTYPES[0]).encode()))
def test_files_of_genotypes(content, tmp_path):
    path = tmp_path / "genotype.json"
    path.write_bytes(content)
    with suppress(InputError):
        read_genotype(path)


# ------------------------------------------------------ what stages wrote ----


@bounded
@given(content=st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_manifests(content, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir(exist_ok=True)
    (folder / "metrics.json").write_text("{}")
    (folder / "manifest.json").write_bytes(content)
    for path in (folder, folder / "metrics.json", folder / "manifest.json"):
        with pytest.raises(InputError):
            verify(path)


@bounded
@given(data=st.data())
def test_a_damaged_run_never_passes(data, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir(exist_ok=True)
    (folder / "metrics.json").write_text('{"accuracy": 0.5}')
    write_manifest(folder, "probe@s")
    name = data.draw(st.sampled_from(["metrics.json", "manifest.json"]))
    before = (folder / name).read_bytes()
    after = data.draw(damaged(before))
    (folder / name).write_bytes(after)
    try:
        verify(folder)
    except InputError:
        return
    # JSON with other white space says the same; any other file must be the same.
    assert after == before or (name == "manifest.json" and json.loads(after) == json.loads(before))


@bounded
@given(data=st.data())
def test_damaged_checkpoints(data, tmp_path):
    with Checkpoints(tmp_path / "run", "f") as checkpoints:
        # The same bytes every time.
        checkpoints.cost = SimpleNamespace(seconds=1.0, waiting=[0.0, 0.0], moves=[])
        part = checkpoints.part()
        part.save({"epoch": 1, "rows": [{"loss": 0.5}]})
        part.last.write_bytes(data.draw(damaged(part.last.read_bytes())))
        state = part.load()
        assert state is None or state["epoch"] == 1


@bounded
@given(content=st.binary(max_size=40))
def test_json(content, tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with suppress(InputError):
        read_json(path)


# ---------------------------------------------------------------- images ----


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


IMAGES = [encoded(kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA")]


def packed(kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/x.png", IMAGES[0])
            archive.writestr("b/y.png", IMAGES[0])
    else:
        with tarfile.open(fileobj=buffer, mode=kind) as archive:
            for name in ("a/x.png", "b/y.png"):
                member = tarfile.TarInfo(name)
                member.size = len(IMAGES[0])
                archive.addfile(member, io.BytesIO(IMAGES[0]))
    return buffer.getvalue()


ARCHIVES = [packed(kind) for kind in ("zip", "w:", "w:gz", "w:bz2", "w:xz")]


@bounded
@given(content=st.sampled_from(IMAGES).flatmap(damaged) | st.binary(max_size=60))
def test_images(content):
    with suppress(UnreadableImage):
        pixels = square(content, 4)
        assert (pixels.shape, pixels.dtype) == ((4, 4, 3), np.uint8)


@bounded
@given(content=st.sampled_from(ARCHIVES).flatmap(damaged))
def test_archives(content, tmp_path):
    path = tmp_path / "archive"
    path.write_bytes(content)
    with suppress(InputError), image_files(path) as files:
        for index in range(len(files.paths)):
            with suppress(UnreadableImage):
                files.read(index)
