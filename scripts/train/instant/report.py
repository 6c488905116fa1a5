"""The figures printed while an engine is trained; `devrouter eval` measures the engine itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rows import COMPLETE, HEADS, gold_of
from sklearn.metrics import f1_score

from devrouter.core.tiers import MISROUTE_COSTS, Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from rows import Row


def report(
    title: str,
    predicted: Mapping[str, NDArray[np.float64]],
    rows: Sequence[Row],
    calibration: Mapping[str, Any],
) -> None:
    """Print accuracy by head, the routing errors that cost most, and how gaps are called."""
    gold, thresholds = gold_of(rows), calibration["thresholds"]
    costs = np.array([[MISROUTE_COSTS[right][called] for called in Route] for right in Route])
    route = (predicted["route"] @ costs).argmin(axis=1)
    print(f"{title}: {len(route)} rows")
    for name in ("intent", "complexity"):
        label = predicted[name].argmax(axis=1)
        macro = f1_score(gold[name], label, average="macro")
        print(f"  {name:<11} accuracy {np.mean(label == gold[name]):.3f}  macro-F1 {macro:.3f}")
    large = gold["route"] == HEADS["route"].index(Route.LARGE_API)
    print(
        f"  route       accuracy {np.mean(route == gold['route']):.3f}  "
        f"likeliest {np.mean(predicted['route'].argmax(axis=1) == gold['route']):.3f}  "
        f"large called small {np.sum(route[large] == 0)} of {large.sum()}"
    )
    spoken = predicted[COMPLETE][:, 0] < thresholds[COMPLETE]
    named = (predicted["gaps"] >= [thresholds[kind] for kind in HEADS["gaps"]]) & spoken[:, None]
    complete = gold[COMPLETE][:, 0] == 1
    silent = np.count_nonzero(named, axis=1) == 0
    print(
        f"  gap kinds   F1 {f1_score(gold['gaps'], named, average='micro', zero_division=0):.3f}  "
        f"false alarms {1 - np.mean(silent[complete]):.3f}  silence {np.mean(silent[~complete]):.3f}"
    )
