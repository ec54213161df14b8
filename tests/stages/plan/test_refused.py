"""What the plan refuses: the message names the key, what was given and what is allowed."""

from __future__ import annotations

import re

import pytest

from nassl.settings import SettingsError
from stages.plan.__main__ import main, plan

REFUSED = [
    (["recipe.search.epocs=3"], r"recipe\.search\.epocs.*allowed: epochs, batch_size"),
    (["recipe.search.epochs=many"], r"recipe\.search\.epochs: Value 'many'.*Integer"),
    (["+recipe.search.dampening=1"], r"recipe\.search has the unknown key 'dampening'; allowed"),
    (["recipe.search.optimizer=lion"], r"optimizer is 'lion'; allowed: sgd, adam, lars"),
    (["objective.simclr.kind=simcrl"], r"objective\.simclr\.kind is 'simcrl'; available: .*simclr"),
    (["strategy.darts-first.order=3"], r"order is 3; allowed: 1, 2"),
    (
        ["strategy.darts-first.order=2", "+recipe.search.precision=tf32"],
        r"recipe\.precision is 'tf32' with strategy\.order 2.*set it to float32, or the order to 1",
    ),
    (
        ["+recipe.search.precision=float16"],
        r"precision is 'float16'; allowed: float32, tf32, bfloat16",
    ),
    (["objective.simclr.views.crop=centre"], r"crop is 'centre'; allowed: resized, padded, none"),
    (["objective.simclr.views.flip=1.5"], r"views\.flip is 1\.5; allowed: 0 to 1"),
    (["objective.simclr.temperature=0"], r"temperature is 0\.0; it must be greater than 0"),
    (["objective.simclr.views.crop_scale=[0.9,0.1]"], r"crop_scale is \[0\.9, 0\.1\]; allowed"),
    (["network.cells.stem=imagenet"], r"shrink 16x16 images 32 times"),
    (["recipe.search.batch_size=4000"], r"batch_size is 4000; its smallest part has 500 images"),
    (["recipe.search.batch_size=1"], r"batch norm needs at least 2"),
    (["protocol.finetune-tenth.label_fraction=1.5"], r"label_fraction is 1\.5; allowed: 0 to 1"),
    (["protocol.finetune-tenth.label_fraction=0.001"], r"gives 1 labels; 10 classes need"),
    (["recipe.score-contrastive.validation_fraction=0"], r"needs images that were not trained on"),
    (["papers.ssnas.selections.ssnas.criterion=accuracy"], r"criterion is 'accuracy'.*simclr"),
    (["papers.ssnas.searches.ssnas.objective=supervised-search"], r"reads labels; representations"),
    (["papers.ssnas.searches.ssnas.objective=none"], r"needs an objective to train with"),
    (["papers.ssnas.searches.random.objective=simclr"], r"needs objective none"),
    (["papers.ssnas.searches.ssnas.recipe=serach"], r"recipe has no entry 'serach'; available: "),
    (["+recipe.pretrain-b64.drop_path=0.1"], r"of kind 'resnet' has neither cells nor drop path"),
    (["paper=[faunae]", "recipe.evolve-cells.epochs=7"], r"8 operations take .* = 36;"),
    (["paper=[faunae]", "space.faunae-blocks.depths=[1,1]"],
     r"recipe\.epochs is 28, but 6 operations take .* \* \(2 \+ \.\.\. \+ 6\) = 21; set it to"),
    (["paper=[faunae]", "papers.faunae.searches.proxyless.space=faunae-cells"],
     r"proxyless searches: block"),
    (["detection.voc-c4.kind=retinanet"], r"kind is 'retinanet'; allowed: faster-rcnn-c4, mask-"),
    (["detection.voc-c4.kind=mask-rcnn-c4"], r"data of kind 'scenes-voc' has no masks"),
    (["detection.voc-c4.milestones=[300,100]"], r"milestones is \[300, 100\]; allowed: rising"),
    (["detection.voc-c4.reference_devices=3"], r"multiple of detection\.reference_devices"),
    (["detection.coco-c4.proposals_test=[10,20]"], r"proposals_test is \[10, 20\]; allowed"),
    (["detection.coco-c4.iterations=0"], r"iterations is 0; it must be greater than 0"),
    (["stand_ins.voc=shapes"], r"data is of kind 'shapes', without boxes; allowed: voc, coco"),
    (["stand_ins.cifar10=scenes-voc"], r"which has boxes: only transfer reads it"),
    (
        ["scale=paper", "paper=[faunae]", "+data.imagenet.decoder=nvjpg"],
        r"data\.decoder is 'nvjpg'; allowed: pillow, nvjpeg",
    ),
    (
        ["scale=paper", "paper=[faunae]", "+data.imagenet.decoder=nvjpeg",
         "resources.probe.gpus=0"],
        r"data\.imagenet\.decoder is 'nvjpeg', which needs a GPU, and resources\.probe\.gpus is 0",
    ),
    (["data.digits.image_size=0"], r"image_size is 0; it must be greater than 0"),
    (["seeds.search=1001"], r"seeds\.search is 1001; allowed: 1 to 1000"),
    (["seeds.faunae=many"], r"seeds\.faunae is 'many'; allowed: 1 to 1000"),
    (["+papers.ssnas.tables.table1.each.netwrok=cells"],
     r"table1\.each has the unknown key 'netwrok'; allowed: row, "),
    (["~papers.ssnas.tables.table4.each.finetune"],
     r"ssnas\.table4/ResNet-18 lacks the key 'finetune'; needed: linear, finetune"),
    (["papers.ssnas.tables.table1.each.from=probing"],
     r"from is 'probing'; allowed: search, retrain, "),
    (["papers.ssnas.searches.ssnas=darts"], r"searches\.ssnas is 'darts'; expected: object"),
    (["papers.faunae.searches.faunae-from-proxyless.initial=search/faunae-from-proxyless"],
     r"would start from itself: faunae-from-proxyless from faunae-from-proxyless"),
    (["scale=huge"], r"scale/huge.*Available options.*toy"),
    (["only=[ssnas.table9]"], r"the plan has no rows"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "text"), REFUSED, ids=[case[0][-1] for case in REFUSED])
def test_refused_with_key_value_and_what_is_allowed(overrides, text):
    with pytest.raises(SettingsError) as caught:
        plan(["scale=toy", *overrides])
    assert re.search(text, str(caught.value), re.DOTALL), str(caught.value)


def test_command_line_refuses_in_one_line_and_writes_nothing(tmp_path, capsys):
    target = tmp_path / "params.yaml"
    with pytest.raises(SystemExit) as caught:
        main(["recipe.search.epochs=many", "--out", str(target)])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("plan: recipe.search.epochs")
    assert not target.exists()
