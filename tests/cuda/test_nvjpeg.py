"""Decoding on a GPU: skipped, visibly, where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nassl.data.batches import Batches
from tests.nassl.data.test_crops import VIEWS as CROPPED
from tests.nassl.data.test_crops import Crops, prepared_photographs

pytestmark = pytest.mark.cuda
CUDA = torch.device("cuda", 0)


def test_nvjpeg_decodes_what_pillow_decodes_but_for_rounding(tmp_path):
    """With two PNG files among them, which are Pillow's in any case."""
    images = prepared_photographs(tmp_path, decoder="nvjpeg", png=(3, 4))
    made = {}
    for decoder in ("nvjpeg", "nvjpeg", "pillow"):
        images.decoder = decoder
        given = Batches(
            images, None, np.arange(12), 4, 3, device=CUDA, crops=Crops(CROPPED, 2)
        ).epoch(0)
        found = torch.cat([batch.images for _, batch in given])
        assert found.device == CUDA
        assert decoder not in made or torch.equal(found, made[decoder])
        made[decoder] = found
    difference = (made["nvjpeg"].int() - made["pillow"].int()).abs().float()
    assert made["pillow"].shape == (12, 2, 3, 24, 24)
    assert 0 < difference.mean() < 3
