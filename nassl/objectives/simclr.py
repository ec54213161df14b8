"""NT-Xent over two views of every image (SSNAS sec. 3.4, SimCLR) and the margin of sec. 3.1."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nassl.data.views import RandomViews
from nassl.networks.network import FeatureNetwork
from nassl.objectives.objective import Objective
from nassl.parallel.distributed import gather_with_gradient
from nassl.parallel.precision import float32
from nassl.settings import SimCLR


def similarities(z: Tensor) -> Tensor:
    """Cosine similarities (M, M) of projections (M, D), in float32 at least."""
    with float32(z):
        z = F.normalize(z.float() if z.dtype in (torch.float16, torch.bfloat16) else z, dim=1)
        return z @ z.T


def nt_xent(similarity: Tensor, temperature: float) -> Tensor:
    """Losses (2N,) of all anchors, from the similarities (2N, 2N) of the projected views.

    Rows i and i + N are the two views of image i. l(i, j) = -log(exp(s_ij / tau) / sum over k != i
    of exp(s_ik / tau)), where j is the other view of i's image: only the anchor itself is left out
    of the denominator, and every view is an anchor once.
    """
    count = len(similarity)
    positives = torch.arange(count, device=similarity.device).roll(count // 2)
    itself = torch.eye(count, dtype=torch.bool, device=similarity.device)
    logits = (similarity / temperature).masked_fill(itself, -torch.inf)
    return F.cross_entropy(logits, positives, reduction="none")


def margins(similarity: Tensor) -> Tensor:
    """Margins (N,) of images, from the same similarities; N >= 2.

    Similarity of an image's two views minus the highest similarity of either of them to any view of
    another image: positive if the image is nearest to itself (SSNAS sec. 3.1 takes every image as
    a class of its own and gives no formula).
    """
    half = len(similarity) // 2
    if half < 2:
        raise ValueError("a margin needs at least 2 images in the batch")
    # (2, N, 2, N): view and image of the one, view and image of the other
    pairs = similarity.view(2, half, 2, half)
    own = torch.eye(half, dtype=torch.bool, device=similarity.device)[None, :, None, :]
    nearest = pairs.masked_fill(own, -torch.inf).amax(dim=(0, 2, 3))
    return pairs[0, :, 1, :].diagonal() - nearest


class SimCLRObjective(Objective):
    """A projection MLP of two layers with ReLU on the features of both views (sec. 4.1).

    Both views go through the network as one batch of 2N, as in SimCLR: batch norm sees them all.
    With several processes the loss is that of the images of all of them, the same in each.
    """

    def __init__(self, settings: SimCLR, network: FeatureNetwork, views: RandomViews) -> None:
        super().__init__()
        self.settings, self.views = settings, views
        hidden = settings.hidden or network.feature_dim
        self.projection = nn.Sequential(
            nn.Linear(network.feature_dim, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, settings.projection),
        )

    def loss(self, network: nn.Module, images: Tensor, labels: Tensor | None = None) -> Tensor:
        first, second = self._project(network, images).chunk(2)
        everyones = torch.cat([gather_with_gradient(first), gather_with_gradient(second)])
        return nt_xent(similarities(everyones), self.settings.temperature).mean()

    def evaluate(
        self, network: nn.Module, images: Tensor, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """With random views, per image: `loss` (mean over its two anchors), `margin`, and the two
        similarities whose difference that is, `own_similarity` and `nearest_similarity`."""
        similarity = similarities(self._project(network, images)).double()
        losses = nt_xent(similarity, self.settings.temperature)
        margin, own = margins(similarity), similarity.diagonal(len(images))
        return {
            "loss": losses.view(2, -1).mean(dim=0),
            "margin": margin,
            "own_similarity": own,
            "nearest_similarity": own - margin,
        }

    def _project(self, network: nn.Module, images: Tensor) -> Tensor:
        """(2N, D) of two views of N images: all first, then all second ones."""
        x = self.views(torch.cat([images, images]))  # (2N, 3, S, S)
        return self.projection(network(x.to(next(self.projection.parameters()).dtype)))
