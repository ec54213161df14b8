"""docs/report.png: parts of results/report.html as a browser shows them, side by side.

python docs/picture.py     after `make toy`; needs chromium and chromedriver
"""

from __future__ import annotations

import base64
import io
import shutil
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT, GAP = 960, 1330, 30  # pixels of a column, between columns
# Columns of parts: a CSS selector and the highest that a part may be; missing parts are left out.
COLUMNS = (
    (("body", 1330),),
    (("#ssnas-table1", 640), ("#evolution:has(svg)", 690), ("#architectures", 690)),
)


def picture(page: Path, out: Path) -> None:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        metrics = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.get(page.resolve().as_uri())
        columns = [
            [part for entry in column for part in _part(driver, *entry)] for column in COLUMNS
        ]
    finally:
        driver.quit()
    sheet = Image.new(
        "RGB", (len(columns) * (WIDTH + GAP) - GAP, HEIGHT), columns[0][0].getpixel((2, 200))
    )
    for number, parts in enumerate(columns):
        top = 0
        for part in parts:
            sheet.paste(part, (number * (WIDTH + GAP), top))
            top += part.height
    sheet.convert("P", palette=Image.Palette.ADAPTIVE, colors=160).save(out, optimize=True)


def _part(driver: webdriver.Chrome, selector: str, highest: int) -> list[Image.Image]:
    find = "const e = document.querySelector(arguments[0]); if (!e) return null;"
    box = driver.execute_script(
        find + "const b = e.getBoundingClientRect(); return [b.top + scrollY, b.height]", selector
    )
    if box is None:
        return []
    clip = {"x": 0, "y": box[0], "width": WIDTH, "height": min(box[1], highest), "scale": 1}
    shot = {"format": "png", "captureBeyondViewport": True, "clip": clip}
    data = driver.execute_cdp_cmd("Page.captureScreenshot", shot)["data"]
    return [Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")]


if __name__ == "__main__":
    picture(ROOT / "results" / "report.html", ROOT / "docs" / "report.png")
