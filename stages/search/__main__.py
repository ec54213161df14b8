"""Search: finds a genotype in a space, with labels or without.

SSNAS (sec. 3.3-3.5, 4.1) searches DARTS' cell space by gradient and replaces cross entropy by the
contrastive loss NT-Xent in both steps: of the weights, on one part of the training images, and of
alpha, on the other. FaUNAE (sec. III) evolves an existing architecture in the block or the dense
space by the loss on held-out images. The strategies are in `nassl/settings/strategies/`.

Inputs:  --images  prepared images
         --labels  prepared labels; a run without labels gets a folder without any, and opens none
         --initial genotype.json that an evolution starts from, if its line names a search run
Outputs: genotype.json  the architecture found
         alphas.json    alpha of both cells or of every block after every epoch, before softmax
         genealogy.json of an evolution, per epoch: loss, mutations, accepted or not, what dropped,
                        parameters and FLOPs (multiply-adds) of the sub-network, at the search
                        network's width
         metrics.json   final_validation_loss, entropy of softmax(alpha) (nats, log 8 = 2.08
                        is undecided), skip_connections of the normal cell and whether the search
                        collapsed (more than 2), supernet_parameters
         curves/        the same per epoch, with training and validation loss
         cost.json      wall seconds, GPU-days, device

Example: python -m stages.search ssnas-digits-s0 --images results/prepare/digits/images \\
             --labels results/prepare/digits/no-labels --out results/search/new
Time:    a minute or two at toy scale; if killed, it continues where it was when started again.
Reported: 50 epochs on CIFAR-10, four seeds (SSNAS sec. 4.1).
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from nassl.files import write_json
from nassl.genotypes import write_genotype
from stages.runs.command import stage_command
from stages.runs.run import Run
from stages.search.strategies import strategy_of
from stages.training.checkpoints import open_checkpoints
from stages.training.launch import start_on_devices


def search(run: Run, inputs: Namespace, out: Path) -> None:
    """Raises SettingsError if strategy and space, objective or recipe do not fit together, and
    InputError if the prepared data lack what the objective needs."""
    strategy = strategy_of(run)
    with open_checkpoints(run, inputs) as checkpoints:
        found = strategy(run, inputs, out, checkpoints)
        (out / "curves").mkdir(exist_ok=True)  # stays empty where nothing is trained
        write_genotype(out / "genotype.json", found.genotype)
        write_json(out / "alphas.json", found.history)
        kind = run.settings["strategy"].kind
        metrics = found.metrics | {"strategy": kind, "seed": run.line.seed}
        write_json(out / "metrics.json", metrics)
        checkpoints.cost.write(out, found.device)


def main(argv: list[str] | None = None) -> None:
    stage_command(
        "search",
        __doc__,
        ("images", "labels"),
        search,
        argv,
        optional=("initial",),
        start=start_on_devices,
    )


if __name__ == "__main__":
    main()
