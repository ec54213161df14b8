"""Export: a trained network as one ONNX or torch.export file, compared with the original.

No stage of the graph: it is called by hand on what the graph has made. The file takes images as
float32 (B, 3, S, S) in 0 to 1, of any B, and normalises them itself; it gives the features (B, F)
of a pretrained network, or the logits (B, classes) of a retrained one. Before the file is put in
its place it is read back and run, on images of the run's data, in ONNX Runtime (in ONNX's own
reference evaluator where that is not installed) or in PyTorch; if its outputs differ, it is not
written.

Inputs:  --run      pretrain/<run>, retrain/<run>, the run's name alone if only one of the two has
                    it, or `best`: the best network of a plan for your own images
         --results  the folder with the results; no params.yaml is read
Outputs: --out      with genotype, model.json, the run's name and the classes inside

Example: python -m stages.export --run best --format onnx --out network.onnx
Time:    seconds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from stages.runs.command import refusals

FORMATS = ("onnx", "torch.export")


def export(name: str, form: str, results: Path, out: Path) -> str:
    """What was written, in one line. Raises InputError for a run that is not there, or whose folder
    is damaged, and for a file whose outputs differ."""
    from stages.export.formats import WRITERS
    from stages.export.network import read_network

    network = read_network(name, results)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(out.name + ".part")
    try:
        difference = WRITERS[form](network, beside)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    shape = f"(B, 3, {network.side}, {network.side})"
    return (
        f"{out}: {form} of {network.run}, {out.stat().st_size / 1e6:.2f} MB; float32 {shape} in "
        f"0 to 1 to {network.output} (B, {network.width}); differs from the original by at most "
        f"{difference:.1e}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", required=True, help="pretrain/<run>, retrain/<run> or best")
    parser.add_argument("--format", choices=FORMATS, default="onnx")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv:
        parser.print_help()
        return
    arguments = parser.parse_args(argv)
    with refusals("export"):
        print(export(arguments.run, arguments.format, arguments.results, arguments.out))


if __name__ == "__main__":
    main()
