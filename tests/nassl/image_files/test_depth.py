"""More than 8 bits per channel, as shades that can be told apart."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from nassl.image_files.decode import UnreadableImage, square
from tests.nassl.image_files.files import encoded

RAMP = np.linspace(0, 1, 4096).reshape(64, 64)


DEEP = {  # values of a ramp, and the shades of gray that they become: smallest and largest
    "12 bits in 16": ((RAMP * 4095).astype(np.uint16), 0, 255),
    "10 bits in 16": ((RAMP * 1023).astype(np.uint16), 0, 255),
    "14 bits in 16": ((RAMP * 16383).astype(np.uint16), 0, 255),
    "16 bits": ((RAMP * 65535).astype(np.uint16), 0, 255),
    "half of 16 bits": ((RAMP * 32768).astype(np.uint16), 0, 128),
    "8 bits in 16": ((RAMP * 200).astype(np.uint16), 0, 200),
    "0 and 1 in 16": ((RAMP > 0.5).astype(np.uint16), 0, 255),
    "a narrow range": ((30000 + RAMP * 500).astype(np.uint16), 0, 255),
    "32-bit integers": ((RAMP * 1_000_000).astype(np.int32), 0, 255),
    "negative integers": ((RAMP * 2000 - 1000).astype(np.int32), 0, 255),
    "floats to 1": (RAMP.astype(np.float32), 0, 255),
    "floats a little above 1": ((RAMP * 1.01).astype(np.float32), 0, 255),
    "floats to 255": ((RAMP * 255).astype(np.float32), 0, 255),
    "floats to 65535": ((RAMP * 65535).astype(np.float32), 0, 255),
    "small floats": ((RAMP * 1e-6).astype(np.float32), 0, 255),
    "floats from -1 to 1": ((RAMP * 2 - 1).astype(np.float32), 0, 255),
    "one value": (np.full((64, 64), 3000, np.uint16), 187, 187),
    "one negative value": (np.full((64, 64), -7.5, np.float32), 128, 128),
}


@pytest.mark.parametrize(("values", "low", "high"), DEEP.values(), ids=DEEP)
def test_more_than_8_bits_are_neither_black_nor_white(values, low, high):
    shades = square(encoded(Image.fromarray(values), "TIFF"), 64)
    assert (shades.min(), shades.max()) == (low, high)
    flat = shades[..., 0].ravel().astype(int)
    assert (np.diff(flat) >= 0).all()
    if values.dtype == np.uint16:
        assert (square(encoded(Image.fromarray(values), "PNG"), 64) == shades).all()


def test_unsigned_32_bits_do_not_turn_negative():
    values = (RAMP * 4_000_000_000).astype(np.uint32)
    content = encoded(Image.fromarray(values.view(np.int32)), "TIFF")
    signed, unsigned = (struct.pack("<HHIH", 339, 3, 1, n) for n in (2, 1))  # the tag's entry
    assert content.count(signed) == 1
    content = content.replace(signed, unsigned)
    assert (np.diff(square(content, 64)[..., 0].ravel().astype(int)) >= 0).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_values_that_are_not_numbers_are_refused(wrong):
    values = RAMP.astype(np.float32)
    values[3, 4:6] = wrong
    with pytest.raises(UnreadableImage, match="2 of its 4096 values are not finite numbers"):
        square(encoded(Image.fromarray(values), "TIFF"), 64)


@pytest.mark.parametrize(("place", "value"), [((0, 0), 65535), ((slice(0, 20),), 65535)])
def test_outlying_values_that_leave_no_shade_are_refused(place, value):
    values = (RAMP * 2000).astype(np.uint16)
    values[place] = value
    with pytest.raises(
        UnreadableImage, match=r"from \d+ to 65535, .* shades of gray would be left"
    ):
        square(encoded(Image.fromarray(values)), 64)


def png_of_16_bit_colours(values):
    """uint16 (H, W, 3) as a PNG; Pillow cannot write one."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_colours_of_16_bits():
    colours = np.stack([RAMP, RAMP[::-1], RAMP * 0], axis=2)
    shades = square(png_of_16_bit_colours((colours * 65535).astype(np.uint16)), 64)
    assert np.abs(shades - colours * 255).max() <= 1
    for white in (255, 4095, 16383):
        with pytest.raises(UnreadableImage, match="16 bits and use at most the lower 14"):
            square(png_of_16_bit_colours((colours * white).astype(np.uint16)), 64)
