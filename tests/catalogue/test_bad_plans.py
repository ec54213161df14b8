"""Plans that cannot be carried out: refused while they are composed, or by the stage that reads one
that was edited by hand."""

from __future__ import annotations

import re

import pytest

from stages.plan.__main__ import main

COMPOSED = {
    "unknown key": (["recipe.search.epoch=3"], r"Could not override 'recipe.search.epoch'.*epochs"),
    "wrong type": (["recipe.search.epochs=many"], r"recipe\.search\.epochs: Value 'many'"),
    "unknown kind": (
        ["objective.simclr.kind=pickle"],
        r"objective\.simclr\.kind is 'pickle'; available: lightly, moco, none, simclr, supervised",
    ),
    "unknown kind of data": (
        ["data.digits.kind=svhn"],
        r"data\.digits\.kind is 'svhn'; available: cifar10, cifar100, coco, digits, folder",
    ),
    "unknown strategy": (
        ["strategy.darts-first.kind=dart"],
        r"strategy\.darts-first\.kind is 'dart'; available: darts, evolution, manual, proxyless",
    ),
    "unknown space": (
        ["space.cells.kind=cells"], r"space\.cells\.kind is 'cells'; available: block, cell, dense",
    ),
    "a start for a strategy that takes none": (
        ["+papers.ssnas.searches.ssnas.initial=random"],
        r"initial is 'random', but strategy 'darts' starts from no other structure; available: evo",
    ),
    "unknown section": (["papers.ssnas.searches.ssnas.recipe=x"], r"recipe has no entry 'x'"),
    "syntax": (["recipe.search.epochs="], r"recipe\.search\.epochs"),
    "shell in a name": (
        ["+papers.ssnas.tables.table1.each.variant='a;b'"],
        r"retrain has a run called '.*-a;b-s0'; allowed: letters, digits",
    ),
    "substitution in a name": (
        ["+papers.ssnas.tables.table1.each.variant='$(id)'"],
        r"retrain has a run called '.*\$\(id\)-s0'",
    ),
    "path in a name": (
        ["+papers.ssnas.tables.table1.each.variant='../../up'"],
        r"retrain has a run called '.*\.\./\.\./up-s0'",
    ),
    "unknown data": (["stand_ins.cifar10=mnist"], r"data has no entry 'mnist'; available: "),
    "a rate below zero": (
        ["recipe.search.learning_rate=-1"], r"learning_rate is -1.*finite and not negative",
    ),
    "a rate that is not a number": (
        ["recipe.search.learning_rate=nan"], r"learning_rate is nan; it must be finite",
    ),
    "queue larger than the data": (
        ["paper=[faunae]", "objective.moco-v1-cifar.queue=5000"],
        r"objective\.queue is 5000; the run trains on \d+ images",
    ),
    "a group of one": (
        ["paper=[faunae]", "objective.moco-v1-cifar.groups=32"],
        r"objective\.groups is 32, recipe\.batch_size 64; every group needs at least 4",
    ),
    "a size limit below the start": (
        ["paper=[faunae]", "strategy.evolution-cells.size_limit=0.9"],
        r"strategy\.size_limit is 0\.9; allowed: 1 or more",
    ),
    "detection with one image a batch": (
        ["paper=[faunae]", "detection.voc-c4.images_per_batch=1"],
        r"images_per_batch 1 on detection\.reference_devices 1 is one image a batch on 1; batch",
    ),
    "no group": (
        ["paper=[faunae]", "objective.moco-v1-cifar.groups=0"],
        r"objective\.groups is 0.*at least one group",
    ),
    "a batch of one": (
        ["recipe.pretrain-b64.batch_size=1"], r"batch_size is 1; batch norm needs at least 2",
    ),
    "fine-tuning in batches of one": (
        ["protocol.finetune-tenth.recipe.batch_size=1"],
        r"finetune\.recipe\.batch_size is 1; batch norm needs at least 2",
    ),
    "a batch larger than the data": (
        ["recipe.pretrain-b64.batch_size=100000"], r"batch_size is 100000; its smallest part has",
    ),
    "a class without a test image": (
        ["data.digits.test=9"], r"data\.test is 9; digits has 10 classes",
    ),
    "a class without a label": (
        ["protocol.finetune-tenth.label_fraction=0.002"], r"gives \d labels; 10 classes need",
    ),
    "no learning from nothing": (
        ["papers.ssnas.searches.ssnas.objective=none"], r"needs an objective to train with",
    ),
    "labels in pretraining": (
        ["papers.ssnas.searches.ssnas.objective=supervised-search"], r"reads labels",
    ),
    "images too small": (["network.cells.stem=imagenet"], r"shrink 16x16 images 32 times"),
}  # fmt: skip


@pytest.mark.parametrize(("overrides", "text"), COMPOSED.values(), ids=COMPOSED)
def test_composed(overrides, text, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["scale=toy", *overrides, "--out", str(tmp_path / "params.yaml")])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("plan: ")
    assert re.search(text, said, re.DOTALL), said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


EDITED = {
    "not YAML": ("search: {s: [", r"params\.yaml cannot be read: while parsing"),
    "an object": (
        "search: !!python/object/apply:os.system ['true']",
        r"cannot be read: could not determine a constructor for the tag",
    ),
    "a list": ("- 1\n- 2\n", r"params\.yaml is not a mapping"),
    "a word": ("word", r"params\.yaml is not a mapping"),
    "nothing": ("", r"params\.yaml is not a mapping"),
    "bytes": (b"\xff\xfe\x00", r"params\.yaml cannot be read"),
    "no such run": ("search: {}", r"params\.yaml has no search run 's'; available: "),
    "lines in a list": ("search: [1]", r"params\.yaml: search is \[1\]; a mapping"),
    "a line that is a number": ("search: {s: 1}", r"search\.s is 1; a mapping of settings"),
    "a section is missing": (
        "search: {s: {data: d, labels: labels, space: x, strategy: x, objective: x, recipe: x, "
        "seed: 0}}",
        r"search\.s\.space is 'x'; space has: ",
    ),
    "a broken interpolation": ("search: {s: {data: '${'}}", r"search\.s|cannot be read"),
}


@pytest.mark.parametrize(("content", "text"), EDITED.values(), ids=EDITED)
def test_edited_by_hand(content, text, tmp_path, refused, digits):
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "params.yaml").write_bytes(content)
    said = refused("search", images=digits / "images", labels=digits / "no-labels")
    assert re.search(text, said, re.DOTALL), said
