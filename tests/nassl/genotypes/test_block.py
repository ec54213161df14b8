from __future__ import annotations

import pytest

from nassl.files import InputError
from nassl.genotypes import block, read_genotype, validate, write_genotype

DEPTHS = (4, 5, 7, 4)


def test_first_block_of_a_stage_has_six_candidates_and_others_seven():
    counts = [len(allowed) for allowed in block.candidates((2, 1, 3))]
    assert counts == [6, 7, 6, 6, 7, 7]


def test_resnet50_is_sixteen_conv_blocks_and_four_identities():
    genotype = block.resnet50(DEPTHS)
    assert genotype.depths == DEPTHS
    assert genotype.choice.count("conv_3x3") == 16
    assert [b.stage for b in genotype.blocks if b.operation == "identity"] == [1, 2, 3, 4]
    assert block.resnet50((2, 1, 2, 1)).choice == ("conv_3x3",) * 6


def test_file_holds_the_genotype_as_it_was(tmp_path):
    for seed in range(20):
        genotype = block.random_blocks(DEPTHS, seed)
        write_genotype(tmp_path / "genotype.json", genotype)
        assert read_genotype(tmp_path / "genotype.json") == genotype
    assert block.random_blocks(DEPTHS, 3) == block.random_blocks(DEPTHS, 3)
    assert block.random_blocks(DEPTHS, 3) != block.random_blocks(DEPTHS, 4)


def _blocks(*pairs):
    return {"space": "block", "blocks": [{"stage": s, "operation": o} for s, o in pairs]}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"space": "block"}, r"g.json has the keys \['space'\]"),
        ({"space": "block", "blocks": [1]}, r"blocks\[0\] is 1; expected the keys"),
        (_blocks((2, "conv_3x3")), r"blocks\[0\].stage is 2; stages are counted from 1"),
        (_blocks((1, "conv_3x3"), (3, "conv_3x3")), r"blocks\[1\].stage is 3"),
        (_blocks((1, "conv_3x3"), ("1", "conv_3x3")), r"blocks\[1\].stage is '1'"),
        (_blocks((1, "conv_9x9")), r"operation is 'conv_9x9'; available: conv_3x3, conv_5x5"),
        (_blocks((1, "identity")), r"blocks\[0\] is identity, but the first block"),
        (_blocks((1, "conv_3x3"), (2, "identity")), r"blocks\[1\] is identity"),
    ],
)
def test_refuses_what_is_not_a_chain(content, text):
    with pytest.raises(InputError, match=text):
        validate(content, "g.json")


def test_remap_keeps_blocks_in_order_and_fits_the_depth():
    start = block.from_choice((3, 1), ("conv_3x3", "identity", "conv_5x5", "conv_3x3"))
    assert block.remap(start, (3, 1)) == start
    assert block.remap(start, (2, 1)).choice == ("conv_3x3", "conv_5x5", "conv_3x3")
    longer = block.remap(start, (4, 2)).choice
    assert longer == ("conv_3x3", "identity", "conv_5x5", "identity", "conv_3x3", "identity")


def test_remap_refuses_what_does_not_fit():
    start = block.from_choice((2, 1), ("conv_3x3",) * 3)
    with pytest.raises(InputError, match="2 stages, the space 1"):
        block.remap(start, (2,))
    with pytest.raises(InputError, match=r"stage 1 of the genotype has 2 blocks .* room for 1"):
        block.remap(start, (1, 1))
