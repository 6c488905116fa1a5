"""What answers are worth, against the labels of their rows.

A decision that is not valid counts as wrong in every measure: it is right in no field, names no gap, is a
false alarm where nothing is missing and silence where something is, and routes as badly as can be.
Where rows and answers are given together, they are of the same length and in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from devrouter.core.tiers import MISROUTE_COSTS, Route
from devrouter.evaluation.gaps import GapMeasures, gap_measures
from devrouter.evaluation.labels import (
    INVALID,
    VALUES,
    LabelMeasures,
    Share,
    called_of,
    gold_of,
    label_measures,
    share,
)
from devrouter.evaluation.rows import LABELS, Label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devrouter.evaluation.rows import GoldRow, RowAnswer

BINS = 10


@dataclass(frozen=True, slots=True)
class RouteMeasures:
    """What wrong routes cost: the mean of a row by `MISROUTE_COSTS`, and the worst case by itself.

    `large_called_small` is of the rows labelled `large_api`; a decision that is not valid counts among them.
    """

    mean_cost: float
    large_called_small: Share


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers with a confidence from `low` to under `high`; the means are None where there are none."""

    low: float
    high: float
    count: int
    mean_confidence: float | None
    share_right: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """`error` is the expected calibration error: how far confidence is from being right, by bin."""

    error: float
    count: int
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles, in milliseconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Measures:
    """Everything about one engine's answers. `calibration` lacks what the engine gave no confidence for."""

    valid: Share
    labels: Mapping[Label, LabelMeasures]
    route: RouteMeasures
    gaps: GapMeasures
    calibration: Mapping[Label, Calibration]
    latency: Latency


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two engines in one field: the second's accuracy less the first's, and McNemar's exact p value."""

    difference: float
    only_first_right: int
    only_second_right: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Robustness:
    """Labels after the text was changed: those that stayed, those that are right, and were right before."""

    rows: int
    same: Mapping[Label, Share]
    accuracy: Mapping[Label, Share]
    accuracy_before: Mapping[Label, Share]


def measure(rows: Sequence[GoldRow], answers: Sequence[RowAnswer]) -> Measures:
    """All measures of one engine."""
    gold = {field: [gold_of(row, field) for row in rows] for field in LABELS}
    called = {field: [called_of(answer, field) for answer in answers] for field in LABELS}
    return Measures(
        valid=share(sum(answer.decision is not None for answer in answers), len(answers)),
        labels={field: label_measures(gold[field], called[field], VALUES[field]) for field in LABELS},
        route=route_measures(gold["route"], called["route"]),
        gaps=gap_measures(rows, answers),
        calibration=_calibrations(rows, answers),
        latency=latency([answer.milliseconds for answer in answers]),
    )


def route_measures(gold: Sequence[str], called: Sequence[str]) -> RouteMeasures:
    """Routes as they should be and as they were called, the latter perhaps `INVALID`."""
    pairs = [(Route(wanted), got) for wanted, got in zip(gold, called, strict=True)]
    of_large = [got for wanted, got in pairs if wanted is Route.LARGE_API]
    return RouteMeasures(
        mean_cost=sum(_cost(wanted, got) for wanted, got in pairs) / len(pairs),
        large_called_small=share(sum(got in {Route.SMALL_LOCAL, INVALID} for got in of_large), len(of_large)),
    )


def calibration(confidences: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Confidences from 0 to 1 against being right, in `BINS` bins of equal width."""
    members: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for confidence, is_right in zip(confidences, right, strict=True):
        members[min(int(confidence * BINS), BINS - 1)].append((confidence, is_right))
    bins, error = [], 0.0
    for number, each in enumerate(members):
        mean = sum(confidence for confidence, _ in each) / len(each) if each else None
        share_right = sum(is_right for _, is_right in each) / len(each) if each else None
        if mean is not None and share_right is not None:
            error += abs(mean - share_right) * len(each) / len(confidences)
        bins.append(Bin(number / BINS, (number + 1) / BINS, len(each), mean, share_right))
    return Calibration(error, len(confidences), tuple(bins))


def latency(milliseconds: Sequence[float]) -> Latency:
    """Failed calls count too: their caller waited as well."""
    import numpy as np

    return Latency(*(float(value) for value in np.percentile(milliseconds, [50, 95, 99])))


def compare(
    rows: Sequence[GoldRow], first: Sequence[RowAnswer], second: Sequence[RowAnswer]
) -> dict[Label, Comparison]:
    """Two engines on the same rows, paired, field by field."""
    return {field: mcnemar(_right(rows, first, field), _right(rows, second, field)) for field in LABELS}


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> Comparison:
    """Which rows each got right, in pairs: only those count that one of the two got right."""
    from scipy.stats import binomtest

    only_first = sum(a and not b for a, b in zip(first, second, strict=True))
    only_second = sum(b and not a for a, b in zip(first, second, strict=True))
    discordant = only_first + only_second
    p_value = float(binomtest(only_first, discordant, 0.5).pvalue) if discordant else 1.0
    return Comparison((only_second - only_first) / len(first), only_first, only_second, p_value)


def difference_interval(compared: Comparison, total: int, confidence: float) -> tuple[float, float]:
    """Tango's score interval of `compared.difference`, for `total` pairs.

    It holds for few rows and for none that differ, where an interval by the normal distribution has no width.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    gained, lost = compared.only_second_right, compared.only_first_right
    quantile = float(norm.ppf(0.5 + confidence / 2))

    def score(difference: float) -> float:
        """How many standard deviations the pairs lie above such a difference, were it the true one."""
        linear = (2 * total - gained + lost) * difference - gained - lost
        constant = -lost * difference * (1 - difference)
        share_lost = (sqrt(max(0.0, linear**2 - 8 * total * constant)) - linear) / (4 * total)
        variance = total * (2 * share_lost + difference * (1 - difference))
        return (gained - lost - total * difference) / sqrt(variance) if variance > 0 else 0.0

    seen, edge = compared.difference, 1 - 1e-12
    low = brentq(lambda value: score(value) - quantile, -edge, seen) if lost < total else -1.0
    high = brentq(lambda value: score(value) + quantile, seen, edge) if gained < total else 1.0
    return float(low), float(high)


def robustness(
    rows: Sequence[GoldRow], before: Sequence[RowAnswer], after: Sequence[RowAnswer]
) -> Robustness:
    """Answers to the rows as they were and as they were changed. What is not valid is never the same."""
    same = {
        field: sum(
            called_of(one, field) == called_of(other, field) != INVALID
            for one, other in zip(before, after, strict=True)
        )
        for field in LABELS
    }
    return Robustness(
        rows=len(rows),
        same={field: share(count, len(rows)) for field, count in same.items()},
        accuracy={field: share(sum(_right(rows, after, field)), len(rows)) for field in LABELS},
        accuracy_before={field: share(sum(_right(rows, before, field)), len(rows)) for field in LABELS},
    )


def _right(rows: Sequence[GoldRow], answers: Sequence[RowAnswer], field: Label) -> list[bool]:
    return [
        gold_of(row, field) == called_of(answer, field) for row, answer in zip(rows, answers, strict=True)
    ]


def _cost(wanted: Route, called: str) -> float:
    costs = MISROUTE_COSTS[wanted]
    return max(costs.values()) if called == INVALID else costs[Route(called)]


def _calibrations(rows: Sequence[GoldRow], answers: Sequence[RowAnswer]) -> dict[Label, Calibration]:
    """By field; an answer counts where it gives a confidence, so one that is not valid never does."""
    given = {
        field: [
            (answer.confidence[field], gold_of(row, field) == called_of(answer, field))
            for row, answer in zip(rows, answers, strict=True)
            if answer.decision is not None and field in answer.confidence
        ]
        for field in LABELS
    }
    return {field: calibration(*zip(*pairs, strict=True)) for field, pairs in given.items() if pairs}
