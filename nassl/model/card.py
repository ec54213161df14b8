"""README.md beside the weights: a model card, with the front matter that Hugging Face reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nassl.genotypes import Genotype, read_genotype
from nassl.genotypes.resnet import ResNetGenotype
from nassl.model.facts import GENOTYPE, MODEL, WEIGHTS, Facts, read_facts

CARD = "README.md"
ARCHITECTURES = {
    "cell": "a network of cells",
    "dense": "a network of dense cells",
    "block": "a network of bottleneck blocks",
    "resnet": "a ResNet",
}
FEATURES = """\
from PIL import Image

from nassl import load

trained = load(".")  # this folder
features = trained.network(trained.preprocess(Image.open("image.jpg")))
"""
LOGITS = """\
logits = trained.classifier(features)
print(trained.facts.classes[logits.argmax()])
"""


def write_card(folder: Path, metrics: Mapping[str, Any], unit: str = "nats") -> None:
    """Writes `folder`/README.md from model.json and genotype.json there and from a run's `metrics`:
    what the network is, how images become its input, and what was and was not measured. `unit` is
    that of the pretraining loss, "" for a loss without.

    A licence is left to the person who publishes the weights: it depends on the images. The same
    files and metrics give the same bytes. Raises InputError as `read_facts` does.
    """
    facts, genotype = read_facts(folder), read_genotype(folder / GENOTYPE)
    text = "\n".join([_front_matter(facts, genotype), _body(facts, genotype, metrics, unit)])
    (folder / CARD).write_text(text, encoding="utf-8")


def _front_matter(facts: Facts, genotype: Genotype) -> str:
    classifier = facts.classes is not None
    tags = ["pytorch", *([] if classifier else ["self-supervised-learning"])]
    if genotype.space != "resnet":
        tags.append("neural-architecture-search")
    return "\n".join(
        [
            "---",
            "library_name: nassl",
            f"pipeline_tag: {'image-classification' if classifier else 'image-feature-extraction'}",
            "tags:",
            *(f"- {tag}" for tag in tags),
            "---",
            "",
        ]
    )


def _body(facts: Facts, genotype: Genotype, metrics: Mapping[str, Any], unit: str) -> str:
    seen, data = facts.input, facts.data
    kind = ARCHITECTURES.get(genotype.space, f"a network of the space {genotype.space}")
    if isinstance(genotype, ResNetGenotype):
        kind += f"-{genotype.depth}, whose keys are torchvision's"
    how = "with labels" if facts.classes is not None else "without labels"
    counts = ", ".join(f"{count} {part}" for part, count in data.counts.items())
    lines = [
        f"# {facts.run}",
        "",
        f"This is {kind}, with {metrics['params'] / 1e6:.3g} million parameters and "
        f"{metrics['flops'] / 1e9:.3g} billion multiply-adds an image. It was trained {how} on "
        f"{metrics['n_trained_on']} images of the data set {_quoted(data.name)} (kind "
        f"{_quoted(data.kind)}; images: {counts}) for {metrics['epochs']} epochs.",
        "",
        "## Use",
        "",
        "```python",
        FEATURES + (LOGITS if facts.classes is not None else "") + "```",
        "",
        f"{WEIGHTS}, {GENOTYPE} and {MODEL} are all that `load` reads; it compares their hashes.",
        "",
        "## Input",
        "",
        "`preprocess` does this. Without it, do the same:",
        "",
        "| | |",
        "|---|---|",
        "| EXIF orientation | turned upright |",
        "| colours | RGB; transparent pixels on black |",
        f"| size | shorter side to {seen.side} pixels (bicubic, antialiased), the centre square |",
        f"| crop | the middle {seen.crop} x {seen.crop} pixels |",
        "| range | 0 to 1 |",
        f"| mean | {', '.join(map(str, seen.mean))} |",
        f"| deviation | {', '.join(map(str, seen.deviation))} |",
        "",
        "## Evaluation",
        "",
        _measured(facts, metrics, unit),
        "",
    ]
    if facts.classes is not None:
        lines += ["Classes, in the order of the logits: " + _listed(facts.classes) + ".", ""]
    lines += [
        "## Origin and licence",
        "",
        f"Made by nassl {facts.nassl}; {MODEL} has the hash of its settings. The code that made it "
        f"is under {facts.licence}. The weights' licence is for whoever publishes them to state "
        "(`license:` in the lines above the title): it depends on the images.",
        "",
    ]
    return "\n".join(lines)


def _measured(facts: Facts, metrics: Mapping[str, Any], unit: str) -> str:
    if facts.classes is None:
        loss = f"{metrics['final_loss']:.4f}" + (f" {unit}" if unit else "")
        return (
            f"Nothing was measured with labels here. The pretraining loss ended at {loss}, which "
            "says little about a task."
        )
    return (
        f"Test accuracy {100 * metrics['test_accuracy']:.2f} % on {metrics['n']} test images, "
        "evaluated once, after the last epoch."
    )


def _quoted(name: str) -> str:
    """As code, whatever the name holds."""
    return f"`{name.replace('`', chr(39))}`"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(_quoted(json.dumps(name, ensure_ascii=False)[1:-1]) for name in names)
