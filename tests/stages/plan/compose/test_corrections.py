"""A command line that is refused, word for word; the command that it gives instead works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from nassl.settings import SettingsError
from stages.plan.__main__ import main
from stages.plan.compose.config import compose_config

PAGE = Path(__file__).resolve().parents[4] / "docs" / "data.md"
PLAN = "python -m stages.plan"
STAND_INS = "cifar10, cifar10-few, cifar100, stl10, imagenet, imagenet100, voc, coco, ssnas.table2"
DATA = (
    "cifar10, cifar10-few, cifar100, stl10, imagenet, imagenet100, digits, digits-few, "
    "digits-scarce, digits-unlabeled, shapes, shapes-64, voc, coco, scenes-voc, scenes-coco"
)

# What is typed -> what is said of it, and the words of the command that is given instead.
CORRECTED = {
    "a new entry without +": (
        ["data.cells={kind: voc, root: /x}", "stand_ins.voc=cells"],
        f"Could not override 'data.cells'. | Key 'cells' is not in struct | allowed: {DATA}",
        ["+data.cells={kind: voc, root: /x}", "stand_ins.voc=cells"],
    ),
    "a stand-in at a scale without any": (
        ["scale=paper", "stand_ins.voc=coco"],
        "Could not override 'stand_ins.voc'. | Key 'voc' is not in struct | "
        f"allowed: {STAND_INS}",
        ["scale=paper", "+stand_ins.voc=coco"],
    ),
    "a table's stand-in": (
        ["stand_ins.ssnas.table1=shapes"],
        "Could not override 'stand_ins.ssnas.table1'. | Key 'ssnas' is not in struct",
        ["+stand_ins.ssnas.table1=shapes"],
    ),
    "+ for what is there": (
        ["+stand_ins.voc=coco"],
        "Could not append to config. An item is already at 'stand_ins.voc'.",
        ["stand_ins.voc=coco"],
    ),
    "a misspelt stand-in": (
        ["stand_ins.vox=coco"],
        f"Could not override 'stand_ins.vox'. | Key 'vox' is not in struct | allowed: {STAND_INS}",
        ["stand_ins.voc=coco"],
    ),
    "a misspelt key": (
        ["recipe.search.epoch=3"],
        "Could not override 'recipe.search.epoch'. | Key 'epoch' is not in struct | allowed: "
        "epochs, batch_size, optimizer, learning_rate, schedule, final_learning_rate, momentum, "
        "weight_decay, clip",
        ["recipe.search.epochs=3"],
    ),
    "brackets in a row's name": (
        ["scale=smoke", "only=[own.networks/SSNAS (first order)]"],
        "no viable alternative at input '[own.networks/SSNAS ('",
        ["scale=smoke", 'only=["own.networks/SSNAS (first order)"]'],
    ),
    "an open bracket": (
        ["paper=[ssnas"], "no viable alternative at input '[ssnas'", ["paper=[ssnas]"],
    ),
    "a path with a space": (
        ["paper=own", "data=folder", "data.root=/my", "own", "images", "scale=lab"],
        "'own' is not of the form key=value",
        ["paper=own", "data=folder", "data.root=/my own images", "scale=lab"],
    ),
    "a row with a space": (
        ["only=[ssnas.table1/Random", "sampling]"],
        "'sampling]' is not of the form key=value",
        ["only=[ssnas.table1/Random sampling]"],
    ),
    "a space after =": (
        ["paper=own", "data=folder", "data.root=", "/my-images"],
        "'/my-images' is not of the form key=value",
        ["paper=own", "data=folder", "data.root=/my-images"],
    ),
    "a space after =, and a pattern": (
        ["paper=own", "data=folder", "data.root=", "/photos/a", "/photos/b"],
        "'/photos/a' is not of the form key=value",
        ["paper=own", "data=folder", "data.root=/photos"],
    ),
    "a space instead of =": (
        ["paper=own", "data=folder", "data.root", "/my-images"],
        "'data.root' is not of the form key=value",
        ["paper=own", "data=folder", "data.root=/my-images"],
    ),
    "a scale without its key": (["lab"], "'lab' is not of the form key=value", ["scale=lab"]),
    "own images without data=folder": (
        ["data.root=/my images", "scale=lab"],
        f"Could not override 'data.root'. | Key 'root' is not in struct | allowed: {DATA}",
        ["paper=own", "data=folder", "data.root=/my images", "scale=lab"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "said", "instead"), CORRECTED.values(), ids=CORRECTED)
def test_what_is_refused_is_given_corrected(typed, said, instead):
    with pytest.raises(SettingsError) as error:
        compose_config(typed)
    assert str(error.value) == (
        f"{said}{'; ' if 'key=value' in said else ' | '}write: {PLAN} {shlex.join(instead)}"
    )
    compose_config(instead)


def test_a_tables_stand_in_is_used(tmp_path):
    plan = tmp_path / "plan.yaml"
    words = ["scale=smoke", "only=ssnas.table1", "+stand_ins.ssnas.table1=shapes"]
    main([*words, "--out", str(plan)])
    retrained = yaml.safe_load(plan.read_text())["retrain"].values()
    assert {line["data"] for line in retrained} == {"shapes"}


def test_the_commands_of_the_page_on_data_are_composed():
    blocks = re.findall(r"^```\n(python .*?)^```$", PAGE.read_text(), re.M | re.S)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines()]
    plans = [words[3:] for words in lines if words[1:3] == ["-m", "stages.plan"]]
    assert len(plans) > 4
    for overrides in plans:
        compose_config(overrides)


def test_a_word_without_a_meaning_is_named():
    with pytest.raises(SettingsError) as error:
        compose_config(["scale=toy", "quickly"])
    assert str(error.value) == "'quickly' is not of the form key=value; see --help"


@pytest.mark.parametrize(
    ("typed", "option", "instead"),
    [
        (["--scale=lab"], "--scale", ["scale=lab"]),
        (["--scale", "lab", "paper=own"], "--scale", ["scale=lab", "paper=own"]),
        (["paper=own", "-scale=lab"], "-scale", ["paper=own", "scale=lab"]),
    ],
)
def test_an_override_written_as_an_option(typed, option, instead, capsys):
    with pytest.raises(SystemExit):
        main(typed)
    assert capsys.readouterr().err == (
        f"plan: '{option}' is no option; allowed: --show, --estimate, --check, --gpu, --out; "
        f"write: {PLAN} {shlex.join(instead)}\n"
    )


def test_options_and_overrides_in_any_order(tmp_path, capsys):
    out = ["--out", str(tmp_path / "plan.yaml")]
    texts = set()
    for words in (
        [*out, "scale=smoke", "only=[ssnas.table1]"],
        ["scale=smoke", *out, "only=[ssnas.table1]"],
        ["scale=smoke", "only=[ssnas.table1]", *out],
        ["only=[ssnas.table1]", "scale=smoke", *out],
    ):
        main(words)
        texts.add((tmp_path / "plan.yaml").read_text().partition("\n")[2])
    assert len(texts) == 1


def test_one_table_needs_no_brackets(tmp_path):
    main(["scale=smoke", "only=ssnas.table1", "--out", str(tmp_path / "plan.yaml")])
    tables = yaml.safe_load((tmp_path / "plan.yaml").read_text())["report"]["tables"]
    assert list(tables) == ["ssnas.table1"]


UNUSED = {
    "another data set stands in": (
        ["data.cifar100.root=/x.zip"],
        "'data.cifar100.root=/x.zip' changes nothing: no run of this plan reads data.cifar100; "
        "digits-scarce stands in for it; "
        f"write: {PLAN} scale=smoke data.cifar100.root=/x.zip stand_ins.cifar100=cifar100",
    ),
    "in no one's place": (
        ["+data.cells={kind: voc, root: /x}"],
        "'+data.cells={kind: voc, root: /x}' changes nothing: no run of this plan reads "
        "data.cells; say whose place it takes, as stand_ins.<name>=cells, or leave it out; "
        f"names: {STAND_INS}",
    ),
    "a paper's tables on a folder": (
        ["data=folder", "data.root=/x"],
        "'data.root=/x' changes nothing: no run of this plan reads data.folder; "
        f"write: {PLAN} paper=own data=folder scale=smoke data.root=/x",
    ),
}


@pytest.mark.parametrize(("typed", "said"), UNUSED.values(), ids=UNUSED)
def test_data_that_no_run_reads_are_refused(typed, said, capsys):
    with pytest.raises(SystemExit):
        main(["scale=smoke", *typed])
    assert capsys.readouterr().err == f"plan: {said}\n"
