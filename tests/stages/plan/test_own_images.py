"""Plans of a folder of one's own images."""

from __future__ import annotations

import pytest

from nassl.settings import DATASETS, SettingsError, Size
from nassl.settings.typed import typed
from stages.plan.__main__ import plan
from stages.plan.datasets import expected_size


@pytest.fixture
def images(tmp_path):
    """Files that look like 90 images: the plan counts names."""
    for name in (f"{letter}/{number}.png" for letter in "abc" for number in range(30)):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).touch()
    return tmp_path / "photos"


def own(folder, *more):
    trained = ("recipe.search", "recipe.score-contrastive", "recipe.pretrain-b64")
    small = [f"{name}.batch_size=8" for name in (*trained, "protocol.linear.recipe")]
    return plan(["paper=own", "data=folder", f"data.root={folder}", *small, *more])


def test_own_images_are_probed_if_they_lie_in_class_folders(images):
    params = own(images)
    assert params["data"]["folder"]["root"] == str(images)
    assert set(params["probe"]) == set(params["pretrain"])
    assert params["report"]["tables"] == {}
    assert params["report"]["own"][0]["runs"][0].startswith("probe/ssnas-folder")
    flat = own(images / "a")
    assert not flat["probe"]
    assert flat["data"]["folder"]["test_fraction"] == 0
    assert flat["report"]["own"][0]["runs"][0].startswith("pretrain/ssnas-folder")


def test_own_images_are_compared_with_a_published_network_at_little_cost(images):
    params, without = own(images), own(images, "only=['own.networks/SSNAS (first order)']")
    rows = ["SSNAS (first order)", "Random sampling", "ResNet-18"]
    assert [row["row"] for row in params["report"]["own"]] == rows
    published = params["report"]["own"][2]
    assert published["selection"] == "search/resnet18-folder-s0"
    assert published["searches"] == ["search/resnet18-folder-s0"]
    search = params["search"]["resnet18-folder-s0"]
    assert params["strategy"][search["strategy"]]["kind"] == "manual"
    assert not [run for run in params["score"] if "resnet18" in run]
    assert not [run for run in without["pretrain"] if "resnet18" in run]
    alike = [dict(params["pretrain"][f"{method}-folder-s0"]) for method in ("ssnas", "resnet18")]
    assert alike[0]["recipe"] == alike[1]["recipe"]
    assert alike[0]["objective"] == alike[1]["objective"]


def test_what_the_page_of_own_images_says_to_plan_again_with(images):
    tuned = own(images, "papers.own.tables.networks.each.finetune=finetune-all", "seeds.own=4")
    assert {line["finetune"] for line in tuned["probe"].values()} == {"finetune-all"}
    assert len(tuned["report"]["own"][0]["runs"]) == 4
    longer = own(images, "recipe.pretrain-b64.epochs=14", "data.folder.image_size=64")
    assert longer["recipe"]["pretrain-b64"]["epochs"] == 14
    assert longer["data"]["folder"]["image_size"] == 64


def test_own_images_of_which_some_have_labels(images):
    """90 in class folders, 30 without: all train the networks, labels are also fine-tuned on."""
    (images / "unlabeled").mkdir()
    for number in range(30):
        (images / "unlabeled" / f"{number}.png").touch()
    params = own(images, "protocol.finetune-all.recipe.batch_size=8")
    assert {line["finetune"] for line in params["probe"].values()} == {"finetune-all"}
    assert params["protocol"]["finetune-all"]["label_fraction"] == 1.0
    settings = typed(DATASETS, params["data"]["folder"], "data")
    assert expected_size(settings) == Size(train=72, test=18, unlabeled=102, classes=3)
    with pytest.raises(SettingsError, match="batch_size is 52; its smallest part has 51 images"):
        own(images, "recipe.search.batch_size=52")  # half of 102


def test_own_images_are_counted_when_the_plan_is_made(images):
    with pytest.raises(SettingsError, match="batch_size is 40; its smallest part has 36 images"):
        own(images, "recipe.search.batch_size=40")  # 90 images, 18 for testing, half of 72
    with pytest.raises(SettingsError, match=r"linear\.recipe\.batch_size is 80; there are 72"):
        own(images, "protocol.linear.recipe.batch_size=80")


def test_missing_own_images_are_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"data\.folder\.root is ''; the folder or the archive"):
        own("")
    with pytest.raises(SettingsError, match=r"gone'; the folder or the archive with your images"):
        own(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match="holds no image file"):
        own(tmp_path / "empty")
    with pytest.raises(SettingsError, match=r"data is 'folder'; .* add data=folder data\.root="):
        plan(["paper=own"])
