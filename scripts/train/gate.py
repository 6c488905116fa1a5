"""The rule by which an export is let through or refused, and the tables that show it.

Four figures are judged, each where it counts: whether the reply is a valid decision where nothing holds the
model to one (`free`), and whether intent, complexity and route are right where the schema does
(`constrained`), as DevRouter asks it. Each is compared with F16's on the same rows, in pairs. With so much
confidence as is asked for the true difference lies in an interval, and

- the figure *passes* where the whole interval lies above -margin: it is shown not to have fallen further;
- it *refuses* the export where the whole interval lies below -margin: it is shown to have;
- else it is *undecided*: these rows cannot tell, and more of them are needed.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads it)
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING

from devrouter.evaluation.labels import Share, called_of, gold_of, share
from devrouter.evaluation.measures import Comparison, difference_interval, mcnemar
from devrouter.evaluation.report import percent, shown, table
from devrouter.evaluation.rows import LABELS, Label
from train.asked import Mode  # noqa: TC001  (pydantic reads it)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from train.asked import Answered
    from train.config import ValidateSettings

VALID = "valid"
FIGURES: tuple[str, ...] = (VALID, *LABELS)


class Verdict(StrEnum):
    """From the worst to the best: an export is what the worst of its figures is."""

    REFUSED = "refused"
    UNDECIDED = "undecided"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Judged:
    """One figure of an export against F16's, on the same rows; `low` to `high` is the difference's interval.

    `rows_to_tell` is about how many rows can tell, where these cannot; None where they lie on the margin.
    """

    figure: str
    mode: Mode
    reference: Share
    export: Share
    compared: Comparison
    low: float
    high: float
    verdict: Verdict
    rows_to_tell: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """An export: each judged figure, all figures by mode, and in how many rows it replies as F16 does."""

    quantization: str
    file: str
    sha256: str
    verdict: Verdict
    judged: tuple[Judged, ...]
    figures: Mapping[Mode, Mapping[str, Share]]
    identical: Mapping[Mode, Share]


def judge(
    reference: Mapping[Mode, Answered], export: Mapping[Mode, Answered], settings: ValidateSettings
) -> tuple[Judged, ...]:
    """The four figures of an export; both answered the same rows in both modes."""
    return tuple(
        _judged(figure, right_of(reference[mode], figure), right_of(export[mode], figure), settings)
        for figure, mode in ((figure, _mode_of(figure)) for figure in FIGURES)
    )


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    return min(verdicts, key=list(Verdict).index, default=Verdict.PASSED)


def right_of(answered: Answered, figure: str) -> list[bool]:
    """For each row, whether its reply is a valid decision, or has the label that it should have."""
    if figure == VALID:
        return [answer.decision is not None for answer in answered.answers]
    field: Label = next(label for label in LABELS if label == figure)
    return [
        called_of(answer, field) == gold_of(row, field)
        for row, answer in zip(answered.rows, answered.answers, strict=True)
    ]


def figures_of(answered: Answered) -> dict[str, Share]:
    """All figures of one mode."""
    found = {figure: right_of(answered, figure) for figure in FIGURES}
    return {figure: share(sum(right), len(right)) for figure, right in found.items()}


def identical(reference: Answered, export: Answered) -> Share:
    """In how many rows the replies are the same, letter for letter."""
    same = [one.text == other.text for one, other in zip(reference.replies, export.replies, strict=True)]
    return share(sum(same), len(same))


def _judged(
    figure: str, reference: Sequence[bool], export: Sequence[bool], settings: ValidateSettings
) -> Judged:
    rows, margin = len(reference), settings.margin
    compared = mcnemar(reference, export)
    low, high = difference_interval(compared, rows, settings.confidence)
    verdict = Verdict.UNDECIDED
    if low > -margin:
        verdict = Verdict.PASSED
    elif high < -margin:
        verdict = Verdict.REFUSED
    return Judged(
        figure,
        _mode_of(figure),
        share(sum(reference), rows),
        share(sum(export), rows),
        compared,
        low,
        high,
        verdict,
        _rows_to_tell(compared, rows, low, high, margin) if verdict is Verdict.UNDECIDED else None,
    )


def _rows_to_tell(compared: Comparison, rows: int, low: float, high: float, margin: float) -> int | None:
    """About how many rows narrow the interval until it leaves the margin out; None where it stands on it.

    Its width goes with the root of the number of rows.
    """
    distance = compared.difference + margin
    reach = compared.difference - low if distance > 0 else high - compared.difference
    return ceil(rows * (reach / distance) ** 2) if abs(distance) > reach / 30 else None


# The report


def reasons(outcome: Outcome, margin: float) -> Iterator[str]:
    """One sentence for each figure that does not pass."""
    points = f"{100 * margin:g} points"
    for judged in outcome.judged:
        said = (
            f"{_NAMES[judged.figure]} ({judged.mode}): {percent(judged.export.value)}, F16 "
            f"{percent(judged.reference.value)}, a difference of {_difference(judged)} points"
        )
        if judged.verdict is Verdict.REFUSED:
            yield f"{said}: more than {points} below"
        elif judged.verdict is Verdict.UNDECIDED:
            needed = f"about {judged.rows_to_tell:,}" if judged.rows_to_tell else "far more"
            yield f"{said}: {judged.export.total:,} rows cannot tell whether it lost {points}, {needed} can"


def table_of_verdicts(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """As Markdown: each judged figure, and in points its difference to F16's."""
    yield from table(["export", "verdict", *_NAMES.values()], map(_row_of_verdict, outcomes))


def table_of_figures(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """As Markdown: all figures in both modes, with Wilson's intervals at 95 %."""
    rows = [
        [
            outcome.quantization,
            mode,
            *(shown(figures[name]) for name in FIGURES),
            _counted(outcome.identical.get(mode)),
        ]
        for outcome in outcomes
        for mode, figures in outcome.figures.items()
    ]
    yield from table(["export", "mode", *_NAMES.values(), "same reply as F16"], rows)


_NAMES: dict[str, str] = {VALID: "valid JSON", **{label: label for label in LABELS}}
_MARKS = {Verdict.PASSED: "", Verdict.UNDECIDED: " ?", Verdict.REFUSED: " ✗"}


def _row_of_verdict(outcome: Outcome) -> list[str]:
    if not outcome.judged:
        cells = [percent(outcome.figures[_mode_of(figure)][figure].value) for figure in FIGURES]
        return [outcome.quantization, "the reference", *cells]
    cells = [
        f"{percent(judged.export.value)} ({_difference(judged)}){_MARKS[judged.verdict]}"
        for judged in outcome.judged
    ]
    return [outcome.quantization, f"**{outcome.verdict}**", *cells]


def _mode_of(figure: str) -> Mode:
    """In which mode a figure is judged."""
    return "free" if figure == VALID else "constrained"


def _counted(found: Share | None) -> str:
    return f"{found.count:,} of {found.total:,}" if found else ""


def _difference(judged: Judged) -> str:
    return f"{100 * judged.compared.difference:+.1f}; {100 * judged.low:+.1f} to {100 * judged.high:+.1f}"
