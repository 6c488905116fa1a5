"""The linear half of the instant engine: one logistic regression for each head, packed into eight bits."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rows import EXCLUSIVE, HEADS, gold_of, readings_of
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from devrouter.engines.instant.features import extract, shortened, split
from devrouter.engines.instant.linear import blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from rows import Row

    from devrouter.engines.instant.features import Features

BLOCK_SCALES = {"prose": 1.5, "code": 0.5, "shape": 2.0}
REGULARISATION = 4.0
MINIMUM_COUNT = 2


@dataclass(frozen=True)
class Fit:
    """A fitted model: hashes of the features, ascending; weights [features, columns], biases [columns]."""

    hashes: NDArray[np.uint32]
    weights: NDArray[np.float64]
    biases: NDArray[np.float64]

    def scores(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """Raw scores [rows, columns]."""
        scores: NDArray[np.float64] = _matrix(features_of(rows), self.hashes) @ self.weights + self.biases
        return scores


def fit_linear(rows: Sequence[Row]) -> Fit:
    """Fit all heads on inverse-document-frequency weighted levels; of two readers each counts half."""
    readings = readings_of(rows)
    weights = np.array([0.5 if "second" in row else 1.0 for row in readings])
    features, gold = features_of(readings), gold_of(readings)
    once = features[: len(rows)]
    seen = Counter(key for item in once for _, levels, _ in blocks(item) for key in levels)
    hashes = np.array(sorted(key for key, count in seen.items() if count >= MINIMUM_COUNT), dtype=np.uint32)
    frequency = np.array([math.log((1 + len(once)) / (1 + seen[int(key)])) + 1 for key in hashes])
    matrix = _matrix(features, hashes).multiply(frequency).tocsr()
    columns, biases = [], []
    for name in HEADS:
        each = [gold[name]] if name in EXCLUSIVE else list(gold[name].T)
        for wanted in each:
            fitted = LogisticRegression(C=REGULARISATION, max_iter=400).fit(matrix, wanted, weights)
            columns.append(fitted.coef_.T * frequency[:, None])
            biases.append(fitted.intercept_)
    return Fit(hashes, np.hstack(columns), np.concatenate(biases))


def pack_linear(fit: Fit) -> bytes:
    """The weights file, as `devrouter.engines.instant.linear` reads it."""
    scales = np.abs(fit.weights).max(axis=0) / 127
    header = {
        "features": len(fit.hashes),
        "block_scales": BLOCK_SCALES,
        "scales": [float(f"{scale:.6g}") for scale in scales],
        "biases": [float(f"{bias:.6g}") for bias in fit.biases],
    }
    rows = np.rint(fit.weights / scales).astype(np.int8)
    return b"".join((json.dumps(header).encode(), b"\n", fit.hashes.astype("<u4").tobytes(), rows.tobytes()))


def features_of(rows: Sequence[Row]) -> list[Features]:
    return [extract(split(shortened(row["text"])), len(row["text"])) for row in rows]


def _matrix(features: Sequence[Features], hashes: NDArray[np.uint32]) -> csr_matrix:
    """Levels by feature [rows, features], each block at unit length times its scale."""
    column = {int(key): index for index, key in enumerate(hashes)}
    values: list[float] = []
    indices: list[int] = []
    ends = [0]
    for item in features:
        for block, levels, norm in blocks(item):
            for key, level in levels.items():
                if key in column:
                    indices.append(column[key])
                    values.append(level * BLOCK_SCALES[block] / norm)
        ends.append(len(indices))
    return csr_matrix((values, indices, ends), shape=(len(features), len(hashes)))
