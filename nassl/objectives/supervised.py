"""Cross entropy with labels: the supervised baseline and every retraining."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from nassl.data.views import PlainView, RandomViews
from nassl.networks.auxiliary import AuxiliaryHead
from nassl.networks.network import FeatureNetwork
from nassl.objectives.objective import Given, Objective
from nassl.settings import SettingsError, Supervised

WITHOUT_LABELS = "a supervised objective needs labels; the batch has none"


class SupervisedObjective(Objective):
    """Cross entropy of a linear classifier on the features, and with `auxiliary_weight` also that
    of the auxiliary head, as DARTS retrains (SSNAS sec. 4.1).

    `views` makes training images, `plain` those of evaluation. The network has `feature_dim` and,
    for an auxiliary head, `auxiliary_shape` and `forward_with_auxiliary`.
    """

    def __init__(
        self,
        settings: Supervised,
        network: FeatureNetwork,
        views: RandomViews,
        plain: PlainView,
        classes: int,
        stem: str,
    ) -> None:
        super().__init__()
        self.settings, self.views, self.plain = settings, views, plain
        self.classifier = nn.Linear(network.feature_dim, classes)
        self.auxiliary = None
        if settings.auxiliary_weight > 0:
            if not isinstance(network, FeatureNetwork) or network.auxiliary_shape is None:
                raise SettingsError(
                    f"objective.auxiliary_weight is {settings.auxiliary_weight}, but this network "
                    "has no map for an auxiliary head; set it to 0"
                )
            self.auxiliary = AuxiliaryHead(network.auxiliary_shape, classes, stem)

    @classmethod
    def build(
        cls, settings: Supervised, network: FeatureNetwork, given: Given
    ) -> SupervisedObjective:
        if given.classes < 2:
            raise SettingsError(
                f"a supervised objective needs at least 2 classes, not {given.classes}"
            )
        plain = PlainView(given.mean, given.std, settings.views.size)
        views = RandomViews(settings.views, given.mean, given.std)
        return cls(settings, network, views, plain, given.classes, given.stem)

    def loss(self, network: nn.Module, images: Tensor, labels: Tensor | None) -> Tensor:
        x = self.views(images).to(self.classifier.weight.dtype)
        if self.auxiliary is None:
            return self._cross_entropy(self.classifier(network(x)), labels)
        assert isinstance(network, FeatureNetwork)  # as in __init__
        features, auxiliary_map = network.forward_with_auxiliary(x)
        main = self._cross_entropy(self.classifier(features), labels)
        # The auxiliary loss is smoothed like the main one (DARTS, train_imagenet.py).
        auxiliary = self._cross_entropy(self.auxiliary(auxiliary_map), labels)
        return main + self.settings.auxiliary_weight * auxiliary

    def evaluate(
        self, network: nn.Module, images: Tensor, labels: Tensor | None
    ) -> dict[str, Tensor]:
        """`loss` without smoothing or auxiliary head; `correct` and, with more than 5 classes,
        `correct_in_5` (the label is among the 5 highest logits), 0 or 1."""
        if labels is None:
            raise ValueError(WITHOUT_LABELS)
        logits = self.classifier(network(self.plain(images).to(self.classifier.weight.dtype)))
        values = {
            "loss": F.cross_entropy(logits, labels, reduction="none").double(),
            "correct": (logits.argmax(dim=1) == labels).double(),
        }
        if logits.shape[1] > 5:
            highest = logits.topk(5, dim=1).indices
            values["correct_in_5"] = (highest == labels[:, None]).any(dim=1).double()
        return values

    def _cross_entropy(self, logits: Tensor, labels: Tensor | None) -> Tensor:
        if labels is None:
            raise ValueError(WITHOUT_LABELS)
        # DARTS' CrossEntropyLabelSmooth spreads the smoothing over all classes, as torch does.
        return F.cross_entropy(logits, labels, label_smoothing=self.settings.label_smoothing)
