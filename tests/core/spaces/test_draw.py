from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from stages.core.spaces.draw import draw
from stages.core.spaces.genotype import ResNetGenotype, random_genotype

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


def test_a_space_without_a_drawing():
    class Unknown:
        space = "unknown"

    with pytest.raises(ValueError, match="no drawing for the space 'unknown'"):
        draw(Unknown())
