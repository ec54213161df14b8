"""Detectron2's evaluators with the precisions of every class, which they average or round away.

Both add `classes` to what they give: metric -> number of the class from 0 -> percent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from detectron2.evaluation import COCOEvaluator, PascalVOCDetectionEvaluator, pascal_voc_evaluation

CLASSES = "classes"


class VOCScorer(PascalVOCDetectionEvaluator):
    """AP50 and AP, the mean over thresholds from 0.5 to 0.95."""

    def evaluate(self) -> dict[str, Any] | None:
        with _recorded() as found:
            results = super().evaluate()
        if results is None:  # of another process than the first
            return None
        of = {number: found[name] for number, name in enumerate(self._class_names)}
        results[CLASSES] = {
            "AP": {number: float(np.mean(list(each.values()))) for number, each in of.items()},
            "AP50": {number: each[50] for number, each in of.items()},
        }
        return results


@contextlib.contextmanager
def _recorded() -> Iterator[dict[str, dict[int, float]]]:
    """Fills class -> threshold in percent -> average precision in percent with what the evaluator
    computes meanwhile."""
    found: dict[str, dict[int, float]] = {}
    compute = pascal_voc_evaluation.voc_eval

    def recording(*arguments: Any, ovthresh: float, **options: Any) -> Any:
        computed = compute(*arguments, ovthresh=ovthresh, **options)
        found.setdefault(arguments[3], {})[round(100 * ovthresh)] = 100 * float(computed[2])
        return computed

    pascal_voc_evaluation.voc_eval = recording
    try:
        yield found
    finally:
        pascal_voc_evaluation.voc_eval = compute


class COCOScorer(COCOEvaluator):
    """A class without a test box has no precision."""

    def _derive_coco_results(
        self, coco_eval: Any, iou_type: str, class_names: list[str] | None = None
    ) -> dict[str, Any]:
        results = super()._derive_coco_results(coco_eval, iou_type, class_names)
        if coco_eval is None:  # nothing was found
            return results
        # (thresholds from 0.5, recalls, classes, areas: all first, most detections: 100 last)
        precisions = coco_eval.eval["precision"][:, :, :, 0, -1]
        known = [n for n in range(precisions.shape[2]) if (precisions[:, :, n] > -1).any()]
        results[CLASSES] = {
            "AP": {n: 100 * float(precisions[:, :, n].mean()) for n in known},
            "AP50": {n: 100 * float(precisions[0, :, n].mean()) for n in known},
        }
        return results
