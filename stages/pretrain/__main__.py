"""Pretrain: representations learned without labels by an architecture's network.

SSNAS sec. 4.1 and 4.3: SimCLR on the network of a genotype, on the unlabeled images if there are
any, else on the training images. The stage is not given the labels.

Inputs:  --images    as `prepare` wrote them; --genotype  the architecture
Outputs: weights.safetensors  the network without a head: what `probe` reads
         head.safetensors     what else the objective trained (projection; teacher and queue)
         metrics.json   final_loss (mean of the last epoch); feature_norm (mean Euclidean norm
                        of the features of up to 1024 training images: the scale on which a linear
                        probe's learning rate works); params and flops (multiply-adds of one image)
                        without head; n_trained_on, epochs, batch_size, seed
         kept/          <epoch>.safetensors, the network after every recipe.keep_every-th epoch
         genotype.json  the architecture, byte for byte
         model.json     what `nassl.load` needs beside these two: size, input, data, plan
         README.md      a model card, with Hugging Face's front matter
         curves/, cost.json

Example: python -m stages.pretrain ssnas-digits-b64 --images results/prepare/digits/images
             --genotype results/select/ssnas-digits/genotype.json --out results/pretrain/new
Time:    a few minutes at toy scale. Reported: only what `probe` makes of the weights (table 4).
"""

from __future__ import annotations

import shutil
from argparse import Namespace
from pathlib import Path

from nassl.files import write_json
from stages.runs.command import stage_command
from stages.runs.run import Run
from stages.training.launch import start_on_devices

NORM_IMAGES = 1024


def pretrain(run: Run, inputs: Namespace, out: Path) -> None:
    """Raises InputError for unusable inputs, SettingsError for settings that do not fit them."""
    import numpy as np

    from nassl.data.images import open_images
    from nassl.data.views import PlainView
    from nassl.genotypes import read_genotype
    from nassl.model.card import write_card
    from nassl.model.write import write_model
    from nassl.networks.size import flops, parameters
    from nassl.settings import SettingsError, training_kinds
    from nassl.training.device import device_name
    from nassl.training.discrete import fit, initial_network, initial_objective
    from nassl.training.features import extract, mean_norm
    from nassl.training.weights import save_weights
    from stages.pretrain.kept import KeptWeights
    from stages.training.checkpoints import open_checkpoints
    from stages.training.curves import WrittenCurves
    from stages.training.device import prepare_device

    seed, recipe, settings = run.line.seed, run.settings["recipe"], run.settings["objective"]
    if settings.needs_labels:
        raise SettingsError(
            f"pretrain.{run.name}.objective is {settings.kind}; pretrain reads no labels: "
            f"{', '.join(training_kinds(needs_labels=False))}"
        )
    device = prepare_device(run)
    images = open_images(inputs.images, "label-free")
    genotype, size = read_genotype(inputs.genotype), run.settings["network"]
    side = settings.views.size or images.side

    with open_checkpoints(run, inputs) as checkpoints:
        network = initial_network(genotype, size, side, seed, device)
        objective = initial_objective(settings, network, images, len(images), seed)
        kept = KeptWeights(network, recipe.keep_every, checkpoints.folder)
        final_loss = fit(
            network, objective, images, None, np.arange(len(images)), recipe, seed,
            checkpoints.part(), WrittenCurves(out / "curves"), label=f"pretrain {run.name}",
            companion=kept,
        )  # fmt: skip
        plain = PlainView(images.mean, images.std, settings.views.size)
        first = np.arange(min(NORM_IMAGES, len(images)))
        metrics = {
            "final_loss": final_loss,
            "feature_norm": mean_norm(extract(network, plain, images, first, recipe.batch_size)),
            "params": parameters(network),
            "flops": flops(network, side),
            "n_trained_on": len(images),
            "epochs": recipe.epochs,
            "batch_size": recipe.batch_size,
            "seed": seed,
        }
        save_weights(out / "weights.safetensors", network)
        save_weights(out / "head.safetensors", objective)
        kept.hand_over(out, recipe.epochs)
        write_json(out / "metrics.json", metrics)
        shutil.copyfile(inputs.genotype, out / "genotype.json")
        write_model(
            out, run=f"pretrain/{run.name}", plan_sha256=run.sha256, network=size,
            images=inputs.images, data=run.line.data, crop=side,
        )  # fmt: skip
        write_card(out, metrics, settings.unit(getattr(settings, "loss", "")))
        checkpoints.cost.write(out, device_name(device))


def main(argv: list[str] | None = None) -> None:
    stage_command(
        "pretrain", __doc__, ("images", "genotype"), pretrain, argv, start=start_on_devices
    )


if __name__ == "__main__":
    main()
