"""A genotype as a drawing: one self-contained SVG, readable on light and on dark pages.

Each space has a module here that draws it.
"""

from __future__ import annotations

from html import escape

from nassl.genotypes import Genotype
from nassl.genotypes.block import BlockGenotype
from nassl.genotypes.cell import CellGenotype
from nassl.genotypes.dense import DenseGenotype
from nassl.genotypes.resnet import ResNetGenotype
from stages.report.figures.genotypes.cell import cells
from stages.report.figures.genotypes.chain import block_chain, resnet_chain
from stages.report.figures.genotypes.dense import dense_cells

STYLE = """
  .genotype { color: #1b1f24; font: 12px system-ui, sans-serif; }
  .genotype text { fill: currentColor; text-anchor: middle; dominant-baseline: central; }
  .genotype .title { font-weight: 600; text-anchor: start; }
  .genotype .state { fill: none; stroke: currentColor; stroke-width: 1.5; }
  .genotype path { fill: none; stroke: currentColor; stroke-width: 1.2; opacity: .75; }
  .genotype .skip { stroke-dasharray: 5 3; }
  .genotype .faint { opacity: .3; }
  .genotype .start { text-anchor: start; }
  .genotype .dot { fill: currentColor; }
  .genotype .shaded { fill: currentColor; fill-opacity: .12; }
  @media (prefers-color-scheme: dark) { .genotype { color: #e6e9ee; } }
"""
DRAWINGS = {
    CellGenotype: cells,
    DenseGenotype: dense_cells,
    BlockGenotype: block_chain,
    ResNetGenotype: resnet_chain,
}


def draw(genotype: Genotype, name: str = "") -> str:
    """SVG text with a title and a description. Raises ValueError for a space without a drawing."""
    if type(genotype) not in DRAWINGS:
        raise ValueError(f"no drawing for the space {genotype.space!r}")
    body, description, width, height = DRAWINGS[type(genotype)](genotype)
    return _page(name or f"{genotype.space} architecture", description, body, width, height)


def _page(title: str, description: str, body: str, width: int, height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" style="max-width:100%;height:auto">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
        f'<style>{STYLE}</style><g class="genotype">{body}</g></svg>'
    )
