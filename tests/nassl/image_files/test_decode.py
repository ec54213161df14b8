from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from nassl.image_files.decode import UnreadableImage, frames, picture, resized, square, whole


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def test_rgb_of_the_right_size_is_unchanged(pixels):
    assert (square(encoded(Image.fromarray(pixels)), 8) == pixels).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "LAB"])
def test_other_modes_become_rgb(pixels, mode):
    image = Image.fromarray(pixels).convert("RGB" if mode == "LAB" else mode)
    expected = image.convert("RGB")
    content = encoded(image, "TIFF" if mode in ("CMYK", "YCbCr", "LAB") else "PNG")
    assert (square(content, 8) == np.asarray(expected)).all()


def test_cmyk_jpeg(pixels):
    flat = np.full((8, 8, 3), (200, 40, 90), np.uint8)
    content = encoded(Image.fromarray(flat).convert("CMYK"), "JPEG", quality=95)
    assert np.abs(square(content, 8).astype(int) - flat).max() < 12


def test_sixteen_bits_keep_their_range():
    deep = np.linspace(0, 65535, 64).round().astype(np.uint16).reshape(8, 8)
    for kind in ("PNG", "TIFF"):
        shallow = square(encoded(Image.fromarray(deep), kind), 8)
        assert (shallow == np.round(deep / 257).astype(np.uint8)[..., None]).all()


def test_float_image():
    values = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    assert (
        square(encoded(Image.fromarray(values), "TIFF"), 8)[..., 0] == np.round(values * 255)
    ).all()


def test_transparent_pixels_are_black(pixels):
    alpha = np.full((8, 8, 1), 255, np.uint8)
    alpha[2, 3] = 0
    content = encoded(Image.fromarray(np.concatenate([pixels, alpha], axis=2)))
    result = square(content, 8)
    assert (result[2, 3] == 0).all()
    assert (result[0] == pixels[0]).all()


def test_palette_with_transparency(pixels):
    image = Image.fromarray(pixels).quantize(4)
    result = square(encoded(image, transparency=image.getpixel((0, 0))), 8)
    assert (result[0, 0] == 0).all()


def test_exif_rotation_is_undone(pixels):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter clockwise to be seen upright
    content = encoded(Image.fromarray(pixels), "PNG", exif=exif)
    assert (square(content, 8) == np.rot90(pixels, -1)).all()


def test_first_frame_of_an_animation(pixels):
    frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (10, 200)]
    content = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert (square(content, 8) == 10).all()


def test_centre_square_of_an_oblong_image():
    oblong = np.zeros((8, 24, 3), np.uint8)
    oblong[:, 8:16] = 255
    assert (square(encoded(Image.fromarray(oblong)), 8) == 255).all()
    assert square(encoded(Image.fromarray(oblong)), 5).shape == (5, 5, 3)


def test_large_jpeg_is_about_the_same_as_decoded_in_full():
    wave = 127 + 120 * np.sin(np.arange(400) / 6)
    photo = np.stack([np.add.outer(wave, wave) / 2] * 3, axis=2).astype(np.uint8)
    result = square(encoded(Image.fromarray(photo), "JPEG", quality=95), 100)
    full = np.asarray(Image.fromarray(photo).resize((100, 100), Image.Resampling.BICUBIC))
    assert np.abs(result.astype(int) - full).max() <= 4


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF", "WEBP", "AVIF", "JPEG"])
def test_frames_are_counted(kind):
    shades = [Image.fromarray(np.full((16, 16, 3), value, np.uint8)) for value in (10, 200, 90)]
    assert frames(encoded(shades[0], kind)) == 1
    if kind != "JPEG":
        content = encoded(shades[0], kind, save_all=True, append_images=shades[1:])
        assert frames(content) == 3
        assert np.abs(square(content, 16).astype(int) - 10).max() < 6


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"])
def test_truncated_files_are_unreadable(kind):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    assert square(content, 8).shape == (8, 8, 3)
    with pytest.raises(UnreadableImage):
        square(content[: len(content) // 2], 8)


@pytest.mark.parametrize(
    "content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"]
)
def test_other_bytes_are_unreadable(content):
    with pytest.raises(UnreadableImage):
        square(content, 8)


def test_bombs_are_unreadable(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UnreadableImage, match="DecompressionBomb"):
        square(encoded(Image.new("RGB", (12, 12))), 8)  # over the limit: Pillow only warns
    with pytest.raises(UnreadableImage, match="DecompressionBomb"):
        square(encoded(Image.new("RGB", (20, 20))), 8)


def test_resized_arrays(pixels):
    stack = np.stack([pixels, pixels[::-1]])
    assert resized(stack, 8) is stack
    small = resized(stack, 4)
    assert (small[0] == square(encoded(Image.fromarray(pixels)), 4)).all()


# ---- one reader: orientation, depth, kinds ----

MARK = np.zeros((8, 8, 3), np.uint8)  # one bright quarter, upper left
MARK[:4, :4] = 255
STORED = {  # by EXIF's orientation: how the upright picture lies in the file
    1: MARK,
    2: MARK[:, ::-1],
    3: MARK[::-1, ::-1],
    4: MARK[::-1],
    5: MARK.transpose(1, 0, 2),
    6: np.rot90(MARK, 1),
    7: MARK[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(MARK, -1),
}
NOT_WRITTEN = {("JPEG", mode) for mode in ("RGBA", "LA", "P", "I;16", "1")} | {
    ("PNG", "CMYK"),
    ("WEBP", "I;16"),
    ("AVIF", "I;16"),
}


def with_orientation(pixels, orientation, kind, mode):
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    elif mode == "P":
        image = image.quantize(4)
    else:
        image = image.convert(mode)
    if kind == "TIFF":
        return encoded(image, kind, tiffinfo={274: orientation})
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95}
    return encoded(image, kind, exif=exif, **options)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        (kind, mode)
        for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
        for mode in ("RGB", "RGBA", "L", "LA", "P", "CMYK", "I;16", "1")
        if (kind, mode) not in NOT_WRITTEN
    ],
)
def test_every_format_and_mode_is_turned_upright(kind, mode, orientation):
    content = with_orientation(STORED[orientation], orientation, kind, mode)
    upright = np.asarray(picture(content)).astype(int)
    assert np.abs(upright - MARK).max() < 60, (kind, mode, orientation)
    stored = np.asarray(picture(content, turned=False)).astype(int)
    assert np.abs(stored - STORED[orientation]).max() < 60


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_sizes_as_stored_and_as_turned(kind, orientation):
    wide = np.zeros((6, 10, 3), np.uint8)
    content = with_orientation(wide, orientation, kind, "RGB")
    turned = (6, 10) if orientation in (6, 7) else (10, 6)
    assert whole(content) == ((10, 6), turned, orientation)
    assert picture(content).size == turned
    assert picture(content, turned=False).size == (10, 6)


def test_a_picture_is_not_turned_a_second_time():
    image = picture(with_orientation(STORED[6], 6, "JPEG", "RGB"))
    assert (np.asarray(ImageOps.exif_transpose(image)) == np.asarray(image)).all()


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


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_a_transparent_colour_is_black(mode):
    image = Image.new(mode, (8, 8), 200 if mode == "L" else (200, 0, 0))
    image.putpixel((0, 0), 90 if mode == "L" else (0, 90, 0))
    clear = image.getpixel((0, 0))
    result = square(encoded(image, transparency=clear), 8)
    assert (result[0, 0] == 0).all()
    assert result[4, 4, 0] == 200


@pytest.mark.parametrize("kind", ["AVIF", "JPEG2000", "TGA", "PCX", "SGI", "ICO", "QOI", "PPM"])
def test_less_common_kinds_are_read(kind):
    image = Image.new("RGB", (16, 16), (200, 40, 90))
    assert np.abs(square(encoded(image, kind), 16).astype(int) - (200, 40, 90)).max() < 6


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
        (b"\0\0\0\x18ftypmif1" + bytes(40), "HEIC"),
        (b"\xff\x0a" + bytes(40), "JPEG XL"),
        (b"%PDF-1.4" + bytes(40), "PDF"),
        (b"II*\x00" + bytes(40), "TIFF"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_kind(content, kind):
    with pytest.raises(UnreadableImage, match=rf"a {kind} file of a variety .*; convert it"):
        square(content, 8)


def test_a_broken_exif_block_is_named():
    content = encoded(Image.new("RGB", (8, 8)), "PNG", exif=b"Exif\0\0not a block")
    with pytest.raises(UnreadableImage, match=r"its EXIF block is broken .*orientation unknown"):
        square(content, 8)


def test_drafts_are_large_enough():
    content = encoded(Image.new("RGB", (400, 240)), "JPEG")
    for draft in (30, 60, 100, 240, 1000):
        image = picture(content, draft=draft)
        assert min(image.size) >= min(draft, 240)
    assert picture(content).size == (400, 240)
