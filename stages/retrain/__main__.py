"""Retrain: an architecture trained from scratch with all labels, tested once.

SSNAS sec. 4.1 and 4.2: the whole training part, as DARTS retrains: cutout, drop path raised
linearly, an auxiliary head at 2/3 of the depth. The network of the last epoch is tested; no epoch
is picked by its test accuracy, and nothing else looks at the test part.

Inputs:  --images, --labels  as `prepare` wrote them; --genotype  the architecture
Outputs: metrics.json   fractions, 0 to 1: test_accuracy, test_error, top5_error (with more than 5
                        classes), train_accuracy; test_loss, train_loss (nats); params and flops
                        (multiply-adds of one image) of the network without heads; n (test images),
                        n_trained_on, classes, epochs, seed
         weights.safetensors  keys `network.*` and `classifier.*`
         genotype.json  the architecture, byte for byte
         model.json     what `nassl.load` needs beside these two: size, input, classes, data, plan
         README.md      a model card, with Hugging Face's front matter
         curves/, cost.json

Example: python -m stages.retrain ssnas-digits --images results/prepare/digits/images
             --labels results/prepare/digits/labels
             --genotype results/select/ssnas-digits/genotype.json --out results/retrain/new
Time:    about a minute at toy scale. Reported: 2.61 % test error on CIFAR-10 (table 1).
"""

from __future__ import annotations

import shutil
from argparse import Namespace
from pathlib import Path

from nassl.files import write_json
from stages.runs.command import stage_command
from stages.runs.run import Run
from stages.training.launch import start_on_devices


def retrain(run: Run, inputs: Namespace, out: Path) -> None:
    """Raises InputError for unusable inputs, SettingsError for settings that do not fit them."""
    import numpy as np
    from torch import nn

    from nassl.data.images import class_names, open_images, open_labels
    from nassl.genotypes import read_genotype
    from nassl.model.card import write_card
    from nassl.model.write import write_model
    from nassl.networks.size import flops, parameters
    from nassl.settings import SettingsError
    from nassl.training.device import device_name
    from nassl.training.discrete import evaluate_once, fit, initial_network, initial_objective
    from nassl.training.weights import save_weights
    from stages.training.checkpoints import open_checkpoints
    from stages.training.curves import WrittenCurves
    from stages.training.device import prepare_device

    seed, recipe, settings = run.line.seed, run.settings["recipe"], run.settings["objective"]
    if not settings.needs_labels:
        raise SettingsError(
            f"retrain.{run.name}.objective is of kind {settings.kind!r}; retrain is supervised"
        )
    device = prepare_device(run)
    images, test_images = (open_images(inputs.images, part) for part in ("train", "test"))
    labels, test_labels = (open_labels(inputs.labels, part) for part in ("train", "test"))
    names = class_names(inputs.labels)
    classes = len(names)
    genotype, size = read_genotype(inputs.genotype), run.settings["network"]
    side = settings.views.size or images.side

    with open_checkpoints(run, inputs) as checkpoints:
        network = initial_network(genotype, size, side, seed, device, settings.has_auxiliary())
        objective = initial_objective(
            settings, network, images, len(images), seed, classes, size.stem
        )
        train_loss = fit(
            network, objective, images, labels, np.arange(len(images)), recipe, seed,
            checkpoints.part(), WrittenCurves(out / "curves"), label=f"retrain {run.name}",
        )  # fmt: skip
        everything = np.arange(len(test_images))
        tested = evaluate_once(
            network, objective, test_images, test_labels, everything, recipe.batch_size
        )
        means = {key: values.mean().item() for key, values in tested.items()}
        # SSNAS sec. 3.1: networks differ in generalisation, not in training error
        learned = evaluate_once(
            network, objective, images, labels, np.arange(len(images)), recipe.batch_size
        )
        metrics = {
            "test_accuracy": means["correct"],
            "test_error": 1 - means["correct"],
            "test_loss": means["loss"],
            "train_loss": train_loss,
            "train_accuracy": learned["correct"].mean().item(),
            "params": parameters(network),
            "flops": flops(network, side),
            "n": len(test_images),
            "n_trained_on": len(images),
            "classes": classes,
            "epochs": recipe.epochs,
            "seed": seed,
        }
        if "correct_in_5" in means:
            metrics["top5_error"] = 1 - means["correct_in_5"]
        trained = nn.ModuleDict({"network": network, "classifier": objective.classifier})
        save_weights(out / "weights.safetensors", trained)
        write_json(out / "metrics.json", metrics)
        shutil.copyfile(inputs.genotype, out / "genotype.json")
        write_model(
            out, run=f"retrain/{run.name}", plan_sha256=run.sha256, network=size,
            images=inputs.images, data=run.line.data, crop=side, classes=names,
        )  # fmt: skip
        write_card(out, metrics)
        checkpoints.cost.write(out, device_name(device))


def main(argv: list[str] | None = None) -> None:
    stage_command(
        "retrain", __doc__, ("images", "labels", "genotype"), retrain, argv, start=start_on_devices
    )


if __name__ == "__main__":
    main()
