"""Fills the templates of `page/`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from stages.report.text import wording

TEMPLATES = Path(__file__).parent / "page"


def render(template: str, content: Mapping[str, Any]) -> str:
    """HTML. All text is escaped but what is marked `svg`, which is drawn here, with every text in
    it escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["duration"] = wording.duration
    environment.filters["words"] = wording.words
    environment.filters["code"] = _code
    environment.filters["svg"] = Markup
    return environment.get_template(template).render(content)


def _code(text: str) -> Markup:
    """`backticks` as <code>; everything else escaped."""
    return Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(escape(text))))
