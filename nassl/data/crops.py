"""Random crops of image files, cut from the whole original image while it is decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from nassl.data.views import crop_boxes
from nassl.settings import Views

STREAM = 1_000_007  # keeps the drawing of crops apart from that of orders

Box = tuple[int, int, int, int]  # top, left, height, width


@dataclass(frozen=True)
class Crops:
    """`count` crops of every image, drawn as `views` says: random resized crops, as torchvision's.

    Cutting them from a square at the prepared size would hide a quarter of a photograph of 4:3, and
    leave a crop of 8 % of it 72 pixels wide instead of 122.
    """

    views: Views
    count: int

    def boxes(self, height: int, width: int, seed: int, epoch: int, image: int) -> list[Box]:
        """The crops of image number `image` in an epoch: a function of these numbers alone, in
        whatever process or order it is asked for."""
        state = np.random.SeedSequence([seed, epoch, image, STREAM]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
        device = torch.device("cpu")
        drawn = crop_boxes(self.count, height, width, self.views, device, generator)
        return [
            (int(top), int(left), int(tall), int(wide))
            for top, left, tall, wide in torch.stack(drawn, 1).tolist()
        ]


def crops_of(views: Views, count: int) -> Crops | None:
    """None if `views` cuts no random resized crops."""
    return Crops(views, count) if views.crop == "resized" else None
