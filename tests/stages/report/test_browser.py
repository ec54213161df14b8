"""The page in a real browser: Debian's chromium, headless, driven by its chromedriver.

Skipped where they are not installed: `apt-get install chromium chromium-driver`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="no browser: `apt-get install chromium chromium-driver` to test the page in one",
)
DESKTOP, PHONE = (1300, 900), (390, 844)


class Browser:
    """`open(file, size, scheme)` loads a page; `run(javascript)` answers questions about it."""

    def __init__(self) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = BROWSER
        for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
            options.add_argument(flag)
        logs = {"browser": "ALL", "performance": "ALL"}
        options.set_capability("goog:loggingPrefs", logs)
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))

    def open(self, file: Path, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
        width, height = size
        command = self.driver.execute_cdp_cmd
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        command("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        command("Emulation.setEmulatedMedia", {"features": features})
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(file.as_uri())

    def run(self, javascript: str) -> Any:
        return self.driver.execute_script(javascript)

    def requests(self) -> list[str]:
        """Addresses that the page asked for, embedded data left out."""
        sent = (
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        )
        urls = [
            message["params"]["request"]["url"]
            for message in sent
            if message["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in urls if not url.startswith("data:")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    started = Browser()
    yield started
    started.driver.quit()


def test_no_message_and_no_request_but_for_the_page_itself(browser, page_file):
    browser.open(page_file)
    assert browser.driver.title == "nassl: reported beside reproduced (toy scale)"
    assert browser.requests() == [page_file.as_uri()]
    assert browser.driver.get_log("browser") == []


def test_the_log_would_show_a_message_and_a_request(browser, page_file, tmp_path):
    """The two checks above see what they look for."""
    broken = tmp_path / "broken.html"
    broken.write_text(page_file.read_text().replace("<main>", '<main><img src="gone.png">'))
    browser.open(broken)
    assert len(browser.requests()) == 2
    assert [entry["level"] for entry in browser.driver.get_log("browser")] == ["SEVERE"]


def test_every_picture_is_drawn_with_a_size_and_a_name(browser, page_file):
    browser.open(page_file)
    pictures = browser.run(
        """return [...document.querySelectorAll('img, svg')].map(e => {
             const box = e.getBoundingClientRect();
             return {tag: e.tagName, width: box.width, height: box.height,
                     loaded: e.tagName != 'IMG' || e.naturalWidth > 0,
                     text: e.alt || e.querySelector('title')?.textContent}})"""
    )
    assert len(pictures) > 8
    for picture in pictures:
        assert picture["width"] > 40, picture
        assert picture["height"] > 20, picture
        assert picture["loaded"], picture
        assert picture["text"], picture


@pytest.mark.parametrize("size", [DESKTOP, PHONE, (320, 640)])
def test_the_page_does_not_scroll_sideways(browser, page_file, size):
    browser.open(page_file, size)
    assert browser.run("return innerWidth") == size[0]
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]
    # Wide tables do, each in a box of its own.
    boxes = browser.run(
        "return [...document.querySelectorAll('.scroll')].map(e => [e.scrollWidth, e.clientWidth])"
    )
    if size == PHONE:
        assert any(content > box for content, box in boxes)
    assert all(box <= size[0] for _, box in boxes)


def test_long_names_of_files_and_classes_do_not_widen_the_page(browser, page_file, own_file):
    for file in page_file, own_file:
        browser.open(file, PHONE)
        changed = browser.run(
            """const texts = document.querySelectorAll(
                 'h1, h2, h3, header p, main p, main li, main figcaption');
               texts.forEach(e => e.append(' ' + 'BloodImage_'.repeat(20)));
               return texts.length"""
        )
        assert changed > 20
        assert browser.run("return document.documentElement.scrollWidth") <= PHONE[0]


LUMINANCE = """
const shade = (text) => {
  const [r, g, b] = text.match(/[0-9.]+/g).map(Number).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b};
const contrast = (a, b) => {
  const [x, y] = [shade(a), shade(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05)};
const paper = getComputedStyle(document.body).backgroundColor;
"""


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_texts_and_marks_stand_out_in_light_and_dark(browser, page_file, scheme, dark):
    browser.open(page_file, scheme=scheme)
    assert (browser.run(LUMINANCE + "return shade(paper)") < 0.1) == dark
    texts = browser.run(
        LUMINANCE
        + """return [...document.querySelectorAll('p, td, th, li, a, figcaption, code, svg text')]
             .filter(e => !e.closest('.ribbon'))
             .map(e => [contrast(getComputedStyle(e)[e.closest('svg') ? 'fill' : 'color'], paper),
                        e.outerHTML.slice(0, 120)])"""
    )
    assert len(texts) > 200
    assert min(texts)[0] > 4.5, min(texts)  # WCAG AA
    marks = browser.run(
        LUMINANCE
        + """return [...document.querySelectorAll('svg .line, svg .dot, svg .span, svg .state')]
             .filter(e => !e.matches('.paper, .faint'))
             .map(e => [contrast(getComputedStyle(e).color, paper), e.outerHTML.slice(0, 120)])"""
    )
    assert len(marks) > 20
    assert min(marks)[0] > 3, min(marks)  # WCAG's bound for graphics


def test_on_paper_nothing_is_cut_off(browser, page_file):
    browser.open(page_file, (720, 1000))
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.run("return getComputedStyle(document.querySelector('nav')).display") == "none"
    wide = browser.run(
        """return [...document.querySelectorAll('main svg, main table')]
             .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
             .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert wide == []


# ---------------------------------------------------------------- the page of own images ----


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(390, 844), (1280, 900)])
def test_the_page_of_own_images_at_two_widths_in_light_and_dark(browser, own_file, size, scheme):
    browser.open(own_file, size, scheme)
    assert browser.driver.title == "nassl: my pets"
    assert browser.requests() == [own_file.as_uri()]
    assert browser.driver.get_log("browser") == []
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]
    tables = browser.run(
        """return [...document.querySelectorAll('main table')].map(e => {
             const box = e.closest('.scroll');
             return [e.scrollWidth, box.clientWidth, getComputedStyle(box).overflowX]})"""
    )
    assert len(tables) == 5
    assert all(box <= size[0] and scrolls == "auto" for _, box, scrolls in tables)
    assert any(content > box for content, box, _ in tables)  # the networks, in a box of their own
    assert (browser.run(LUMINANCE + "return shade(paper)") < 0.1) == (scheme == "dark")
    texts = browser.run(
        LUMINANCE
        + """return [...document.querySelectorAll('p, td, th, li, a, figcaption, code, svg text')]
             .map(e => [contrast(getComputedStyle(e)[e.closest('svg') ? 'fill' : 'color'], paper),
                        e.outerHTML.slice(0, 120)])"""
    )
    assert len(texts) > 100
    assert min(texts)[0] > 4.5, min(texts)
    pictures = browser.run(
        """return [...document.querySelectorAll('img')].map(
             e => [e.complete && e.naturalWidth, e.getBoundingClientRect().right])"""
    )
    assert len(pictures) == 24
    assert all(width == 16 and right <= size[0] for width, right in pictures)
    shown = browser.run(
        "return [...document.querySelectorAll('main > section')].map(e => e.innerText.length)"
    )
    assert min(shown) > 60
    verdict = browser.run("return document.querySelector('#verdict').getBoundingClientRect().top")
    assert verdict < size[1]  # the first thing that one sees
