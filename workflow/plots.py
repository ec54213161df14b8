"""`dvc plots` as a page that needs no network: `dvc_plots/index.html`.

  python workflow/plots.py                        as `dvc plots show`
  python workflow/plots.py diff HEAD slower-alpha   as `dvc plots diff HEAD slower-alpha`

DVC's page loads Vega from the network. Here it is given a template in which Vega, Vega-Lite and
Vega-Embed (BSD-3-Clause) are written out, as the package vl-convert-python (BSD-3-Clause) bundles
them; what it draws is DVC's.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from dvc.cli import main as dvc
from dvc_render.html import HTML, PAGE_HTML

TEMPLATE = Path(".dvc/tmp/plots.html")
VEGA_LITE = "5.21"  # the last one of 5, for which DVC's templates and .dvc/plots are written
SCRIPTS = f"{{{HTML.SCRIPTS_PLACEHOLDER}}}"


def offline_template(javascript: str) -> str:
    """DVC's page with the `javascript` in the place of the addresses where it could be loaded."""
    if "</script" in javascript.lower():
        raise ValueError("the JavaScript holds </script, which would end it on a page")
    if PAGE_HTML.count(SCRIPTS) != 1:
        raise ValueError(f"DVC's page has no {SCRIPTS} any more: this version of DVC is unknown")
    inline = f'<meta charset="utf-8">\n    <script>{javascript}</script>'
    return PAGE_HTML.replace(SCRIPTS, inline)


def main(arguments: Sequence[str]) -> int:
    """What DVC returns."""
    from vl_convert import javascript_bundle

    made = offline_template(javascript_bundle(vl_version=VEGA_LITE))  # takes 6 s
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_text(made, encoding="utf-8")
    command = list(arguments) or ["show"]
    return dvc(["plots", *command, "--html-template", str(TEMPLATE)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
