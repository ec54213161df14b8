"""Drawings of genotypes: every edge, block and stage is in them."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from nassl.genotypes.block import random_blocks, resnet50
from nassl.genotypes.cell import random_genotype
from nassl.genotypes.dense import EDGES, OPERATIONS, from_choice, random_dense
from nassl.genotypes.resnet import ResNetGenotype
from stages.report.figures.genotypes.drawing import draw
from stages.report.figures.genotypes.states import short

SVG = "{http://www.w3.org/2000/svg}"


def test_a_cell_shows_every_edge():
    genotype = random_genotype(5)
    root = ET.fromstring(draw(genotype, "found <cell>"))
    assert root.find(f"{SVG}title").text == "found <cell>"
    assert root.find(f"{SVG}desc").text.count("node ") == 8
    texts = [element.text for element in root.iter(f"{SVG}text")]
    edges = [op for cell in (genotype.normal, genotype.reduce) for node in cell for op, _ in node]
    shown = [text for text in texts if text.split()[0] in {"max", "avg", "skip", "sep", "dil"}]
    assert sorted(shown) == sorted(
        op.replace("_connect", "").replace("_", " ").split("x")[0]
        if not op.startswith("max")
        else "max pool 3"
        for op in edges
    )
    assert texts.count("k") == 2
    width, height = map(float, root.get("viewBox").split()[2:])
    for circle in root.iter(f"{SVG}circle"):
        assert 0 < float(circle.get("cx")) < width
        assert 0 < float(circle.get("cy")) < height


def test_a_resnet_is_a_chain():
    root = ET.fromstring(draw(ResNetGenotype(50)))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert texts == ["stem", "3 blocks", "4 blocks", "6 blocks", "3 blocks", "pool"]


def shown(genotype):
    """The drawing, its texts, and that everything lies inside of it."""
    root = ET.fromstring(draw(genotype))
    width, height = map(float, root.get("viewBox").split()[2:])
    for text in root.iter(f"{SVG}text"):
        assert 0 < float(text.get("x")) < width
        assert 0 < float(text.get("y")) < height
    for box in root.iter(f"{SVG}rect"):
        assert float(box.get("x")) + float(box.get("width")) < width
        assert float(box.get("y")) + float(box.get("height")) < height
    return root, [element.text for element in root.iter(f"{SVG}text")]


def test_a_chain_of_blocks_shows_its_stages_and_every_block():
    genotype = random_blocks([4, 5, 7, 4], 0)
    root, texts = shown(genotype)
    assert [text for text in texts if text.startswith("Stage")] == [
        "Stage 1",
        "Stage 2, half the side",
        "Stage 3, half the side",
        "Stage 4, half the side",
    ]
    expected = []
    for operation in genotype.choice:
        if operation.startswith("sa_"):
            _, _, kernel, radix = operation.split("_")
            expected += [f"split att. {kernel[0]}", f"radix {radix[1]}"]
        else:
            expected.append(operation.removesuffix("_3x3").removesuffix("_5x5"))
            expected[-1] += {"conv_3x3": " 3", "conv_5x5": " 5"}.get(operation, "")
    blocks = [text for text in texts if not text.startswith(("Stage", "stem", "pool"))]
    assert blocks == expected
    split = sum(operation.startswith("sa_") for operation in genotype.choice)
    skipped = genotype.choice.count("identity")
    kinds = [element.get("class") for element in root.iter()]
    assert (kinds.count("state shaded"), kinds.count("skip")) == (split, skipped)
    assert min(split, skipped) > 0


def test_the_rows_of_a_chain_are_its_stages():
    root, texts = shown(resnet50([4, 5, 7, 4]))
    rows = {}
    for text in root.iter(f"{SVG}text"):
        if text.text in ("conv 3", "identity"):
            below = int(text.text == "identity") * 10  # written above its dashed line
            rows.setdefault(float(text.get("y")) + below, []).append(text.text)
    assert [row.count("conv 3") for row in rows.values()] == [3, 4, 6, 3]
    assert [row.count("identity") for row in rows.values()] == [1, 1, 1, 1]
    assert texts.count("stem") == texts.count("pool") == 1


def test_a_dense_cell_has_a_dot_where_an_edge_is():
    choice = [OPERATIONS[place % 8] for place in range(28)]  # `none` in 3 places
    root, texts = shown(from_choice(choice))
    cells = [element for element in root.iter(f"{SVG}g") if element.get("transform")]
    assert len(cells) == 2
    for cell, operations in zip(cells, (choice[:14], choice[14:]), strict=True):
        at = {
            (circle.get("cx"), circle.get("cy"))
            for circle in cell.iter(f"{SVG}circle")
            if circle.get("class") == "dot"
        }
        states = [
            (circle.get("cx"), circle.get("cy"))
            for circle in cell.iter(f"{SVG}circle")
            if circle.get("class") == "state"
        ]
        assert len(states) == 7
        # below the state that it comes from, left of the node that it goes to
        assert at == {
            (states[predecessor][0], states[2 + node][1])
            for (node, predecessor), operation in zip(EDGES, operations, strict=True)
            if operation != "none"
        }
        named = [text.text for text in cell.iter(f"{SVG}text") if text.get("class") == "start"]
        assert sorted(named) == sorted(short(name) for name in operations if name != "none")
    assert {"conv 3", "sep conv 5", "max pool 3", "skip"} <= set(texts)
    description = root.find(f"{SVG}desc").text
    assert description.startswith("Normal cell: node 1 = skip(k-2) + conv 3(k-1), node 2 = conv 5")
    assert shown(from_choice(["none"] * 28))[0].find(f"{SVG}desc").text.count("= 0") == 8


def test_drawings_take_the_colour_of_the_page():
    for genotype in (random_blocks([2, 2], 0), random_dense(0), ResNetGenotype(18)):
        text = draw(genotype)
        assert "prefers-color-scheme: dark" in text
        after_style = text.split("</style>")[1]
        assert "#" not in after_style
        assert "fill=" not in after_style


def test_a_space_without_a_drawing():
    class Unknown:
        space = "unknown"

    with pytest.raises(ValueError, match="no drawing for the space 'unknown'"):
        draw(Unknown())
