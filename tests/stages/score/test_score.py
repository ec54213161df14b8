"""Score: label-free where it must be, many draws, held-out images only."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nassl.data.images import open_images, split
from nassl.files import InputError, read_json
from nassl.objectives.objective import Objective
from nassl.settings import Recipe
from stages.runs.lines import VIEW_PAIRS
from stages.score.__main__ import main, score
from stages.score.held_out import contrastive_score


def test_a_contrastive_score_needs_no_label(call, digits, genotype):
    out = call(score, images=digits / "images", labels=digits / "no-labels", genotype=genotype)
    metrics = read_json(out / "metrics.json")
    assert 0 < metrics["contrastive_loss"] < 10
    assert metrics["view_pairs"] == VIEW_PAIRS > 1
    assert metrics["contrastive_loss_std_between_draws"] > 0
    quantiles = [metrics[f"margin_q{q}"] for q in ("05", "25", "50", "75", "95")]
    assert quantiles == sorted(quantiles)
    assert -2 <= quantiles[0] < metrics["margin_mean"] < quantiles[-1] <= 2
    assert metrics["own_similarity_mean"] - metrics["nearest_similarity_mean"] == pytest.approx(
        metrics["margin_mean"]
    )
    assert (metrics["n_trained_on"], metrics["n_held_out"]) == (48, 48)
    assert (out / "genotype.json").read_bytes() == genotype.read_bytes()
    assert (out / "curves/plots/metrics/train_loss.tsv").exists()
    assert read_json(out / "cost.json")["seconds"] > 0


def test_the_same_run_gives_the_same_bytes_and_another_seed_others(call, digits, genotype):
    inputs = {
        "images": digits / "images",
        "labels": digits / "no-labels",
        "genotype": genotype,
    }
    one, two = (call(score, out=out, **inputs) for out in ("one", "two"))
    assert (one / "metrics.json").read_bytes() == (two / "metrics.json").read_bytes()
    other = call(score, changes={"score.s.seed": 1}, out="other", **inputs)
    assert (one / "metrics.json").read_bytes() != (other / "metrics.json").read_bytes()


def test_a_supervised_score_is_an_accuracy_on_labelled_images(call, digits_unlabeled, genotype):
    out = call(
        score,
        "supervised",
        images=digits_unlabeled / "images",
        labels=digits_unlabeled / "labels",
        genotype=genotype,
    )
    metrics = read_json(out / "metrics.json")
    # 48 of the 96 labelled images, not 40 of the 80 unlabeled ones
    assert (metrics["n_trained_on"], metrics["n_held_out"]) == (48, 48)
    assert metrics["accuracy"] * 48 == pytest.approx(round(metrics["accuracy"] * 48))
    assert metrics["loss"] > 0


def test_labels_that_are_needed_and_images_that_are_not_held_out_are_missed(call, digits, genotype):
    inputs = {
        "images": digits / "images",
        "labels": digits / "no-labels",
        "genotype": genotype,
    }
    with pytest.raises(InputError, match="no-labels holds no labels; this run needs them"):
        call(score, "supervised", **inputs)
    with pytest.raises(InputError, match=r"validation_fraction 0\.0 holds 0 of 96 images out"):
        call(score, changes={"recipe.score.validation_fraction": 0.0}, **inputs)


class Counting(Objective):
    """Gives each image its own mean grey value as loss, and notes what it was shown."""

    def __init__(self):
        super().__init__()
        self.seen, self.sizes, self.drawn = [], [], []

    def evaluate(self, network, images, labels):
        values = images.double().mean(dim=(1, 2, 3))
        self.seen += values.tolist()
        self.sizes.append(len(images))
        self.drawn.append(torch.rand(1).item())
        return {"loss": values, "margin": values}


def test_only_held_out_images_are_judged_in_full_batches_with_fixed_draws(digits):
    images = open_images(digits / "images", "train")
    trained_on, held_out = split(digits / "images", 0.5)
    recipe = Recipe(1, 20, "sgd", 0.1, "constant", 0.0)
    network, objective, again = nn.Linear(1, 1), Counting(), Counting()
    metrics = contrastive_score(network, objective, images, held_out, recipe)
    contrastive_score(network, again, images, held_out, recipe)
    allowed = images.batch(held_out).double().mean(dim=(1, 2, 3)).tolist()
    refused = images.batch(trained_on).double().mean(dim=(1, 2, 3)).tolist()
    assert set(objective.seen) <= set(allowed)
    assert not set(objective.seen) & set(refused)
    assert objective.sizes == [20] * 2 * VIEW_PAIRS  # 48 images: two full batches a draw
    assert len(set(objective.seen)) > 40  # what one draw leaves out another has
    assert len(set(objective.drawn)) == 2 * VIEW_PAIRS
    assert (objective.seen, objective.drawn) == (again.seen, again.drawn)
    assert metrics["contrastive_loss"] == pytest.approx(sum(objective.seen) / len(objective.seen))
    assert metrics["margin_q50"] == pytest.approx(
        torch.tensor(objective.seen).quantile(0.5).item(), rel=1e-6
    )


def test_no_arguments_print_the_help(capsys):
    main([])
    assert "SSNAS sec. 4.2" in capsys.readouterr().out
