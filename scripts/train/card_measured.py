"""The parts of the model card out of answers to labelled rows: quality, by intent, beside others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devrouter.core.decision import Intent
from devrouter.core.fidelity import check_rewrite
from devrouter.evaluation.labels import called_of, gold_of, share
from devrouter.evaluation.measures import compare, measure
from devrouter.evaluation.report import percent, shown, table
from devrouter.evaluation.rows import LABELS
from train.card_evidence import NOT_MEASURED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devrouter.evaluation.labels import Share
    from devrouter.evaluation.measures import Comparison
    from devrouter.evaluation.rows import Label
    from train.card_evidence import Answers, Run

_VALID, _KINDS, _WITHHELD = "valid JSON", "kinds of missing context, F1", "rewrites that the guard withholds"
_MODES = {"free": "free", "constrained": "schema"}
_PROGRAMS = {"llama_cpp": "llama.cpp", "ollama": "Ollama", "transformers": "Transformers"}
_PUBLISHED = {
    _VALID: "94.6 to 97.3 %",
    "intent": "58.6 to 70.8 %",
    "complexity": "67.6 to 71.9 %",
    "route": "60.4 to 73.9 %",
}
"""What the card of DevRouter-1.5B says of that model (docs/evaluation.md)."""


def headline(run: Run, quantization: str) -> Iterator[str]:
    """One column a set: what a reader looks for first, of one export as DevRouter serves it."""
    columns = {}
    for name in run.sets:
        free, held = (_answers(run, name, quantization, mode) for mode in ("free", "constrained"))
        if held is not None:
            valid = dict(_figures(free))[_VALID] if free else NOT_MEASURED
            columns[name] = dict(_figures(held)) | {_VALID: valid}
    if not columns:
        yield f"Its quality is {NOT_MEASURED}."
        return
    wanted = {"prompts": "prompts", "valid JSON, nothing enforced": _VALID}
    wanted |= {name: name for name in (*LABELS, _KINDS, _WITHHELD)}
    yield from table(
        ["", *columns],
        ([title, *(column[name] for column in columns.values())] for title, name in wanted.items()),
    )


def quality(run: Run, quantization: str) -> Iterator[str]:
    """For each set every export, free and held to the schema, and the engines compared; then by intent."""
    if not run.sets:
        yield from ("", f"{NOT_MEASURED.capitalize()}.")
    for name, found in run.sets.items():
        columns = [(each, dict(_figures(each))) for each in _side_by_side(found)]
        if not columns:
            continue
        heads = [f"{each.name}, {_MODES[each.mode]}" if each.mode else each.name for each, _ in columns]
        rows = ([row, *(figures[row] for _, figures in columns)] for row in columns[0][1])
        yield from ("", f"### {name.capitalize()}", "", *table(["", *heads], rows))
        if served := _answers(run, name, quantization, "constrained"):
            others = [each for each in _side_by_side(found) if each.mode != "free" and each is not served]
            heads = ["prompts", "precision", "recall", "F1", "complexity right", "route right"]
            heads += [f"F1 of {each.name}" for each in others]
            yield from ("", f"Of {quantization}, held to the schema, by intent:", "")
            yield from table(["intent", *heads], _intents(served, others))


def beside(run: Run, quantization: str) -> Iterator[str]:
    """The served export against each engine compared, on the same prompts."""
    rows = []
    for name, found in run.sets.items():
        served = _answers(run, name, quantization, "constrained")
        for other in found:
            if served is None or other.runtime is not None:
                continue
            for field, each in _paired(served, other).items():
                difference = f"{100 * each.difference:+.1f} points"
                only = f"{each.only_second_right:,}", f"{each.only_first_right:,}"
                rows.append([name, other.name, field, difference, *only, f"{each.p_value:.2g}"])
    if rows:
        heads = ["set", "against", "field", "accuracy", "only this right", "only the other right", "p"]
        yield "In pairs, on the same prompts, by McNemar's exact test:"
        yield from ("", *table(heads, rows), "")
    yield (
        "DevRouter-1.5B, whose five fields and form this model has, was published with the figures below. "
        "They are of its own sets, other prompts with other labels: no figure above compares with them."
    )
    yield from ("", *table(["", "DevRouter-1.5B, on its own sets"], map(list, _PUBLISHED.items())))


def runtimes(run: Run) -> Iterator[str]:
    """The exports in other programs than llama.cpp, each beside it."""
    rows = []
    for name, found in run.sets.items():
        elsewhere = {(each.name, each.mode) for each in found if each.runtime in {"ollama", "transformers"}}
        for each in found:
            if each.runtime and each.mode and (each.name, each.mode) in elsewhere:
                figures = dict(_figures(each))
                served = [name, f"{each.name}, {_MODES[each.mode]}", _PROGRAMS[each.runtime]]
                rows.append([*served, *(figures[row] for row in ("prompts", _VALID, *LABELS))])
    if rows:
        yield ""
        yield from table(["set", "export", "served by", "prompts", _VALID, *LABELS], rows)


def weak_points(run: Run, quantization: str) -> Iterator[str]:
    """What a user should know of the replies to each set: one sentence, with its figures."""
    for name in run.sets:
        free, held = (_answers(run, name, quantization, mode) for mode in ("free", "constrained"))
        if held is None:
            continue
        scores = measure(held.rows, held.answers).labels["intent"].scores
        found = sorted((each.f1, intent) for intent, each in scores.items() if each.support)
        worst = ", ".join(f"{intent} (F1 {f1:.2f})" for f1, intent in found[:3])
        withheld, losing = _rewrites(held)
        sentence = (
            f"In {name} it finds these intents worst: {worst}. The guard withholds {withheld.count:,} of "
            f"{withheld.total:,} rewrites, {losing.count:,} of them because a name, number or code is lost."
        )
        if free:
            valid = measure(free.rows, free.answers).valid
            sentence += (
                f" Of {valid.total:,} free replies {valid.total - valid.count:,} are no valid decision."
            )
        yield sentence


def _paired(served: Answers, other: Answers) -> dict[Label, Comparison]:
    """The two on the rows that both answered."""
    answers = {row.id: answer for row, answer in zip(other.rows, other.answers, strict=True)}
    both = [
        (row, answers[row.id], answer)
        for row, answer in zip(served.rows, served.answers, strict=True)
        if row.id in answers
    ]
    return compare(
        [row for row, *_ in both], [first for _, first, _ in both], [second for *_, second in both]
    )


# Figures of one


def _answers(run: Run, name: str, quantization: str, mode: str) -> Answers | None:
    """The answers of one export in llama.cpp to one set."""
    wanted = ("llama_cpp", quantization, mode)
    return next((each for each in run.sets[name] if (each.runtime, each.name, each.mode) == wanted), None)


def _side_by_side(found: Sequence[Answers]) -> list[Answers]:
    """What one table compares: the exports in llama.cpp, and the engines compared."""
    return [each for each in found if each.runtime in {"llama_cpp", None}]


def _figures(of: Answers) -> Iterator[tuple[str, str]]:
    found = measure(of.rows, of.answers)
    yield "prompts", f"{len(of.rows):,}"
    yield _VALID, shown(found.valid)
    for field, labels in found.labels.items():
        yield field, shown(labels.accuracy)
    yield "intent, macro-F1", f"{found.labels['intent'].macro_f1:.3f}"
    small = found.route.large_called_small
    yield "`large_api` called `small_local`", f"{small.count:,} of {small.total:,}"
    yield _KINDS, f"{found.gaps.micro.f1:.3f}"
    yield "something called missing where nothing is", shown(found.gaps.false_alarms["all"])
    yield "nothing called missing where something is", shown(found.gaps.silence["all"])
    withheld, losing = _rewrites(of)
    yield _WITHHELD, shown(withheld)
    yield "rewrites that lose a name, number or code", shown(losing)


def _rewrites(of: Answers) -> tuple[Share, Share]:
    """Of the valid decisions: those whose rewrite the guard withholds, and those that lose a piece by it."""
    verdicts = [
        check_rewrite(row.text, answer.decision.rewrite)
        for row, answer in zip(of.rows, of.answers, strict=True)
        if answer.decision is not None
    ]
    withheld, losing = (sum(not each.kept for each in verdicts), sum(bool(each.lost) for each in verdicts))
    return share(withheld, len(verdicts)), share(losing, len(verdicts))


def _intents(served: Answers, others: Sequence[Answers]) -> Iterator[list[str]]:
    scores, *of_others = (
        measure(each.rows, each.answers).labels["intent"].scores for each in (served, *others)
    )
    for intent in Intent:
        score = scores[intent]
        if score.support:
            figures = [f"{figure:.2f}" for figure in (score.precision, score.recall, score.f1)]
            right = [_right(served, intent, field) for field in ("complexity", "route")]
            beside = [f"{each[intent].f1:.2f}" for each in of_others]
            yield [intent, f"{score.support:,}", *figures, *right, *beside]


def _right(of: Answers, intent: Intent, field: Label) -> str:
    """In what share of the prompts of an intent another label is right."""
    pairs = [(row, each) for row, each in zip(of.rows, of.answers, strict=True) if row.intent is intent]
    return percent(sum(gold_of(row, field) == called_of(each, field) for row, each in pairs) / len(pairs))
