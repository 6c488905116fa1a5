"""The parts of the model card out of `validate.json`, `compare.json` and `performance.json`."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads it)
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devrouter.evaluation.report import percent, shown, table
from train.card_evidence import NOT_MEASURED
from train.compare import Comparison
from train.gate import Outcome, Verdict, reasons, table_of_verdicts
from train.performance import read_performance
from train.rows import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devrouter.evaluation.labels import Share
    from train.card_evidence import Run
    from train.performance import Calls, Figure, Performance


@dataclass(frozen=True, slots=True)
class Rule:
    """By how much an export may be worse than the reference, and how sure the intervals are; both shares."""

    margin: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Validation:
    """What the card needs of `validate.json`."""

    reference: str
    remark: str | None
    rule: Rule
    data: Mapping[str, int]
    exports: tuple[Outcome, ...]

    @property
    def passed(self) -> frozenset[str]:
        """The quantisations that were judged and passed."""
        return frozenset(
            each.quantization for each in self.exports if each.judged and each.verdict is Verdict.PASSED
        )


def validation_of(run: Run) -> Validation | None:
    path = run.result("validate")
    return read_json(path, Validation, "measure again") if path else None


def performance_of(run: Run) -> Performance | None:
    path = run.result("performance")
    return read_performance(path) if path else None


def gate(run: Run) -> Iterator[str]:
    """Each export against F16, and what was refused."""
    validation = validation_of(run)
    if validation is None:
        yield f"Whether quantising damaged them was {NOT_MEASURED}."
        return
    rows = ", ".join(f"{count:,} of {name}" for name, count in validation.data.items())
    rule, margin = validation.rule, 100 * validation.rule.margin
    yield (
        f"Against {validation.reference} on the same rows ({rows}). In brackets the difference in points and "
        f"its {100 * rule.confidence:g} % interval. An export passes where all four intervals lie above "
        f"-{margin:g} points, is refused (✗) where one lies wholly below; else these rows cannot tell (?). "
        "Valid JSON is that of free replies, the labels those of replies held to the schema."
    )
    yield from ("", *table_of_verdicts(validation.exports))
    for outcome in validation.exports:
        if found := list(reasons(outcome, rule.margin)):
            yield from (
                "",
                f"`{outcome.file}` is **{outcome.verdict}**:",
                "",
                *(f"- {each}" for each in found),
            )
    if validation.remark:
        yield from ("", f"**{validation.remark}**")


def same_everywhere(run: Run) -> Iterator[str]:
    """Whether the three runtimes read and reply the same."""
    path = run.result("compare")
    if path is None:
        yield f"Whether Ollama, llama.cpp and Transformers serve it alike was {NOT_MEASURED}."
        return
    found = read_json(path, Comparison, "measure again")
    prompts = found.prompts.identical
    yield (
        f"{prompts.count:,} of {prompts.total:,} prompts are the same tokens in Ollama, llama.cpp and "
        f"Transformers. With `{found.file}`, llama.cpp and Ollama must give the same three labels on "
        f"{percent(found.needed)} of the rows; Transformers adds numbers in another order, which is reported."
    )
    yield ""
    pairs = {
        "llama.cpp and Ollama, held to the schema": found.servers,
        "llama.cpp and Transformers, free, F16": found.transformers,
    }
    rows = (
        [name, f"{_counted(each.same_labels)}, {shown(each.same_labels)}", _counted(each.same_replies)]
        for name, each in pairs.items()
    )
    yield from table(["", "same labels", "same reply, letter for letter"], rows)


def speed(run: Run) -> Iterator[str]:
    """Time of a call by length, and calls at a time."""
    performance = performance_of(run)
    if performance is None:
        yield f"{NOT_MEASURED.capitalize()}."
        return
    conditions, settings = performance.conditions, performance.conditions.settings
    load = "" if performance.load is None else f" Load average at the start: {performance.load:.2f}."
    yield (
        f"On {conditions.machine}: {conditions.server}, {conditions.threads} threads, replies held to the "
        f"schema, the system prompt in the server's cache. The median of {settings.repeats} calls, in "
        f"brackets the least and the most.{load}"
    )
    heads = ["export", "characters", "seconds a call", "reply tokens/s", "prompt tokens/s"]
    yield from (
        "",
        *table(
            [*heads, "prompt tokens", "reply tokens"],
            (
                [each.quantization, f"{found.characters:,}{' *' * found.joined}", *_of_calls(found.calls)]
                for each in performance.exports
                for found in each.lengths
            ),
        ),
    )
    if any(found.joined for each in performance.exports for found in each.lengths):
        yield from ("", "\\* Prompts of the data joined, for none is so long.")
    yield from (
        "",
        f"Calls at a time, in {settings.repeats} lots of {settings.calls} prompts of the data:",
        "",
    )
    yield from table(
        ["export", "calls at a time", "calls/s", "reply tokens/s, of all together"],
        (
            [
                each.quantization,
                f"{found.slots}",
                _of_figure(found.calls_a_second),
                _of_figure(found.tokens_a_second),
            ]
            for each in performance.exports
            for found in each.throughput
        ),
    )


def speed_in_a_sentence(run: Run, quantization: str) -> str:
    """One call of the length that most prompts have."""
    performance = performance_of(run)
    for each in performance.exports if performance else ():
        for found in each.lengths:
            if performance and each.quantization == quantization and found.characters >= 500 and found.calls:
                return (
                    f"One call with a prompt of {found.characters:,} characters takes "
                    f"{_of_figure(found.calls.seconds)} seconds on {performance.conditions.machine}: "
                    "see [speed](#speed)."
                )
    return f"Its speed was {NOT_MEASURED}."


def _counted(found: Share) -> str:
    return f"{found.count:,} of {found.total:,}"


def _of_calls(calls: Calls | None) -> list[str]:
    if calls is None:
        return ["too long for its context", *[""] * 4]
    wanted = (calls.seconds, calls.generation, calls.prefill, calls.prompt_tokens, calls.reply_tokens)
    return [_of_figure(figure) for figure in wanted]


def _of_figure(figure: Figure) -> str:
    """Three digits are more than such a figure is good for."""
    return f"{_digits(figure.median)} ({_digits(figure.low)} to {_digits(figure.high)})"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
