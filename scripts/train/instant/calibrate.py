"""How the two halves are mixed, how sure they are, and how sure is sure enough: all from validation rows.

What comes out is `calibration.json` in the package, which `devrouter.engines.instant.model` reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rows import COMPLETE, EXCLUSIVE, HEADS, columns, gold_of, readings_of
from scipy.optimize import minimize
from sklearn.metrics import f1_score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from rows import Row

FALSE_ALARMS = 0.07
"""Of the drafts that miss nothing, the share that may be found fault with."""
BIAS_SHRINKAGE = 2.0
FEWEST = 20
"""Drafts with a kind of gap, under which its threshold is not fitted."""


def calibrate(
    linear: NDArray[np.float64], encoder: NDArray[np.float32], rows: Sequence[Row]
) -> dict[str, Any]:
    """The calibration from both halves' scores [rows, columns] on rows that neither was fitted on.

    A row that two readers labelled stands for two.
    """
    again = [*range(len(rows)), *(index for index, row in enumerate(rows) if "second" in row)]
    linear, encoder = linear[again], encoder[again]
    gold, where = gold_of(readings_of(rows)), columns()
    heads = []
    for name, labels in HEADS.items():
        mix = fit_mix(
            linear[:, where[name]], encoder[:, where[name]], gold[name], exclusive=name in EXCLUSIVE
        )
        heads.append({"name": name, "labels": labels, "exclusive": name in EXCLUSIVE, **mix})
    predicted = mixed(heads, linear, encoder)
    return {"heads": heads, "thresholds": fit_thresholds(predicted, gold)}


def fit_mix(
    linear: NDArray[np.float64], encoder: NDArray[np.float32], gold: NDArray[np.int64], *, exclusive: bool
) -> dict[str, Any]:
    """The weight of each half and a bias a label with the least log loss (Platt 1999, Guo et al. 2017)."""

    def loss(values: NDArray[np.float64]) -> float:
        scores = values[0] * linear + values[1] * encoder + values[2:]
        if exclusive:
            scores = scores - scores.max(axis=1, keepdims=True)
            likelihood = scores[np.arange(len(gold)), gold] - np.log(np.exp(scores).sum(axis=1))
        else:
            likelihood = -np.logaddexp(0, np.where(gold == 1, -scores, scores)).sum(axis=1)
        return float(-likelihood.mean() + BIAS_SHRINKAGE * (values[2:] ** 2).sum() / len(gold))

    start = np.concatenate([[0.5, 0.5], np.zeros(linear.shape[1])])
    bounds = [(0.0, 3.0)] * 2 + [(-1.5, 1.5)] * linear.shape[1]
    found = minimize(loss, start, bounds=bounds, method="L-BFGS-B").x
    return {
        "linear": round(float(found[0]), 4),
        "encoder": round(float(found[1]), 4),
        "biases": [round(float(value), 4) for value in found[2:]],
    }


def mixed(
    heads: Sequence[Mapping[str, Any]], linear: NDArray[np.float64], encoder: NDArray[np.float32]
) -> dict[str, NDArray[np.float64]]:
    """Probabilities [rows, labels] by head."""
    result: dict[str, NDArray[np.float64]] = {}
    for head, where in zip(heads, columns().values(), strict=True):
        scores = head["linear"] * linear[:, where] + head["encoder"] * encoder[:, where] + head["biases"]
        if head["exclusive"]:
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
            result[head["name"]] = scores / scores.sum(axis=1, keepdims=True)
        else:
            result[head["name"]] = 1 / (1 + np.exp(-scores))
    return result


def fit_thresholds(
    predicted: Mapping[str, NDArray[np.float64]], gold: Mapping[str, NDArray[np.int64]]
) -> dict[str, float]:
    """How sure of "complete" silences a draft, and how sure of a kind it takes to name it.

    The first keeps false alarms on complete drafts under `FALSE_ALARMS`; the others give the best F1 of each
    kind among the drafts that are then not silent.
    """
    complete = gold[COMPLETE][:, 0] == 1
    sure = predicted[COMPLETE][:, 0]
    thresholds = {COMPLETE: round(float(np.quantile(sure[complete], FALSE_ALARMS)), 4)}
    spoken = sure < thresholds[COMPLETE]
    for index, kind in enumerate(HEADS["gaps"]):
        wanted, mine = gold["gaps"][spoken, index], predicted["gaps"][spoken, index]
        thresholds[kind] = _best_threshold(wanted, mine)
    return thresholds


def _best_threshold(wanted: NDArray[np.int64], sure: NDArray[np.float64]) -> float:
    """The highest threshold with the best F1; one half where there is too little to choose it by."""
    if wanted.sum() < FEWEST:
        return 0.5
    candidates = [step / 100 for step in range(10, 61, 2)]
    return max(reversed(candidates), key=lambda t: f1_score(wanted, sure >= t, zero_division=0))
