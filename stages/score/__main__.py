"""Score: how good one candidate architecture is after a short training.

SSNAS sec. 4.2: the cell of each search seed is trained for a short time (100 epochs in the paper)
on one share of the training images and judged on the other. After a label-free search both are
contrastive, and no label can be read: --labels is then the no-labels folder. The supervised
baselines are trained and judged with labels.

Inputs:  --images, --labels  as `prepare` wrote them; --genotype  the candidate
Outputs: metrics.json   self-supervised: contrastive_loss (nats, mean over several fixed draws of
                        views) with its standard deviation between draws; margin mean and quantiles
                        (sec. 3.1: cosine similarity of an image's two views minus the highest
                        one to another image of the batch, -2 to 2)
                        with `beside` in the run's line also contrastive_loss_quarter and _half,
                        after those parts of the epochs, and two scores of the network before its
                        training: synflow (a logarithm) and jacobian_covariance (`untrained.py`)
                        supervised: accuracy (fraction, 0 to 1), loss (nats)
                        both: train_loss, params and flops (multiply-adds) of the network without
                        head, images trained on and held out, epochs, seed
         genotype.json  the candidate, byte for byte
         curves/, cost.json

Example: python -m stages.score ssnas-digits-s0 --images results/prepare/digits/images
             --labels results/prepare/digits/no-labels
             --genotype results/search/ssnas-digits-s0/genotype.json --out results/score/new
Time:    about a minute at toy scale. Reported: no score, only what select makes of it.
"""

from __future__ import annotations

import shutil
from argparse import Namespace
from pathlib import Path

from nassl.files import InputError, write_json
from stages.runs.command import stage_command
from stages.runs.run import Run
from stages.training.launch import start_on_devices


def score(run: Run, inputs: Namespace, out: Path) -> None:
    """Raises InputError for unusable inputs, SettingsError for settings that do not fit them."""
    from nassl.data.images import class_names, open_images, open_labels, split
    from nassl.genotypes import read_genotype
    from nassl.networks.size import flops, parameters
    from nassl.training.device import device_name
    from nassl.training.discrete import fit, initial_network, initial_objective
    from stages.score.held_out import Early, contrastive_score, supervised_score
    from stages.score.untrained import untrained_scores
    from stages.training.checkpoints import open_checkpoints
    from stages.training.curves import WrittenCurves
    from stages.training.device import prepare_device

    seed, recipe, settings = run.line.seed, run.settings["recipe"], run.settings["objective"]
    device = prepare_device(run)
    supervised = settings.needs_labels
    part = "train" if supervised else "label-free"
    images = open_images(inputs.images, part)
    labels = open_labels(inputs.labels, part) if supervised else None
    classes = len(class_names(inputs.labels)) if supervised else 0
    trained_on, held_out = split(inputs.images, recipe.validation_fraction, part)
    if len(held_out) < 2:
        raise InputError(
            f"recipe.validation_fraction {recipe.validation_fraction} holds {len(held_out)} of "
            f"{len(images)} images out; a score needs at least 2: raise it or prepare more images"
        )
    genotype, size = read_genotype(inputs.genotype), run.settings["network"]
    side = settings.views.size or images.side

    with open_checkpoints(run, inputs) as checkpoints:
        network = initial_network(genotype, size, side, seed, device, settings.has_auxiliary())
        objective = initial_objective(
            settings, network, images, len(trained_on), seed, classes, size.stem
        )
        besides, early, curves = {}, None, WrittenCurves(out / "curves")
        if run.line.beside:
            first = trained_on[: recipe.batch_size]
            besides = untrained_scores(network, images, first, side)
            early = Early(network, objective, images, held_out, recipe)
        train_loss = fit(
            network, objective, images, labels, trained_on, recipe, seed,
            checkpoints.part(), curves, f"score {run.name}", early,
        )  # fmt: skip
        if early:
            besides |= {name: curves.rows[epoch - 1][name] for epoch, name in early.names.items()}
        if supervised:
            judged = supervised_score(network, objective, images, labels, held_out, recipe)
        else:
            judged = contrastive_score(network, objective, images, held_out, recipe)
        metrics = (
            judged
            | besides
            | {
                "train_loss": train_loss,
                "params": parameters(network),
                "flops": flops(network, side),
                "n_trained_on": len(trained_on),
                "n_held_out": len(held_out),
                "epochs": recipe.epochs,
                "seed": seed,
            }
        )
        write_json(out / "metrics.json", metrics)
        shutil.copyfile(inputs.genotype, out / "genotype.json")
        checkpoints.cost.write(out, device_name(device))


def main(argv: list[str] | None = None) -> None:
    stage_command(
        "score", __doc__, ("images", "labels", "genotype"), score, argv, start=start_on_devices
    )


if __name__ == "__main__":
    main()
