"""Plans for folders of images, composed with the sizes that were chosen for them."""

from __future__ import annotations

import re
import zipfile

import numpy as np
import pytest
import yaml
from PIL import Image

from nassl.settings import SettingsError
from stages.plan import __main__ as command
from stages.plan.__main__ import main, plan, planned
from stages.plan.estimate.machine import cpu, one_gpu
from stages.plan.estimate.rates import Rates
from stages.plan.sizes.propose import ARCHIVE, MEMORY

OWN = ("paper=own", "data=folder", "scale=lab")
TRAINED = ("search", "score-contrastive", "pretrain-b64")


class Fake:
    """A machine whose hours are counted in pixels and epochs of pretraining; networks with stem
    imagenet are 64 times faster."""

    name = "a fake machine"

    def __init__(self, rate=1e-7, memory=1e18):
        self.rate, self.memory = rate, memory

    def hours(self, params):
        side, stem = params["data"]["folder"]["image_size"], params["network"]["cells"]["stem"]
        images = params["data"]["folder"]["train"] or 240
        share = 1 / 64 if stem == "imagenet" else 1
        epochs = params["recipe"]["pretrain-b64"]["epochs"]
        return self.rate * share * images * epochs * side**2

    def over(self, params):
        side = params["data"]["folder"]["image_size"]
        return side**2 * params["recipe"]["search"]["batch_size"] / self.memory


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """300 images of mixed sizes in two class folders; nine of ten have at least 70 pixels."""
    folder, random = tmp_path_factory.mktemp("images") / "photos", np.random.default_rng(0)
    for number in range(300):
        height, width = random.integers(70, 140, 2) if number % 20 else (40, 60)
        place = folder / ("cat" if number % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        size = (int(width), int(height))
        Image.new("RGB", size, (number % 256, 90, 40)).save(place / f"{number}.jpg")
    return folder


@pytest.fixture
def on(monkeypatch):
    """`on(machine, words ...)`: the plan for a folder, made on a machine."""

    def made(machine, root, *words):
        monkeypatch.setattr(command, "_machines", lambda params, gpu: [machine])
        return planned([*OWN, f"data.root={root}", *words])

    return made


def used(params):
    recipes = params["recipe"]
    return {
        "side": params["data"]["folder"]["image_size"],
        "stems": {params["space"]["cells"]["stem"]}
        | {network["stem"] for network in params["network"].values()},
        "batches": [recipes[name]["batch_size"] for name in TRAINED],
        "epochs": [recipes[name]["epochs"] for name in TRAINED],
    }


def test_sizes_for_the_time_are_ordinary_settings(on, photos):
    made = on(Fake(), photos, "budget=2h")
    assert used(made.params) == {
        "side": 32,  # 15 minutes and more for each step up to 64: 14.7 hours
        "stems": {"cifar"},
        "batches": [32] * 3,
        "epochs": [27, 14, 81],
    }
    text = "\n".join(made.lines)
    assert made.lines[0].startswith("budget=2h: about 119 minutes on a fake machine (right")
    assert "image_size=32, stem cifar: nine of ten images have 71 pixels or more on their" in text
    assert "2.7 times its scale's; more do not fit" in text
    assert "all 240 training images" in text
    assert "warning" in text
    larger = on(Fake(rate=1e-8), photos, "budget=2h")
    assert used(larger.params)["side"] == 64
    assert "96 pixels" not in "\n".join(larger.lines)  # larger than the images


def test_the_plan_names_what_makes_it_again_without_a_measurement(on, photos):
    made = on(Fake(), photos, "budget=2h")
    assert not [word for word in made.overrides if word.startswith("budget")]
    assert "recipe.pretrain-b64.epochs=81" in made.overrides
    assert plan(made.overrides) == made.params


def test_what_is_set_is_kept(on, photos):
    words = ["data.folder.image_size=64", "recipe.search={epochs: 3, batch_size: 16}"]
    made = on(Fake(rate=1e-8), photos, "budget=2h", *words, "network.resnet18.stem=imagenet")
    assert made.params["recipe"]["search"]["epochs"] == 3
    assert made.params["recipe"]["search"]["batch_size"] == 16
    assert made.params["recipe"]["pretrain-b64"]["batch_size"] == 32
    assert made.params["data"]["folder"]["image_size"] == 64
    assert made.params["network"]["resnet18"]["stem"] == "imagenet"
    kept = [line.strip() for line in made.lines if "kept: " in line]
    assert kept == [
        "kept: data.folder.image_size=64",
        "kept: network.resnet18.stem=imagenet",
        "kept: recipe.search.epochs=3",
        "kept: recipe.search.batch_size=16",
    ]


def test_learning_rates_go_with_the_batch(on, photos):
    params = on(Fake(), photos, "budget=2h").params
    assert params["recipe"]["search"]["learning_rate"] == 0.0125
    assert params["recipe"]["pretrain-b64"]["learning_rate"] == 0.015
    linear = params["protocol"]["linear"]["recipe"]
    assert (linear["batch_size"], linear["learning_rate"]) == (64, 0.025)


def test_fewer_images_where_all_are_too_many(on, photos):
    rules = ("sizes.least_images=100", "sizes.least_epochs=1.0")
    made = on(Fake(rate=4e-7), photos, "budget=2h", *rules)
    assert made.params["data"]["folder"]["train"] == 100
    assert any("100 of 240 training images" in line for line in made.lines)
    with pytest.raises(
        SettingsError, match=r"pretrain-b64 30 epochs\) takes about 2\.2 hours on .*budget=2\.5h"
    ):
        on(Fake(rate=4e-7), photos, "budget=2h", *rules, "data.folder.train=180")  # kept


def test_memory_makes_batches_smaller_and_rules_sides_out(on, photos):
    half = on(Fake(rate=1e-8, memory=64**2 * 16), photos, "budget=2h")
    assert used(half.params)["side"] == 64
    assert used(half.params)["batches"] == [16] * 3
    none = on(Fake(rate=1e-8, memory=64**2 * 15), photos, "budget=2h")
    assert used(none.params)["side"] == 48
    assert f"  not considered: 64 pixels: {MEMORY}" in none.lines


def test_an_archive_has_to_be_packed(on, photos, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for file in photos.glob("*/*"):
            archive.write(file, file.relative_to(photos.parent))
    monkeypatch.setattr("nassl.settings.datasets.folders.PACK_LIMIT", 300 * 50**2 * 3)
    made = on(Fake(rate=1e-8), tmp_path / "photos.zip", "budget=2h")
    assert used(made.params)["side"] == 48
    assert f"  not considered: 64 pixels: {ARCHIVE}" in made.lines
    assert used(on(Fake(rate=1e-8), photos, "budget=2h").params)["side"] == 64


def test_a_budget_that_is_too_short_names_one_that_is_not(on, photos):
    with pytest.raises(SettingsError) as error:
        on(Fake(), photos, "budget=10m")
    assert str(error.value).startswith(
        "budget=10m is too short: the least that is worth trying (32 pixels, search 4 epochs, "
        "score-contrastive 2 epochs, pretrain-b64 12 epochs) takes about 18 minutes on a fake "
        "machine; write budget=18m, or"
    )
    assert on(Fake(), photos, "budget=18m").params


def test_real_rates_are_counted_on_the_real_networks(on, photos):
    machine = cpu(2, 1, 8e9, Rates(8e10, 4e9, 2e-5))
    made = on(machine, photos, "budget=3h", 'only=["own.networks/SSNAS (first order)"]')
    assert machine.hours(made.params) <= 3
    assert made.lines[0].endswith("on 2 CPU cores (right within a factor of two)")
    assert one_gpu("A100").hours(made.params) < machine.hours(made.params)
    twice = cpu(2, 1, 8e9, Rates(16e10, 8e9, 1e-5))
    assert twice.hours(made.params) < 0.6 * machine.hours(made.params)


# ----------------------------------------------------------- without a budget ----


def test_without_a_budget_sizes_are_the_scales_and_it_is_warned(photos):
    made = planned([*OWN, f"data.root={photos}"])
    found = used(made.params)
    assert (found["side"], found["epochs"]) == (32, [10, 5, 30])
    assert {len(row["runs"]) for row in made.params["report"]["own"]} == {3}  # seeds of a verdict
    assert made.lines[1].startswith(
        "warning: data.folder: nine of ten images have 71 pixels or more on their shorter side, and"
        " 32 x 32 are used; budget=2h"
    )
    assert planned([*OWN, f"data.root={photos}", "data.folder.image_size=64"]).lines[1:] == []


def test_batches_fit_few_images_anyway(photos):
    made = planned([*OWN, f"data.root={photos}"])
    assert used(made.params)["batches"] == [32] * 3
    assert made.lines[0] == (
        "smaller batches, as there are few images (120 in the smallest part), and learning rates in"
        " proportion: recipe.search.batch_size=32, recipe.score-contrastive.batch_size=32, "
        "recipe.pretrain-b64.batch_size=32, protocol.linear.recipe.batch_size=64"
    )
    with pytest.raises(SettingsError, match="batch_size is 130; its smallest part has 120 images"):
        plan([*OWN, f"data.root={photos}", "recipe.search.batch_size=130"])


def test_large_images_have_another_stem_unless_it_is_set(photos):
    words = [*OWN, f"data.root={photos}", "data.folder.image_size=160"]
    made = planned(words)
    assert used(made.params)["stems"] == {"imagenet"}
    assert "stem imagenet, as 160 pixels are many: stem cifar keeps maps of" in made.lines[1]
    kept = plan([*words, "space.cells.stem=cifar"])
    assert kept["space"]["cells"]["stem"] == "cifar"
    assert kept["network"]["cells"]["stem"] == "imagenet"


def test_plans_of_papers_are_left_alone(photos):
    assert planned(["scale=lab"]).lines == []
    mine = f"+data.mine={{kind: folder, image_size: 32, root: {photos}, test_fraction: 0.2}}"
    few = [f"recipe.{name}.batch_size=32" for name in (*TRAINED[:2], "retrain")]
    stood = planned(["scale=lab", "only=ssnas.table1", mine, "+stand_ins.cifar10=mine", *few])
    assert stood.lines[0].startswith("warning: data.mine: nine of ten images have 71 pixels")
    assert len(stood.lines) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["budget=2h"], "budget is '2h', and sizes are chosen for your own images alone; write: "
         "python -m stages.plan paper=own data=folder scale=lab budget=2h"),
        (["paper=own", "data=folder", "{root}", "budget=2h"], "budget is '2h' and scale 'toy'; "
         "sizes are chosen for scale=lab; write: python -m stages.plan paper=own data=folder "
         "{root} budget=2h scale=lab"),
        ([*OWN, "{root}", "budget=2"], "budget is 2; a time is expected: 30m, 2h or 1d (minutes, "
         "hours, days)"),
        ([*OWN, "{root}", "seeds.final=4"], "'seeds.final=4' changes nothing in this plan; write: "
         "python -m stages.plan paper=own data=folder scale=lab {root} seeds.own=4"),
        ([*OWN, "{root}", "sizes.sides=[]"], "sizes.sides does not fit: [] should be non-empty"),
        ([*OWN, "{root}", "budget=2h", "sizes.most_epochs=0.5"], "sizes.most_epochs"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(photos, words, message):
    root = f"data.root={photos}"
    with pytest.raises(SettingsError, match=re.escape(message.replace("{root}", root))):
        planned([word.replace("{root}", root) for word in words])


def test_the_command_prints_it_and_writes_the_settings(on, photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "_machines", lambda params, gpu: [Fake()])
    out = tmp_path / "params.yaml"
    main([*OWN, f"data.root={photos}", "budget=2h", "--out", str(out)])
    said = capsys.readouterr().out
    assert "data.folder: 300 train; 2 classes: cat (150), dog (150)\nbudget=2h: about 119" in said
    assert yaml.safe_load(out.read_text())["recipe"]["pretrain-b64"]["epochs"] == 81
    first = out.read_text().splitlines()[0]
    assert "recipe.pretrain-b64.epochs=81" in first
    assert "budget" not in first
