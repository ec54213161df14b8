from __future__ import annotations

import math

import torch

from stages.probe.neighbours import knn_predict


def literal_vote(bank, labels, query, neighbours, temperature, classes):
    similarity = []
    for row in bank:
        dot = sum(float(a * b) for a, b in zip(row, query, strict=True))
        norm = math.sqrt(sum(float(a * a) for a in row)) * math.sqrt(
            sum(float(a * a) for a in query)
        )
        similarity.append(dot / norm)
    votes = [0.0] * classes
    for i in sorted(range(len(bank)), key=lambda i: -similarity[i])[:neighbours]:
        votes[int(labels[i])] += math.exp(similarity[i] / temperature)
    return max(range(classes), key=lambda c: votes[c])


def test_votes_equal_the_literal_formula():
    torch.manual_seed(0)
    bank = torch.randn(60, 5, dtype=torch.float64)
    queries = torch.randn(25, 5, dtype=torch.float64) * 7
    labels = torch.randint(0, 4, (60,))
    for neighbours, temperature in ((1, 0.1), (9, 0.1), (9, 5.0), (60, 0.5)):
        expected = [literal_vote(bank, labels, q, neighbours, temperature, 4) for q in queries]
        found = knn_predict(bank, labels, queries, neighbours, temperature, 4, chunk=7)
        assert found.tolist() == expected


def test_near_neighbour_outvotes_two_far_ones_only_when_the_temperature_is_low():
    bank = torch.tensor([[1.0, 0.05], [0.6, 0.8], [0.6, -0.8]])
    labels, query = torch.tensor([1, 0, 0]), torch.tensor([[1.0, 0.0]])
    assert knn_predict(bank, labels, query, 3, 0.1, 2).tolist() == [1]
    assert knn_predict(bank, labels, query, 3, 10.0, 2).tolist() == [0]


def test_more_neighbours_than_the_bank_holds():
    bank, labels = torch.eye(3), torch.tensor([0, 1, 2])
    assert knn_predict(bank, labels, bank, 200, 0.1, 3).tolist() == [0, 1, 2]
