from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from nassl.image_files.decode import UnreadableImage, frames, picture, resized, square, whole
from tests.nassl.image_files.files import encoded


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
