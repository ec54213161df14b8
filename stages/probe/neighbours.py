"""k-nearest-neighbour classification of features: needs no training and no learning rate.

Cosine similarity and votes weighted by exp(similarity / temperature), as instance discrimination,
MoCo's CIFAR notebook and lightly measure it (there k = 200, temperature 0.1 on CIFAR-10).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

LARGEST = 2**28  # similarities at a time: 1 GB


def knn_predict(
    bank: Tensor,
    labels: Tensor,
    queries: Tensor,
    neighbours: int,
    temperature: float,
    classes: int,
    chunk: int = 1024,
) -> Tensor:
    """Classes (Q,) of `queries` (Q, D) by the votes of `bank` (N, D) with `labels` (N,).

    Never more neighbours vote than the bank holds. A tie goes to the lower class number.
    """
    bank = normalize(bank, dim=1)
    one_hot = torch.eye(classes, dtype=bank.dtype, device=bank.device)
    count = min(neighbours, len(bank))
    chunk = min(chunk, max(1, LARGEST // len(bank)))
    predicted = []
    for part in queries.split(chunk):
        similarity, nearest = (normalize(part, dim=1) @ bank.T).topk(count, dim=1)  # (q, k)
        # Similarity is at most 1: subtracting it keeps exp in range and leaves the vote as it is.
        weight = torch.exp((similarity - 1) / temperature)
        votes = torch.einsum("qk,qkc->qc", weight, one_hot[labels[nearest]])
        predicted.append(votes.argmax(dim=1))
    return torch.cat(predicted)
