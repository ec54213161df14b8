"""Export: a trained network as one ONNX or torch.export file, compared with the original.

No stage of the graph: it is called by hand on what the graph has made. The file takes `pixels`
(B, 3, S, S) of any B, and gives the features (B, F) of a pretrained network, or the logits
(B, classes) of a retrained one. What `pixels` are, --input says:

  uint8       pixels as they are, 0 to 255; the graph normalises them. A float is refused by the
              runtime, so that they cannot be scaled twice or not at all
  unit        float32 in 0 to 1; the graph normalises them
  normalised  float32, less the mean and divided by the deviation: for a pipeline that has
              normalised them itself

Resizing and cropping come before; the file's metadata says how, and README.md has the code. Before
the file is put in its place it is read back and run, on images of the run's data, in ONNX Runtime
(in ONNX's own reference evaluator where that is not installed) or in PyTorch; if its outputs
differ, it is not written.

Inputs:  --run      pretrain/<run>, retrain/<run>, the run's name alone if only one of the two has
                    it, or `best`: the best network of a plan for your own images
         --results  the folder with the results; no params.yaml is read
Outputs: --out      with metadata: `preprocessing` (JSON: all that is done to an image before, with
                    the numbers), `classes` (JSON, of a retrained network), `run`, `genotype` and
                    `model` (the run's model.json). ONNX: custom_metadata_map of the session's
                    modelmeta; torch.export: extra_files `preprocessing.txt` and so on
         <out>.json  the same beside it, for people and for other languages

Example: python -m stages.export --run best --format onnx --out network.onnx
Time:    seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from nassl.files import write_json
from stages.export.pixels import KINDS
from stages.runs.command import refusals

FORMATS = ("onnx", "torch.export")
TEXT = ("run",)  # the other notes are JSON


def export(name: str, form: str, results: Path, out: Path, kind: str = "uint8") -> str:
    """What was written, in one line. Raises InputError for a run that is not there, or whose folder
    is damaged, and for a file whose outputs differ."""
    from stages.export.formats import WRITERS
    from stages.export.network import read_network

    network = read_network(name, results, kind)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(out.name + ".part")
    try:
        difference = WRITERS[form](network, beside)
        beside.replace(out)
        notes = network.notes
        described = {key: notes[key] if key in TEXT else json.loads(notes[key]) for key in notes}
        write_json(out.with_name(out.name + ".json"), described)
    finally:
        beside.unlink(missing_ok=True)
    dtype, values = KINDS[kind]
    shape = ", ".join(map(str, ("B", *network.images.shape[1:])))
    return (
        f"{out}: {form} of {network.run}, {out.stat().st_size / 1e6:.2f} MB; {dtype} ({shape}), "
        f"{values}, to {network.output} (B, {network.width}); differs from the original by at most "
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
    parser.add_argument("--input", choices=KINDS, default="uint8", help="what the file takes")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv:
        parser.print_help()
        return
    arguments = parser.parse_args(argv)
    with refusals("export"):
        chosen = (arguments.format, arguments.results, arguments.out, arguments.input)
        print(export(arguments.run, *chosen))


if __name__ == "__main__":
    main()
