"""How well an engine names what prompts lack: by kind, by phrase, and whether it speaks up at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devrouter.core.answered import content_words
from devrouter.core.draft import Destination
from devrouter.core.gaps import GapKind
from devrouter.evaluation.labels import Score, Share, score, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devrouter.evaluation.rows import GoldRow, Missing, RowAnswer

_AUDIENCES = {"all": set(Destination), "chat": {Destination.CHAT}, "agent": {Destination.AGENT}}


@dataclass(frozen=True, slots=True)
class GapMeasures:
    """`kinds` and their `micro` average compare the sets of kinds of each row, `phrases` the phrases.

    `false_alarms` is the share of rows with nothing missing where something was named, `silence` that of rows
    with something missing where nothing was: of `all` rows, those for a `chat` and those for an `agent`.
    """

    kinds: Mapping[str, Score]
    micro: Score
    phrases: Score
    false_alarms: Mapping[str, Share]
    silence: Mapping[str, Share]


def gap_measures(rows: Sequence[GoldRow], answers: Sequence[RowAnswer]) -> GapMeasures:
    """All about gaps. A decision that is not valid names none; it is both a false alarm and silence."""
    gold = [row.missing for row in rows]
    named = [answer.gaps if answer.decision else () for answer in answers]
    kinds, micro = _kind_scores(gold, named)
    false_alarms, silence = {}, {}
    for audience, destinations in _AUDIENCES.items():
        of_it = [
            (row.missing, gaps, answer.decision is None)
            for row, gaps, answer in zip(rows, named, answers, strict=True)
            if row.destination in destinations
        ]
        alarms = [invalid or bool(gaps) for missing, gaps, invalid in of_it if not missing]
        silent = [invalid or not gaps for missing, gaps, invalid in of_it if missing]
        false_alarms[audience] = share(sum(alarms), len(alarms))
        silence[audience] = share(sum(silent), len(silent))
    return GapMeasures(kinds, micro, _phrase_score(gold, named), false_alarms, silence)


def matched_phrases(gold: Sequence[Missing], named: Sequence[Missing]) -> int:
    """How many of the named phrases the gold has: each takes the first of its matches that is still free."""
    free = list(gold)
    for item in named:
        match = next((wanted for wanted in free if _is_match(wanted, item)), None)
        if match is not None:
            free.remove(match)
    return len(gold) - len(free)


def _is_match(wanted: Missing, named: Missing) -> bool:
    """The same kind, and half the content words of the phrase that has fewer of them.

    A phrase without any, such as "full error message", says its kind and no more: it matches another such.
    """
    if wanted.kind is not named.kind:
        return False
    first, second = ({word.lower() for word in content_words(item.phrase)} for item in (wanted, named))
    if not first or not second:
        return not first and not second
    return 2 * len(first & second) >= min(len(first), len(second))


def _kind_scores(
    gold: Sequence[Sequence[Missing]], named: Sequence[Sequence[Missing]]
) -> tuple[dict[str, Score], Score]:
    import numpy as np
    from sklearn.metrics import precision_recall_fscore_support

    def indicators(gaps: Sequence[Sequence[Missing]]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        """Which kinds each row has: [rows, kinds]."""
        return np.array([[any(item.kind is kind for item in row) for kind in GapKind] for row in gaps])

    wanted, got = indicators(gold), indicators(named)
    each = precision_recall_fscore_support(wanted, got, average=None, zero_division=0)
    kinds = {kind.value: score(*column) for kind, *column in zip(GapKind, *each, strict=True)}
    precision, recall, f1, _ = precision_recall_fscore_support(wanted, got, average="micro", zero_division=0)
    return kinds, score(precision, recall, f1, wanted.sum())


def _phrase_score(gold: Sequence[Sequence[Missing]], named: Sequence[Sequence[Missing]]) -> Score:
    matched = sum(map(matched_phrases, gold, named))
    wanted, got = sum(map(len, gold)), sum(map(len, named))
    return Score(
        precision=matched / got if got else 0.0,
        recall=matched / wanted if wanted else 0.0,
        f1=2 * matched / (wanted + got) if wanted + got else 0.0,
        support=wanted,
    )
