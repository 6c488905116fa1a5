"""Labels against labels: shares with their intervals, and how well each label is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devrouter.core.decision import Complexity, Intent, Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devrouter.core.decision import Decision
    from devrouter.evaluation.rows import GoldRow, Label, RowAnswer

INVALID = "invalid"
"""What stands for the label of a decision that is not valid."""

VALUES: Mapping[Label, tuple[str, ...]] = {
    "intent": tuple(value.value for value in Intent),
    "complexity": tuple(value.value for value in Complexity),
    "route": tuple(value.value for value in Route),
}


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `total`, and the 95 % Wilson interval of that share; None where `total` is 0."""

    count: int
    total: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """How well one label is found, from 0 to 1, and 0 where undefined. `support` counts it in the gold."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """`counts[i][j]` rows labelled `gold[i]` were called `called[j]`, of which the last is `INVALID`."""

    gold: tuple[str, ...]
    called: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class LabelMeasures:
    """One field. `macro_f1` is the mean over the labels that the gold has."""

    accuracy: Share
    macro_f1: float
    scores: Mapping[str, Score]
    confusion: Confusion


def gold_of(row: GoldRow, field: Label) -> str:
    """The label that the row should have."""
    return _value(row, field)


def called_of(answer: RowAnswer, field: Label) -> str:
    """The label that the engine gave, or `INVALID`."""
    return INVALID if answer.decision is None else _value(answer.decision, field)


def share(count: int, total: int) -> Share:
    """The share with its interval, which holds for few rows and near 0 and 1, unlike the normal one."""
    from scipy.stats import binomtest

    if not total:
        return Share(0, 0, None, None, None)
    interval = binomtest(count, total).proportion_ci(confidence_level=0.95, method="wilson")
    return Share(count, total, count / total, float(interval.low), float(interval.high))


def label_measures(gold: Sequence[str], called: Sequence[str], values: Sequence[str]) -> LabelMeasures:
    """One field of all rows; `values` are its labels, to which `called` may add `INVALID`."""
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    found = precision_recall_fscore_support(gold, called, labels=values, zero_division=0)
    scores = {value: score(*each) for value, *each in zip(values, *found, strict=True)}
    present = [each.f1 for each in scores.values() if each.support]
    columns = (*values, INVALID)
    counts = confusion_matrix(gold, called, labels=columns)[: len(values)]
    return LabelMeasures(
        accuracy=share(sum(wanted == got for wanted, got in zip(gold, called, strict=True)), len(gold)),
        macro_f1=sum(present) / len(present),
        scores=scores,
        confusion=Confusion(tuple(values), columns, tuple(tuple(map(int, row)) for row in counts)),
    )


def score(precision: float, recall: float, f1: float, support: int) -> Score:
    """A score of what may be numpy's numbers, which JSON does not know."""
    return Score(float(precision), float(recall), float(f1), int(support))


def _value(labelled: GoldRow | Decision, field: Label) -> str:
    label: Intent | Complexity | Route = getattr(labelled, field)
    return label.value
