"""Whatever is fed in, only the project's own errors come out. Bounded and repeatable: the examples
are derived from the tests themselves."""

from __future__ import annotations

import copy
import io
import json
import tarfile
import zipfile
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from stages.core.command import InputError, read_json
from stages.core.data.decode import UnreadableImage, square
from stages.core.lines import RUNS
from stages.core.manifest import verify, write_manifest
from stages.core.run import read_run, resolve_run
from stages.core.settings import SettingsError
from stages.core.spaces import block, dense
from stages.core.spaces.genotype import random_genotype, read_genotype, validate
from stages.core.training.checkpoint import Checkpoints
from stages.plan.__main__ import plan as composed
from stages.plan.checks import check_plan
from stages.plan.compose import compose_config
from stages.plan.expand import Expansion
from stages.prepare.files import image_files

bounded = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),  # explaining a failure traces every line
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
fewer = settings(bounded, max_examples=50)  # where an example takes tenths of a second
few = settings(bounded, max_examples=25)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["simclr", "darts", "labels", "select/s", "../..", "$(id)", "${x}", "cell"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


def places(tree: Any, path: tuple = ()) -> list[tuple]:
    """Paths of every node below the root."""
    items = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    found = []
    for key, value in items:
        found += [(*path, key), *places(value, (*path, key))]
    return found


@st.composite
def changed(draw: Any, tree: Any) -> Any:
    """`tree` with one to three of its nodes replaced, removed or renamed."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places(tree)))
        node = tree
        for key in path:
            node = node[key]
        action = draw(st.sampled_from(["replace", "remove", "rename"]))
        if action == "replace":
            node[last] = draw(VALUES)
        elif action == "rename" and isinstance(node, dict):
            node[draw(st.text(max_size=8))] = node.pop(last)
        else:
            del node[last]
        if not places(tree):
            break
    return tree


@st.composite
def damaged(draw: Any, content: bytes) -> bytes:
    """`content` with some bytes changed, cut off or repeated."""
    array = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(array) - 1, 0)))
        action = draw(st.sampled_from(["change", "cut", "insert", "remove"]))
        if action == "change" and array:
            array[place] = draw(st.integers(0, 255))
        elif action == "cut":
            del array[place:]
        elif action == "insert":
            array[place:place] = draw(st.binary(max_size=20))
        else:
            del array[place : place + draw(st.integers(1, 30))]
    return bytes(array)


# ----------------------------------------------------------------- plans ----


@pytest.fixture(scope="module")
def smoke() -> dict[str, Any]:
    """A run or two of every stage; what `report` is told is left out."""
    params = composed(["scale=smoke", "seeds.search=1"])
    del params["report"]
    return params


@fewer
@given(data=st.data())
def test_plans_edited_by_hand(data, smoke):
    tree = data.draw(changed(smoke))
    for stage in RUNS:
        for name in list(smoke[stage])[:1]:
            with suppress(SettingsError):
                resolve_run(stage, name, tree, "the plan")


@fewer
@given(data=st.data())
def test_plans_that_are_checked_as_a_whole(data, smoke):
    tree = data.draw(changed(smoke))
    with suppress(SettingsError):
        check_plan(tree)


@bounded
@given(text=st.text(max_size=60) | st.binary(max_size=60))
def test_files_that_are_no_plan(text, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SettingsError):
        read_run("search", "s", path)


KEYS = st.sampled_from(
    ["recipe.search.epochs", "objective.simclr.views.crop_scale", "only", "seeds.search",
     "data.digits.train", "recipe.search.milestones", "scale", "paper", "x.y", "network.cells"]
)  # fmt: skip


@settings(bounded, max_examples=8)  # most of a second each: Hydra reads all of workflow/config
@given(key=KEYS, value=st.text(max_size=12) | st.integers().map(str) | VALUES.map(str))
def test_overrides(key, value):
    with suppress(SettingsError):
        composed(["scale=smoke", f"{key}={value}"])


@pytest.fixture(scope="module")
def config():
    return compose_config(["scale=smoke"])


@fewer
@given(key=KEYS, value=VALUES)
def test_a_value_that_an_override_gives(key, value, config):
    """Behind Hydra's syntax, which the test above goes through."""
    *folders, last = key.split(".")
    tree = copy.deepcopy(config)
    section = tree
    for folder in folders:
        section = section.setdefault(folder, {})
    section[last] = value
    with suppress(SettingsError):
        check_plan(Expansion(tree).params())


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
        checkpoints.cost = SimpleNamespace(seconds=1.0)  # the same bytes every time
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
