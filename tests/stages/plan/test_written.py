"""params.yaml as DVC and Snakemake read it, and files that a person still has to fix."""

from __future__ import annotations

import pytest
import yaml
from dvc.utils.serialize import parse_yaml
from omegaconf import OmegaConf
from PIL import Image

from nassl.settings import SettingsError
from stages.plan.__main__ import main, plan
from stages.plan.written import as_text, write
from tests.plans import composed

# Texts that YAML 1.1, 1.2 or both read as something else, or not at all.
ODD = [
    "1e3", "null", "true", "yes", "off", "0o17", "017", "12:30", "#1", "a: b", "- x", "1_000", "~",
    "2024-01-01", "2024", "it's", 'say "hi"', "日本", "{x}", "[x", "a  b", " lead", "end ", "<<",
    "=", "1.5e3", ".5", "+1", "0x1F", "&a", "*a", "!x", "%x", "@x", "`x", "a\tb", "x,y", "?", "|",
    "1_0e3", "1:2", "${oc.env:HOME}", "$x", "\\",
]  # fmt: skip


@pytest.fixture
def flat(tmp_path):
    """A folder of images without classes."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(40):
        Image.new("RGB", (40, 30), (number, 0, 0)).save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize("scale", ["smoke", "lab"])
def test_dvc_and_snakemake_read_the_plan_of_ones_own_images(flat, scale):
    small = [
        f"recipe.{name}.batch_size=4" for name in ("search", "score-contrastive", "pretrain-b64")
    ]
    params = plan(["paper=own", "data=folder", f"data.root={flat}", f"scale={scale}", *small])
    assert len(params["report"]["own"]) >= 2
    text = as_text(params, [])
    assert parse_yaml(text, "params.yaml") == yaml.safe_load(text) == params


@pytest.mark.parametrize("text", ODD)
def test_any_text_is_read_as_it_is(text):
    written = as_text({"data": {"digits": {"root": text}}}, [])
    stage = OmegaConf.to_container(OmegaConf.create(written))
    for read in (parse_yaml(written, "params.yaml"), yaml.safe_load(written), stage):
        assert read["data"]["digits"]["root"] == text


def test_what_cannot_be_written_is_named():
    params = composed("scale=smoke")
    params["data"]["digits"]["train"] = float("nan")
    with pytest.raises(SettingsError, match=r"digits\.train \(nan\) cannot be written so that"):
        as_text(params, [])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n", "line 2: Git's conflict marker"),
        (b"a: [1, 2\nb: 1\n", "is not YAML that Snakemake can read"),
        (b"a: [&x {b: 1}, &x {b: 2}]\n", "is not YAML that Snakemake can read"),
        (b"a: \xff\n", "is not UTF-8"),
    ],
)
def test_a_plan_that_waits_for_its_user_is_not_written_over(tmp_path, capsys, content, text):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(SystemExit) as end:
        main(["scale=smoke", "--out", str(path)])
    assert end.value.code == 2
    assert text in capsys.readouterr().err
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_markers_within_a_text_are_not_a_conflict(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("# ======= recipes =======\na: '<<<<<<< x'\n")
    write(path, "b: 1\n")
    assert path.read_text() == "b: 1\n"
