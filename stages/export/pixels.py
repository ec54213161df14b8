"""What an exported network takes, and what its caller has to do to an image before."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from nassl.model.facts import PIXELS, Input

# What the caller gives, as (type, what is in the tensor); the rest is in the graph.
KINDS = {
    "uint8": ("uint8", "pixels from 0 to 255"),
    "unit": ("float32", "pixels divided by 255, from 0 to 1"),
    "normalised": ("float32", "pixels divided by 255, less mean, divided by deviation"),
}


def preprocessing(settings: Input, kind: str) -> dict[str, Any]:
    """Everything between an image file and the input `pixels`, in the order in which it is done;
    `mean` and `deviation` are the graph's business unless `kind` is `normalised`.

    Keys beyond those of model.json's `input`: `frame`, `transparency` and `bit_depth` say which
    pixels of a file count, `jpeg` how `nassl` decodes large JPEG files (without it, features of
    photographs differ a little), `crop_place`, `layout`, `type`, `values` and `in_graph`.
    """
    dtype, values = KINDS[kind]
    inside = {"uint8": ["range", "mean", "deviation"], "unit": ["mean", "deviation"]}
    return {
        "frame": "the first",
        "jpeg": "decoded at the smallest scale with both sides at least 2 * `side` "
        "(Pillow: Image.draft)",
        "exif": PIXELS["exif"],
        "transparency": "on black",
        "bit_depth": "8; images of more bits are to be converted before",
        "channel_order": PIXELS["channel_order"],
        "resize": PIXELS["resize"],
        "interpolation": PIXELS["interpolation"],
        "side": settings.side,
        "crop": settings.crop,
        "crop_place": "centre, from pixel (side - crop) // 2",
        "layout": "(batch, channel, height, width)",
        "type": dtype,
        "values": values,
        "range": PIXELS["range"],
        **{name: list(asdict(settings)[name]) for name in ("mean", "deviation")},
        "in_graph": inside.get(kind, []),
    }
