from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from stages.core.data.decode import UnreadableImage, resized, square


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
