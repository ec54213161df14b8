"""How large images are, by their headers."""

from __future__ import annotations

import zipfile

import pytest
from PIL import Image

from nassl.settings import DATASETS, SettingsError
from stages.plan import look as module
from stages.plan.look import Seen, look, seen_of


def drawn(folder, *sizes):
    folder.mkdir(parents=True, exist_ok=True)
    for number, size in enumerate(sizes):
        Image.new("RGB", size, (number % 256, 0, 0)).save(folder / f"{number}.png")
    return folder


def test_shorter_sides_in_order_and_what_nine_of_ten_have(tmp_path):
    sizes = [(100 + number, 300) for number in range(10)] + [(500, 20)]
    found = look(str(drawn(tmp_path / "a", *sizes)))
    assert found.sides == (20, *range(100, 110))
    assert found.side == 100  # all but one have them
    assert found.pixels == pytest.approx((sum(range(100, 110)) * 300 + 10_000) / 11)
    assert not found.in_archive


def test_headers_only_and_what_has_none_is_passed_over(tmp_path):
    folder = drawn(tmp_path / "a", (64, 48), (80, 90))
    whole = (folder / "0.png").read_bytes()
    (folder / "0.png").write_bytes(whole[:45])  # of which the pixels are missing
    (folder / "broken.jpg").write_bytes(b"no image")
    assert look(str(folder)).sides == (48, 80)
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "x.png").touch()
    assert look(str(tmp_path / "names")) == Seen(())
    assert look(str(tmp_path / "names")).side == 0


def test_some_of_many(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST", 5)
    folder = drawn(tmp_path / "many", *[(10 + number, 99) for number in range(30)])
    found = look(str(folder)).sides
    assert len(found) == 5
    assert found != tuple(range(10, 15))  # not the first ones
    look.cache_clear()
    assert look(str(folder)).sides == found  # the same ones every time


def test_an_archive(tmp_path):
    folder = drawn(tmp_path / "a", (64, 48), (80, 90))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"a/{file.name}")
    assert look(str(tmp_path / "a.zip")) == Seen((48, 80), (64 * 48 + 80 * 90) / 2, True)


def test_only_of_files_that_are_here(tmp_path):
    folder = DATASETS["folder"](kind="folder", root=str(drawn(tmp_path / "a", (64, 48))))
    assert seen_of(folder).sides == (48,)
    assert seen_of(DATASETS["folder"](kind="folder", root=str(tmp_path / "gone"))) is None
    assert seen_of(DATASETS["cifar10"](kind="cifar10", root=str(tmp_path))) is None
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match="holds no image file"):
        look(str(tmp_path / "empty"))
