"""`boxes=voc` and `boxes=coco` beside your own images: what is planned, and what is refused."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from nassl.settings import SettingsError
from stages.plan import __main__ as command
from stages.plan.__main__ import main, plan, planned
from stages.plan.estimate.gpu_rates import gpu_rates
from stages.plan.estimate.machine import cpu, on_gpu
from stages.plan.estimate.rates import Rates
from stages.plan.estimate.run import run_work
from stages.plan.lineage import runs_of

SMALL = [
    f"{name}.batch_size=8"
    for name in ("recipe.search", "recipe.score-contrastive", "recipe.pretrain-b64")
]


@pytest.fixture
def images(tmp_path):
    for number in range(40):
        (tmp_path / "photos").mkdir(exist_ok=True)
        (tmp_path / "photos" / f"{number}.png").touch()
    return tmp_path / "photos"


@pytest.fixture
def voc(tmp_path):
    """32 images to train on and 8 to test on, of which the plan looks at the names."""
    year = tmp_path / "voc" / "VOCdevkit" / "VOC2007"
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (year / name).mkdir(parents=True)
    for number in range(40):
        (year / "JPEGImages" / f"img {number}.jpg").touch()
    names = [f"img {number}\n" for number in range(40)]
    (year / "ImageSets/Main/trainval.txt").write_text("".join(names[:32]))
    (year / "ImageSets/Main/test.txt").write_text("".join(names[32:]))
    return tmp_path / "voc"


@pytest.fixture
def coco(tmp_path):
    root = tmp_path / "coco"
    (root / "annotations").mkdir(parents=True)
    for name, count in (("train2017", 32), ("val2017", 8)):
        (root / name).mkdir()
        files = [{"id": number, "file_name": f"{number}.jpg"} for number in range(count)]
        for file in files:
            (root / name / file["file_name"]).touch()
        content = json.dumps({"images": files})
        (root / "annotations" / f"instances_{name}.json").write_text(content)
    return root


def own(images, kind, root, *more):
    words = ["paper=own", "data=folder", f"data.root={images}", f"boxes={kind}"]
    return plan([*words, f"boxes.root={root}", *SMALL, *more])


@pytest.mark.parametrize("kind", ["voc", "coco"])
@pytest.mark.parametrize("scale", ["lab", "smoke"])
def test_searched_and_published_networks_become_detectors_of_own_boxes(
    images, kind, scale, request
):
    root = request.getfixturevalue(kind)
    params = own(images, kind, root, f"scale={scale}", "seeds.own=2")
    assert params["data"]["boxes"] == {"kind": kind, "root": str(root)}
    assert params["data"]["folder"]["root"] == str(images)
    assert set(params["transfer"]) == {
        f"{method}-boxes-{start}s{seed}"
        for method in ("ssnas", "resnet18")
        for start in ("", "scratch-")
        for seed in (0, 1)
    }
    for name, line in params["transfer"].items():
        method = name.partition("-")[0]
        assert line["weights"] == f"pretrain/{method}-folder-s{line['seed']}"
        assert line.get("init") == ("random" if "scratch" in name else None)
    rows = params["report"]["boxes"]
    assert [row["row"] for row in rows] == ["SSNAS (first order)", "ResNet-18"]
    assert rows[0]["random"] == [
        "transfer/ssnas-boxes-scratch-s0",
        "transfer/ssnas-boxes-scratch-s1",
    ]
    assert rows[0]["pretrained"] == ["pretrain/ssnas-folder-s0", "pretrain/ssnas-folder-s1"]
    assert len(params["report"]["own"]) == 3
    assert params["report"]["tables"] == {}
    assert params["detection"]["own-boxes"]["iterations"] == 0


def test_the_plan_is_written_and_counted(voc, images, tmp_path, capsys):
    words = ["paper=own", "data=folder", f"data.root={images}", "boxes=voc", f"boxes.root={voc}"]
    main([*words, *SMALL, "scale=lab", "--out", str(tmp_path / "plan.yaml")])
    said = capsys.readouterr().out
    assert "12 transfer" in said  # two networks, three seeds, from random weights, too
    assert "data.boxes: 32 train, 8 test; images with boxes, in the layout of voc" in said
    assert "  boxes:\n  - {row: SSNAS (first order), " in (tmp_path / "plan.yaml").read_text()


@pytest.mark.parametrize("kind", ["voc", "coco"])
def test_without_other_images_those_to_train_on_are_pretrained_on(kind, request, capsys):
    root = request.getfixturevalue(kind)
    words = ["paper=own", f"boxes={kind}", f"boxes.root={root}", *SMALL]
    main([*words, "--show", "prepare/folder"])
    assert "root: " in capsys.readouterr().out
    folder = plan(words)["data"]["folder"]
    if kind == "coco":
        assert folder["root"] == str(root / "train2017")
        assert folder["without"] == ""
    else:
        year = root / "VOCdevkit/VOC2007"
        assert folder["root"] == str(year / "JPEGImages")
        assert folder["without"] == str(year / "ImageSets/Main/test.txt")
    with pytest.raises(SettingsError, match="batch_size is 17; its smallest part has 16 images"):
        plan([*words, "recipe.search.batch_size=17"])  # half of 32: none of those to test on


def test_settings_of_the_annotated_images_that_are_pretrained_on(voc):
    words = ["paper=own", "boxes=voc", f"boxes.root={voc}", "data.folder.image_size=48", *SMALL]
    made = planned([*words, "scale=smoke"])
    assert made.params["data"]["folder"]["image_size"] == 48
    assert made.params["data"]["folder"]["root"] == str(voc / "VOCdevkit/VOC2007/JPEGImages")
    assert plan(made.overrides) == made.params
    with pytest.raises(SettingsError, match=r"data\.folder"):  # nothing adds a folder
        plan(["paper=own", "data.folder.image_size=48"])


def test_a_budget_counts_detectors(voc, monkeypatch):
    """Also where the images to pretrain on are those with boxes: the plan that is written names
    them."""
    for file in voc.glob("VOCdevkit/*/JPEGImages/*.jpg"):
        Image.new("RGB", (70, 66)).save(file)
    machine = cpu(2, 1, 64e9, Rates(8e10, 4e9, 2e-5))
    monkeypatch.setattr(command, "_machines", lambda params, gpu: [machine])
    words = ["paper=own", "boxes=voc", f"boxes.root={voc}", "scale=lab", "seeds.own=1", *SMALL]
    made = planned([*words, "budget=60d"])
    assert made.params["data"]["folder"]["image_size"] == 64
    assert "data=folder" in made.overrides
    assert plan(made.overrides) == made.params
    alone = {**made.params, "transfer": {}}
    detectors = sum(
        machine.seconds(run, made.params, run_work(run, made.params))
        for run in runs_of(made.params, "transfer")
    )
    hours = machine.hours(made.params)
    assert hours > 2 * machine.hours(alone)
    assert hours > detectors / 2 / 3600  # two at a time
    assert any(line.startswith("  4 detectors counted, with epochs") for line in made.lines)
    rest = ('"own.networks/SSNAS (first order)"', '"own.boxes/SSNAS (first order)"')
    with pytest.raises(SettingsError, match=r"budget=2h is too short: .*; write budget=") as caught:
        planned([*words, "budget=2h"])
    assert str(caught.value).endswith(f"seeds.own=1, 'only=[{', '.join(rest)}]'")
    less = planned([*words, f"only=[{', '.join(rest)}]", "budget=60d"])
    assert len(less.params["transfer"]) == 2


def test_a_detector_of_cells_has_the_rates_of_cells(images, voc):
    params = own(images, "voc", voc, "scale=lab")
    run = next(run for run in runs_of(params, "transfer") if run.name.startswith("ssnas"))
    work = run_work(run, params)
    assert on_gpu("A100", run, params, work) == gpu_rates("A100", "cell", "float32").seconds(work)


def test_several_years_leave_it_to_the_user_which_images_are_meant(voc):
    (voc / "VOCdevkit/VOC2012/ImageSets/Main").mkdir(parents=True)
    with pytest.raises(SettingsError) as caught:
        plan(["paper=own", "boxes=voc", f"boxes.root={voc}"])
    assert str(caught.value) == (
        "no folder of images to search and pretrain on is given, and the annotated ones are not in "
        "one folder; write: python -m stages.plan paper=own boxes=voc "
        f"boxes.root={voc} data=folder "
        "data.root=/path/to/images (they need no labels)"
    )


def test_names_that_are_no_images_are_refused(voc):
    file = voc / "VOCdevkit/VOC2007/ImageSets/Main/test.txt"
    file.write_text(file.read_text() + "other\n")
    with pytest.raises(SettingsError, match=r"names 'other' \(1 of 9 names\): there is no such"):
        plan(["paper=own", "boxes=voc", f"boxes.root={voc}", *SMALL])


def test_what_cannot_be_meant_is_refused_with_the_command(voc, coco, images, tmp_path):
    def said(*words):
        with pytest.raises(SettingsError) as caught:
            plan([*words, *SMALL])
        return str(caught.value)

    end = " ".join(SMALL)
    assert said("boxes=voc", f"boxes.root={voc}") == (
        "boxes=voc adds detectors to the plan of your own images; write: python -m stages.plan "
        f"paper=own boxes=voc boxes.root={voc} {end}"
    )
    assert said("paper=own", f"boxes.root={coco}") == (
        f"boxes.root is '{coco}', and no layout is given: boxes=voc or boxes=coco; write: "
        f"python -m stages.plan boxes=coco paper=own boxes.root={coco} {end}"
    )
    assert said("paper=own", "boxes=voc", f"boxes.root={coco}").endswith(
        f"it is in the other one: write: python -m stages.plan paper=own boxes=coco "
        f"boxes.root={coco} {end}"
    )
    assert said("paper=own", "boxes=coco").startswith(
        "boxes.root is ''; give the folder with your annotated images, boxes.root=/path: "
        "annotations/instances_train*.json and instances_val*.json"
    )
    assert said("paper=own", "boxes=coco", f"boxes.root={tmp_path}/gone") == (
        f"boxes.root is '{tmp_path}/gone', which does not exist; a folder is expected"
    )
    (tmp_path / "boxes.zip").touch()
    assert "is a file: unpack it" in said(
        "paper=own", "boxes=coco", f"boxes.root={tmp_path}/boxes.zip"
    )
    assert said("paper=own", "boxes=voc", f"boxes.root={voc}", "only=[own.networks]") == (
        "boxes=voc changes nothing: only is ['own.networks']; add own.boxes to it, or leave boxes "
        "out"
    )
    assert "own.boxes needs rows of own.networks" in said(
        "paper=own", "boxes=voc", f"boxes.root={voc}", "only=[own.boxes]"
    )


def test_a_recipe_that_lacks_something_is_refused(images, voc):
    for changed, reason in (
        ("epochs=0", r"iterations is 0; it must be greater than 0"),
        ("milestones=[50]", r"milestones is \[50\], and detection\.iterations is 0, by epochs"),
    ):
        with pytest.raises(SettingsError, match=reason):
            own(images, "voc", voc, f"detection.own-boxes.{changed}")
    lacking = ["iterations=9", "test_side=9", "longest=9", "pooler_resolution=9", "epochs=0"]
    with pytest.raises(
        SettingsError, match=r"with detection\.epochs above 0, what is 0 or \[\] is"
    ):
        own(images, "voc", voc, *(f"detection.own-boxes.{one}" for one in lacking))
    given = own(images, "voc", voc, "detection.own-boxes.iterations=90")
    assert given["detection"]["own-boxes"]["iterations"] == 90


def test_a_network_of_one_cell_makes_no_detector(images, voc):
    with pytest.raises(SettingsError, match=r"network\.cells is 1; a C4 detector needs 2"):
        own(images, "voc", voc, "network.cells.cells=1")
