"""The model behind the instant engine: a linear half and an encoder, mixed as the calibration says.

The linear half sees every word, pair of words and the shape of the draft; the encoder knows what words mean.
Each is right where the other errs, and together they beat either by some points.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devrouter.engines.instant import encoder, linear
from devrouter.engines.instant.features import extract

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devrouter.engines.instant.features import Parts

CALIBRATION = "calibration.json"
PACKAGED = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Head:
    """One question of the model: its labels, the columns of their scores, and how the halves are mixed.

    An exclusive head gives probabilities that sum to one (softmax); of another, each label has its own
    (sigmoid).
    """

    labels: tuple[str, ...]
    exclusive: bool
    start: int
    linear: float
    encoder: float
    biases: tuple[float, ...]

    def probabilities(
        self, linear_scores: Sequence[float], encoder_scores: Sequence[float]
    ) -> dict[str, float]:
        """Calibrated probabilities by label, from the scores of all columns."""
        columns = slice(self.start, self.start + len(self.labels))
        scores = [
            self.linear * from_linear + self.encoder * from_encoder + bias
            for from_linear, from_encoder, bias in zip(
                linear_scores[columns], encoder_scores[columns], self.biases, strict=True
            )
        ]
        if not self.exclusive:
            return dict(zip(self.labels, map(_sigmoid, scores), strict=True))
        highest = max(scores)
        weights = [math.exp(score - highest) for score in scores]
        total = sum(weights)
        return {label: weight / total for label, weight in zip(self.labels, weights, strict=True)}


class Model:
    """Both halves and the calibration, from one folder.

    Raises `OSError` where a file is not there, and `ValueError` where one is damaged.
    """

    def __init__(self, folder: Path = PACKAGED) -> None:
        contents = [(folder / name).read_bytes() for name in (CALIBRATION, linear.WEIGHTS, encoder.WEIGHTS)]
        try:
            calibration: dict[str, Any] = json.loads(contents[0])
            self._linear = linear.LinearModel(contents[1])
            self._encoder = encoder.Encoder(contents[2])
            self.heads = _heads(calibration["heads"])
            self.thresholds: Mapping[str, float] = calibration["thresholds"]
        except KeyError as error:
            raise ValueError(f"{folder}: a file of the model does not say its {error}") from None
        self.version = sha256(b"".join(sha256(content).digest() for content in contents)).hexdigest()[:8]
        """The first digits of a hash over all three files."""

    def probabilities(self, parts: Parts, length: int) -> dict[str, dict[str, float]]:
        """For each head, by name, the probability of each label, of a draft of `length` characters."""
        linear_scores = self._linear.scores(extract(parts, length))
        encoder_scores = self._encoder.scores(parts)
        return {name: head.probabilities(linear_scores, encoder_scores) for name, head in self.heads.items()}


def _heads(described: Iterable[Mapping[str, Any]]) -> dict[str, Head]:
    heads: dict[str, Head] = {}
    start = 0
    for item in described:
        labels = tuple(item["labels"])
        heads[item["name"]] = Head(
            labels, item["exclusive"], start, item["linear"], item["encoder"], tuple(item["biases"])
        )
        start += len(labels)
    return heads


def _sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, score))))
