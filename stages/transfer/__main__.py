"""Transfer: a pretrained network fine-tuned as a detector, and tested once.

FaUNAE sec. IV.D: Faster R-CNN C4 on PASCAL VOC (table 3), Mask R-CNN C4 on COCO (table 4), with
Detectron2. All layers are tuned, batch norm with them; the network's own stage 5 is the ROI head.

With the line's `init: random` the detector is trained in the same way from random weights.

Inputs:  --labels      annotated images as `prepare` wrote them
         --weights     a folder that `pretrain` or `retrain` wrote
         --statistics  images/manifest.json of the images that the weights were trained on: their
                       mean and deviation scale the detector's input
Outputs: metrics.json  fractions, 0 to 1: AP50, AP, AP75 (VOC's metric) or AP_box, AP50_box,
                       AP75_box, AP_mask, AP50_mask, AP75_mask (COCO's), each also as
                       <name>_untrained: of the same detector before training, with random weights;
                       weights_matched (keys that came from --weights), params and flops (of the
                       network; multiply-adds for one image of the pretraining's size),
                       detector_params, n (test images),
                       classes, iterations, images_per_batch, seed
         classes.json  a list: class, train_boxes, test_boxes, and AP and AP50 of its boxes
         predictions.json  detections in COCO's results form
         drawings/         12 test images, annotated beside found
         config.yaml       Detectron2's resolved config
         curves/, cost.json

Example: python -m stages.transfer faunae-scenes-voc-s0 --labels results/prepare/scenes-voc/labels
             --weights results/pretrain/faunae-shapes-s0
             --statistics results/prepare/shapes/images/manifest.json --out results/transfer/new
Time:    about a minute at toy scale. Reported: 83.3 AP50 on VOC (table 3).
"""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

from nassl.files import read_json, write_json
from stages.runs.command import stage_command
from stages.runs.lines import PRETRAINED
from stages.runs.run import Run
from stages.training.launch import start_on_devices


def transfer(run: Run, inputs: Namespace, out: Path) -> None:
    """Raises InputError for unusable inputs, SettingsError for settings that do not fit them."""
    from stages.transfer.compatibility import prepare_detectron2

    prepare_detectron2()
    from nassl.genotypes import read_genotype
    from nassl.networks.size import flops, parameters
    from nassl.training.device import device_name
    from nassl.training.seeds import seed_step
    from stages.training.checkpoints import open_checkpoints
    from stages.training.curves import WrittenCurves
    from stages.training.device import prepare_device
    from stages.transfer.classes import annotations, of_classes
    from stages.transfer.config import Sets, detectron2_config
    from stages.transfer.data import register
    from stages.transfer.detector import build_detector, described_network, stride_of
    from stages.transfer.drawings import draw
    from stages.transfer.evaluate import evaluate, truth
    from stages.transfer.mapper import Mapper
    from stages.transfer.masks import fit_masks
    from stages.transfer.train import Training
    from stages.transfer.weights import check_features, convert, load_pretrained

    seed, settings, size = run.line.seed, run.settings["detection"], run.settings["network"]
    device = prepare_device(run)
    data = register(inputs.labels, run.name)
    images = read_json(inputs.statistics)
    genotype = read_genotype(inputs.weights / "genotype.json")
    if settings.epochs:
        stride = stride_of(genotype, size)
        settings = settings.fitted(annotations(data), images["image_size"], stride)
    sets = Sets(data.train, data.test, len(data.classes))
    cfg = detectron2_config(
        settings,
        genotype,
        size,
        sets,
        images["mean"],
        images["std"],
        device.type,
        run.resources.threads - 1,
    )
    fit_masks(cfg, data)
    (out / "config.yaml").write_text(cfg.dump())

    with open_checkpoints(run, inputs) as checkpoints, truth(data):
        seed_step(seed, 0, 0, "detector")
        training = Training(cfg, build_detector(cfg), seed)
        curves = WrittenCurves(out / "curves")
        training.resume(checkpoints.part(), curves)
        if not training.extra:
            training.detector.eval()
            untrained, _, _ = evaluate(cfg, training.detector, data)
            matched = 0
            if run.line.init == PRETRAINED:
                network = described_network(cfg)
                load_pretrained(inputs.weights / "weights.safetensors", network)
                matched = convert(network, training.detector)
                example = Mapper(cfg, is_train=False).mapped(data.test_images()[0])
                check_features(
                    network, training.detector, example["image"], images["mean"], images["std"]
                )
            training.extra = {"untrained": untrained, "weights_matched": matched}
        training.run(checkpoints.part(), curves, f"transfer {run.name}")
        found, predictions, classes = evaluate(cfg, training.detector, data)
        write_json(
            out / "metrics.json",
            found
            | {f"{name}_untrained": ap for name, ap in training.extra["untrained"].items()}
            | {
                "weights_matched": training.extra["weights_matched"],
                "params": parameters(described_network(cfg)),
                "detector_params": parameters(training.detector),
                "flops": flops(described_network(cfg), images["image_size"]),
                "n": data.manifest["images"]["test"],
                "classes": len(data.classes),
                "iterations": cfg.SOLVER.MAX_ITER,
                "images_per_batch": cfg.SOLVER.IMS_PER_BATCH,
                "seed": seed,
            },
        )
        write_json(out / "classes.json", of_classes(data, classes))
        (out / "predictions.json").write_text(json.dumps(predictions) + "\n")
        draw(data, predictions, out / "drawings")
        checkpoints.cost.write(out, device_name(device))


def main(argv: list[str] | None = None) -> None:
    inputs = ("labels", "weights", "statistics")
    stage_command("transfer", __doc__, inputs, transfer, argv, start=start_on_devices)


if __name__ == "__main__":
    main()
