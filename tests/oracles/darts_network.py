"""DARTS' retraining network (Liu et al. 2019, model.py and operations.py of their code), literally.

One module after the other, no shared ReLU, no batch norm after pools. CIFAR's, without the
auxiliary head; its parameters come in the order of `nassl.networks.cell_network`.
"""

from __future__ import annotations

import torch
from torch import nn


def conv(c_in, c_out, kernel, stride=1, padding=0, dilation=1, groups=1):
    return nn.Conv2d(c_in, c_out, kernel, stride, padding, dilation, groups, bias=False)


def relu_conv_bn(c_in, c_out):
    return nn.Sequential(nn.ReLU(), conv(c_in, c_out, 1), nn.BatchNorm2d(c_out))


class FactorizedReduce(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv_1 = conv(c_in, c_out // 2, 1, 2)
        self.conv_2 = conv(c_in, c_out // 2, 1, 2)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x):
        x = torch.relu(x)
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(x[:, :, 1:, 1:])], dim=1))


def sep_conv(c, kernel, stride):
    layers = []
    for s in (stride, 1):
        layers += [nn.ReLU(), conv(c, c, kernel, s, kernel // 2, groups=c), conv(c, c, 1)]
        layers.append(nn.BatchNorm2d(c))
    return nn.Sequential(*layers)


def dil_conv(c, kernel, stride):
    depthwise = conv(c, c, kernel, stride, kernel - 1, dilation=2, groups=c)
    return nn.Sequential(nn.ReLU(), depthwise, conv(c, c, 1), nn.BatchNorm2d(c))


OPS = {
    "max_pool_3x3": lambda c, s: nn.MaxPool2d(3, s, 1),
    "avg_pool_3x3": lambda c, s: nn.AvgPool2d(3, s, 1, count_include_pad=False),
    "skip_connect": lambda c, s: nn.Identity() if s == 1 else FactorizedReduce(c, c),
    "sep_conv_3x3": lambda c, s: sep_conv(c, 3, s),
    "sep_conv_5x5": lambda c, s: sep_conv(c, 5, s),
    "dil_conv_3x3": lambda c, s: dil_conv(c, 3, s),
    "dil_conv_5x5": lambda c, s: dil_conv(c, 5, s),
}


class Cell(nn.Module):
    def __init__(self, nodes, c_prev_prev, c_prev, c, reduction, reduction_prev):
        super().__init__()
        reduce = FactorizedReduce if reduction_prev else relu_conv_bn
        self.preprocess0 = reduce(c_prev_prev, c)
        self.preprocess1 = relu_conv_bn(c_prev, c)
        self.edges = [edge for node in nodes for edge in node]
        self.ops = nn.ModuleList(
            OPS[name](c, 2 if reduction and index < 2 else 1) for name, index in self.edges
        )

    def forward(self, s0, s1):
        states = [self.preprocess0(s0), self.preprocess1(s1)]
        for node in range(4):
            (op1, (_, one)), (op2, (_, two)) = list(zip(self.ops, self.edges, strict=True))[
                2 * node : 2 * node + 2
            ]
            states.append(op1(states[one]) + op2(states[two]))
        return torch.cat(states[2:], dim=1)


class NetworkCIFAR(nn.Module):
    """`forward` gives the pooled features."""

    def __init__(self, genotype, channels, layers):
        super().__init__()
        c = 3 * channels
        self.stem = nn.Sequential(conv(3, c, 3, padding=1), nn.BatchNorm2d(c))
        c_prev_prev, c_prev, c = c, c, channels
        self.cells, reduction_prev = nn.ModuleList(), False
        for i in range(layers):
            reduction = i in (layers // 3, 2 * layers // 3)
            c *= 2 if reduction else 1
            nodes = genotype.reduce if reduction else genotype.normal
            self.cells.append(Cell(nodes, c_prev_prev, c_prev, c, reduction, reduction_prev))
            c_prev_prev, c_prev, reduction_prev = c_prev, 4 * c, reduction

    def forward(self, x):
        s0 = s1 = self.stem(x)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1)
        return nn.functional.adaptive_avg_pool2d(s1, 1).flatten(1)
