"""Select: the best of several searched cells becomes the architecture of a method.

SSNAS sec. 4.2: every seed's cell is trained for a short time and the best one is taken: the lowest
contrastive loss on held-out images after a self-supervised search (no label is read), the highest
validation accuracy after a supervised one.

Inputs:  --scores  folder with one folder per candidate, as `score` wrote them: metrics.json with
                   the criterion, genotype.json with the architecture that was scored.
Outputs: genotype.json  the winner's, byte for byte
         ranking.json   candidates, best first: rank, candidate, score, margin_mean (similarity of
                        an image's two views minus that to the closest other image; null if not
                        measured), skip_connections of the normal cell
         metrics.json   winner, its score, and the spread of the scores (mean, std, n)

Example: python -m stages.select ssnas-digits --scores results/score/ssnas-digits
             --out results/select/new
Time:    a second. Reported: the paper trains four seeds' cells for 100 epochs each.
"""

from __future__ import annotations

import shutil
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from tabulate import tabulate

from nassl.files import write_json
from nassl.settings import SettingsError
from stages.runs.command import stage_command
from stages.runs.run import Run
from stages.select.ranking import CRITERIA, rank, read_candidate, spread


def select(run: Run, inputs: Namespace, out: Path) -> None:
    """Raises SettingsError on an unknown criterion or an unusable list of candidates, InputError if
    a candidate has no usable score."""
    where, names, criterion = f"select.{run.name}", run.line.candidates, run.line.criterion
    if criterion not in CRITERIA:
        raise SettingsError(
            f"{where}.criterion is {criterion!r}; available: {', '.join(sorted(CRITERIA))}"
        )
    if not names or len(set(names)) < len(names):
        raise SettingsError(
            f"{where}.candidates is {names!r}; one or more different score runs are expected"
        )
    ranking = rank([read_candidate(inputs.scores, name, criterion) for name in names], criterion)
    rows = [
        {"rank": place, "candidate": row.pop("name"), **row}
        for place, row in enumerate(map(asdict, ranking), start=1)
    ]
    shutil.copyfile(inputs.scores / ranking[0].name / "genotype.json", out / "genotype.json")
    write_json(out / "ranking.json", rows)
    metrics = {
        "criterion": criterion,
        "winner": ranking[0].name,
        "score": ranking[0].score,
        "spread": spread(ranking),
    }
    write_json(out / "metrics.json", metrics)
    headers = {key: criterion if key == "score" else key.replace("_", " ") for key in rows[0]}
    print(tabulate(rows, headers=headers, floatfmt=".4f", missingval="-"))


def main(argv: list[str] | None = None) -> None:
    stage_command("select", __doc__, ("scores",), select, argv)


if __name__ == "__main__":
    main()
