"""Train the instant engine's model and write its weights file.

    python -m venv train && train/bin/pip install scikit-learn && train/bin/pip install -e .
    train/bin/python scripts/train/instant.py data/written.jsonl

Each argument is a JSONL file with rows {"id", "text", "intent", "complexity", "route", "missing": [{"phrase",
"kind"}]} and, where several rows belong together, "group". Rows of one group never stand on both sides of a
split. Temperatures and thresholds are chosen on out-of-fold predictions, the weights are then fitted on all
rows. The same rows give the same file. `--holdout FILE` prints the figures on rows used for nothing else.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from devrouter.core.decision import Complexity, Intent
from devrouter.core.gaps import GapKind
from devrouter.core.tiers import Route
from devrouter.engines.instant import model as instant_model
from devrouter.engines.instant.features import extract, shortened, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from devrouter.engines.instant.features import Features

Row = dict[str, Any]

COMPLETE = "complete"
HEADS: dict[str, tuple[str, ...]] = {
    "intent": tuple(Intent),
    "complexity": tuple(Complexity),
    "route": tuple(Route),
    "gaps": tuple(GapKind),
    COMPLETE: (COMPLETE,),
}
EXCLUSIVE = ("intent", "complexity", "route")

# What it costs to call work of the outer tier by the inner one: a wrong answer costs more than a token.
ROUTE_COSTS: dict[str, dict[str, float]] = {
    "small_local": {"small_local": 0, "medium_api": 1, "large_api": 2},
    "medium_api": {"small_local": 1.25, "medium_api": 0, "large_api": 1},
    "large_api": {"small_local": 8, "medium_api": 2, "large_api": 0},
}
BLOCK_SCALES = {"prose": 1.5, "code": 0.5, "shape": 2.0}
REGULARISATION = 2.0
MINIMUM_COUNT = 2
FOLDS = 5
FALSE_ALARMS = 0.10


@dataclass(frozen=True)
class Fit:
    """A fitted model: hashes of the features, ascending; weights [features, columns], biases [columns]."""

    hashes: NDArray[np.uint32]
    weights: NDArray[np.float64]
    biases: NDArray[np.float64]

    def scores(self, features: Sequence[Features]) -> NDArray[np.float64]:
        """Raw scores [rows, columns]."""
        scores: NDArray[np.float64] = _matrix(features, self.hashes) @ self.weights + self.biases
        return scores


def main() -> None:
    options = _arguments()
    rows = [row for path in options.files for row in read_rows(path)]
    features = features_of(rows)
    gold = targets(rows)
    scores = out_of_fold(rows, features, gold)
    temperatures = fit_temperatures(scores, gold)
    thresholds = fit_thresholds(probabilities(scores, temperatures), gold)
    report("out of fold", probabilities(scores, temperatures), gold, thresholds)
    fit = fit_model(features, gold)
    data = pack(fit, temperatures, thresholds)
    options.output.write_bytes(data)
    print(f"{options.output}: {len(fit.hashes)} features, {len(data)} bytes")
    if options.holdout:
        held = [row for path in options.holdout for row in read_rows(path)]
        held_scores = fit.scores(features_of(held))
        report("holdout", probabilities(held_scores, temperatures), targets(held), thresholds)


def read_rows(path: Path) -> list[Row]:
    """The rows of a JSONL file; a row without a group is a group of its own."""
    with path.open(encoding="utf-8") as lines:
        rows: list[Row] = [json.loads(line) for line in lines]
    return [{**row, "group": row.get("group", row["id"])} for row in rows]


def features_of(rows: Sequence[Row]) -> list[Features]:
    return [extract(split(shortened(row["text"])), len(row["text"])) for row in rows]


def targets(rows: Sequence[Row]) -> dict[str, NDArray[np.int64]]:
    """Gold by head: a label index [rows] for an exclusive head, else ones and zeros [rows, labels]."""
    gold = {name: np.array([HEADS[name].index(row[name]) for row in rows]) for name in EXCLUSIVE}
    kinds = [{item["kind"] for item in row["missing"]} for row in rows]
    gold["gaps"] = np.array([[kind in present for kind in HEADS["gaps"]] for present in kinds], dtype=int)
    gold[COMPLETE] = np.array([[not present] for present in kinds], dtype=int)
    return gold


def fit_model(features: Sequence[Features], gold: dict[str, NDArray[np.int64]]) -> Fit:
    """One logistic regression for each head on inverse-document-frequency weighted levels."""
    seen = Counter(key for item in features for _, levels, _ in instant_model.blocks(item) for key in levels)
    hashes = np.array(sorted(key for key, count in seen.items() if count >= MINIMUM_COUNT), dtype=np.uint32)
    frequency = np.array([math.log((1 + len(features)) / (1 + seen[int(key)])) + 1 for key in hashes])
    matrix = _matrix(features, hashes).multiply(frequency).tocsr()
    columns, biases = [], []
    for name in HEADS:
        each = [gold[name]] if name in EXCLUSIVE else list(gold[name].T)
        for wanted in each:
            fitted = LogisticRegression(C=REGULARISATION, max_iter=400).fit(matrix, wanted)
            columns.append(fitted.coef_.T * frequency[:, None])
            biases.append(fitted.intercept_)
    return Fit(hashes, np.hstack(columns), np.concatenate(biases))


def out_of_fold(
    rows: Sequence[Row], features: Sequence[Features], gold: dict[str, NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Scores [rows, columns], each from a model that saw no row of the same group."""
    fold = np.array([crc32(str(row["group"]).encode()) % FOLDS for row in rows])
    scores = np.zeros((len(rows), sum(map(len, HEADS.values()))))
    for held in range(FOLDS):
        train, test = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        fit = fit_model(_take(features, train), {name: values[train] for name, values in gold.items()})
        scores[test] = fit.scores(_take(features, test))
    return scores


def fit_temperatures(scores: NDArray[np.float64], gold: dict[str, NDArray[np.int64]]) -> dict[str, float]:
    """The temperature with the least log loss for each head (Guo et al. 2017, On Calibration)."""

    def loss(name: str, temperature: float) -> float:
        mine = probabilities(scores, dict.fromkeys(HEADS, temperature))[name]
        if name in EXCLUSIVE:
            return float(-np.log(mine[np.arange(len(mine)), gold[name]]).mean())
        return float(-np.log(np.where(gold[name] == 1, mine, 1 - mine)).mean())

    return {
        name: round(
            float(minimize_scalar(lambda t, n=name: loss(n, t), bounds=(0.3, 4), method="bounded").x), 3
        )
        for name in HEADS
    }


def fit_thresholds(
    predicted: dict[str, NDArray[np.float64]], gold: dict[str, NDArray[np.int64]]
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
        candidates = [step / 100 for step in range(20, 60, 2)]
        thresholds[kind] = max(candidates, key=lambda t: f1_score(wanted, mine >= t, zero_division=0))
    return thresholds


def probabilities(
    scores: NDArray[np.float64], temperatures: dict[str, float]
) -> dict[str, NDArray[np.float64]]:
    """Probabilities [rows, labels] by head."""
    result: dict[str, NDArray[np.float64]] = {}
    start = 0
    for name, labels in HEADS.items():
        mine = scores[:, start : start + len(labels)] / temperatures[name]
        start += len(labels)
        if name in EXCLUSIVE:
            mine = np.exp(mine - mine.max(axis=1, keepdims=True))
            result[name] = mine / mine.sum(axis=1, keepdims=True)
        else:
            result[name] = 1 / (1 + np.exp(-mine))
    return result


def pack(fit: Fit, temperatures: dict[str, float], thresholds: dict[str, float]) -> bytes:
    """The weights file, as `devrouter.engines.instant.model` reads it."""
    scales = np.abs(fit.weights).max(axis=0) / 127
    header = {
        "features": len(fit.hashes),
        "heads": [
            {
                "name": name,
                "labels": labels,
                "exclusive": name in EXCLUSIVE,
                "temperature": temperatures[name],
            }
            for name, labels in HEADS.items()
        ],
        "block_scales": BLOCK_SCALES,
        "scales": [float(f"{scale:.6g}") for scale in scales],
        "biases": [float(f"{bias:.6g}") for bias in fit.biases],
        "thresholds": thresholds,
        "route_costs": ROUTE_COSTS,
    }
    rows = np.rint(fit.weights / scales).astype(np.int8)
    return b"".join((json.dumps(header).encode(), b"\n", fit.hashes.astype("<u4").tobytes(), rows.tobytes()))


def report(
    title: str,
    predicted: dict[str, NDArray[np.float64]],
    gold: dict[str, NDArray[np.int64]],
    thresholds: dict[str, float],
) -> None:
    """Print accuracy by head, the routing errors that cost most, and how gaps are called."""
    called = predicted["route"] @ np.array([list(ROUTE_COSTS[tier].values()) for tier in HEADS["route"]])
    route = called.argmin(axis=1)
    print(f"{title}: {len(route)} rows")
    for name in ("intent", "complexity"):
        label = predicted[name].argmax(axis=1)
        macro = f1_score(gold[name], label, average="macro")
        print(f"  {name:<11} accuracy {np.mean(label == gold[name]):.3f}  macro-F1 {macro:.3f}")
    large = gold["route"] == HEADS["route"].index("large_api")
    print(
        f"  route       accuracy {np.mean(route == gold['route']):.3f}  "
        f"large called small {np.sum(route[large] == 0)} of {large.sum()}, "
        f"too small {np.mean(route < gold['route']):.3f}"
    )
    spoken = predicted[COMPLETE][:, 0] < thresholds[COMPLETE]
    named = (predicted["gaps"] >= [thresholds[kind] for kind in HEADS["gaps"]]) & spoken[:, None]
    complete = gold[COMPLETE][:, 0] == 1
    silent = np.count_nonzero(named, axis=1) == 0
    print(
        f"  gap kinds   F1 {f1_score(gold['gaps'], named, average='micro', zero_division=0):.3f}  "
        f"false alarms {1 - np.mean(silent[complete]):.3f}  silence {np.mean(silent[~complete]):.3f}"
    )


def _matrix(features: Sequence[Features], hashes: NDArray[np.uint32]) -> csr_matrix:
    """Levels by feature [rows, features], each block at unit length times its scale."""
    column = {int(key): index for index, key in enumerate(hashes)}
    values: list[float] = []
    indices: list[int] = []
    ends = [0]
    for item in features:
        for block, levels, norm in instant_model.blocks(item):
            for key, level in levels.items():
                if key in column:
                    indices.append(column[key])
                    values.append(level * BLOCK_SCALES[block] / norm)
        ends.append(len(indices))
    return csr_matrix((values, indices, ends), shape=(len(features), len(hashes)))


def _take(features: Sequence[Features], indices: Iterable[int]) -> list[Features]:
    return [features[index] for index in indices]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--holdout", nargs="*", type=Path)
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(instant_model.__file__).parent / instant_model.WEIGHTS,
        help="default: the file inside the package",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
