"""Paths on the command line are taken literally, or the message shows how to quote them."""

from __future__ import annotations

import shlex
import shutil

import numpy as np
import pytest
from dvc.utils.serialize import load_yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from PIL import Image

from nassl.settings import SettingsError
from stages.plan.__main__ import as_text, main
from stages.plan.compose.config import compose_config
from stages.plan.compose.roots import literal_roots
from stages.runs.run import read_plan, read_run

NAMES = [
    "my images", "set (1)", "a,b", "k=v", "2024", "1e3", "1_0.5", "null", "it's", "日本", "Zürich",
    "a[1]", "x:y", "ho$me", "#1", "100%", "a@b", "true", "{x}", "a  b", " lead", "trail ", "a #b",
    'say "hi"', "back\\slash", "end\\", "\\", 'both\\"', "- dash", "*star", "&and", "!mark", "a: b",
    "~tilde", "emoji 🙂", "long " * 30 + "name",
]  # fmt: skip


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    for number in range(12):
        path = root / ["cat", "dog"][number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((4, 4, 3), number, np.uint8)).save(path)
    return root


SMALL = [
    "scale=smoke", "recipe.search.batch_size=2", "recipe.score-contrastive.batch_size=2",
    "recipe.pretrain-b64.batch_size=2", "protocol.linear.recipe.batch_size=2",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_root_is_read_as_it_was_typed(name, tmp_path):
    for root in (name, f"/there/{name}", f"{name}/images"):
        (given,) = literal_roots([f"data.root={root}"])
        assert OverridesParser.create().parse_override(given).value() == root
        plan = tmp_path / "params.yaml"
        plan.write_text(as_text({"data": {"own": {"kind": "folder", "root": root}}}, []))
        assert read_plan(plan)["data"]["own"]["root"] == root
        assert load_yaml(str(plan))["data"]["own"]["root"] == root  # as DVC reads it


@pytest.mark.parametrize("name", ["set (1), it's #1 = ~日本", "1e3"])
def test_a_root_arrives_in_the_stage(name, images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).symlink_to(images)
    main(["paper=own", "data=folder", f"data.root={name}", *SMALL])
    assert read_run("prepare", "folder").settings["data"].root == name


def test_the_plan_says_how_a_folder_is_interpreted(images, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "own"
    for part in ("Training", "Testing"):
        (root / part).mkdir(parents=True)
        for name in ("cat", "dog"):
            (root / part / name).symlink_to(images / name)
    shutil.copytree(images / "cat", root / "Training" / "fox")
    (root / "Training" / "fox" / "x.heic").write_bytes(b"")
    main(["paper=own", "data=folder", f"data.root={root}", *SMALL])
    assert capsys.readouterr().out.splitlines()[1:] == [
        "data.folder: 18 train, 12 test; 3 classes: cat (12), dog (12), fox (6)",
        "  all parts: 1 files are not used: 1 .heic (first: Training/fox/x.heic)",
        "  test: 1 of 3 classes have no test image: fox (first: fox)",
    ]


def test_the_first_line_of_a_plan_can_be_run_again(images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "it's (1)").symlink_to(images)
    main(["paper=own", "data=folder", "data.root=it's (1)", *SMALL])
    before = (tmp_path / "params.yaml").read_text()
    command = shlex.split(before.partition("`")[2].partition("`")[0])
    assert command[:3] == ["python", "-m", "stages.plan"]
    main(command[3:])
    assert (tmp_path / "params.yaml").read_text() == before


def test_home_is_expanded_where_the_shell_did_not(images, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "my images").symlink_to(images)
    for override in ("data.root=~/my images", "data.root='~/my images'"):
        config = compose_config(["paper=own", "data=folder", override])
        assert config["data"]["folder"]["root"] == f"{tmp_path}/my images"
    config = compose_config(["+data.cells={kind: voc, root: '~/my images'}"])
    assert config["data"]["cells"]["root"] == f"{tmp_path}/my images"


def test_what_is_quoted_already_and_what_is_a_reference_stay(monkeypatch):
    monkeypatch.setenv("PLACE", "/there")
    for override, expected in (
        ("data.root='a (1)'", "a (1)"),
        ('data.root="a, b"', "a, b"),
        ("data.root=${oc.env:PLACE}/x", "/there/x"),
        ("data.root=", ""),
        ("++data.folder.root=(x)", "(x)"),
    ):
        config = compose_config(["paper=own", "data=folder", override])
        assert config["data"]["folder"]["root"] == expected, override


@pytest.mark.parametrize("root", ["/my images (1)", "~/cells", "/日本", "it's"])
def test_where_a_path_cannot_be_told_the_message_has_the_quotes(root, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    with pytest.raises(SettingsError) as error:
        compose_config(["scale=smoke", f"+data.cells={{kind: voc, root: {root}}}"])
    command = shlex.split(str(error.value).rpartition("write: ")[2])
    assert command[:4] == ["python", "-m", "stages.plan", "scale=smoke"]
    config = compose_config(command[3:])
    assert config["data"]["cells"]["root"] == root.replace("~", "/home/me")


def test_where_quotes_do_not_help_the_message_says_how_to_quote():
    with pytest.raises(SettingsError) as error:
        compose_config(["re cipe=3"])
    (example,) = shlex.split(str(error.value).rpartition("as in ")[2])
    assert example == '+data.own={kind: voc, root: "/my images (1)"}'


def test_a_pattern_that_means_one_place_is_that_place(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "photos 2024").mkdir()
    for given in ("~/photo*", f"{tmp_path}/photos?2024"):
        config = compose_config(["paper=own", "data=folder", f"data.root={given}"])
        assert config["data"]["folder"]["root"] == f"{tmp_path}/photos 2024"


def test_a_pattern_that_means_several_places_or_none(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "my photos" / name).mkdir(parents=True)
    pattern = f"{tmp_path}/my photos/*"
    with pytest.raises(SettingsError) as error:
        compose_config(["paper=own", "data=folder", f"data.root={pattern}"])
    assert str(error.value) == (
        f"data.folder.root is '{pattern}', which is 2 places: {tmp_path}/my photos/a, "
        f"{tmp_path}/my photos/b; give one of them, or the folder that holds them: "
        f"'data.folder.root={tmp_path}/my photos'"
    )
    with pytest.raises(SettingsError) as error:
        compose_config(["paper=own", "data=folder", f"data.root={tmp_path}/x*"])
    assert str(error.value) == (
        f"data.folder.root is '{tmp_path}/x*', and nothing has such a name; give a folder or an "
        "archive"
    )


def test_a_name_with_a_star_is_no_pattern_if_it_is_there(tmp_path):
    (tmp_path / "a*").mkdir()
    (tmp_path / "ab").mkdir()
    config = compose_config(["paper=own", "data=folder", f"data.root={tmp_path}/a*"])
    assert config["data"]["folder"]["root"] == f"{tmp_path}/a*"


@pytest.mark.parametrize(
    ("name", "text"),
    [("a\nb", r"has a line break; rename the folder"), ("a\udcff", r"is not UTF-8, which a plan")],
)
def test_what_no_plan_can_hold_is_refused(name, text):
    with pytest.raises(SettingsError, match=text):
        compose_config([f"data.root={name}"])
