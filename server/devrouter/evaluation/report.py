"""The report: everything that was measured, as JSON and as Markdown."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devrouter.core.draft import Destination
from devrouter.evaluation.measures import compare, measure, robustness
from devrouter.evaluation.rows import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from devrouter.evaluation.labels import Confusion, Score, Share
    from devrouter.evaluation.measures import Comparison, Measures, Robustness
    from devrouter.evaluation.rows import Gold, GoldRow, Label, RowAnswer


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers of one engine, or of one file, to all rows in their order.

    `changed` maps a change of the texts to the rows that it alters and the answers to them. `remark` is a
    sentence without which the figures would be misread, or None.
    """

    name: str
    version: str
    remark: str | None
    answers: Sequence[RowAnswer]
    changed: Mapping[str, tuple[Sequence[GoldRow], Sequence[RowAnswer]]]


@dataclass(frozen=True, slots=True)
class Contender:
    """What the answers of one are worth: by themselves, against the first contender's, on changed texts.

    `comparison` is None for the first one.
    """

    name: str
    version: str
    remark: str | None
    measures: Measures
    comparison: Mapping[Label, Comparison] | None
    robustness: Mapping[str, Robustness]


@dataclass(frozen=True, slots=True)
class Report:
    """One evaluation: on which rows, by which command, where, and of whom.

    `for_agents` counts the drafts of coding agents among the rows.
    """

    data: str
    data_sha256: str
    rows: int
    for_agents: int
    command: str
    machine: str
    contenders: tuple[Contender, ...]

    @classmethod
    def of(cls, gold: Gold, command: str, answered: Sequence[Answered]) -> Report:
        """Measure all answers; the first are those that the others are compared with."""
        return cls(
            data=gold.file,
            data_sha256=gold.sha256,
            rows=len(gold.rows),
            for_agents=sum(row.destination is Destination.AGENT for row in gold.rows),
            command=command,
            machine=this_machine(),
            contenders=tuple(_contender(gold.rows, each, answered[0]) for each in answered),
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def to_markdown(self) -> str:
        """For people. Names of files stand in it relative to the report's own folder."""
        return "\n".join(_document(self)) + "\n"


def _contender(rows: Sequence[GoldRow], answered: Answered, first: Answered) -> Contender:
    before = {answer.id: answer for answer in answered.answers}
    return Contender(
        name=answered.name,
        version=answered.version,
        remark=answered.remark,
        measures=measure(rows, answered.answers),
        comparison=None if answered is first else compare(rows, first.answers, answered.answers),
        robustness={
            change: robustness(altered, [before[row.id] for row in altered], after)
            for change, (altered, after) in answered.changed.items()
        },
    )


def this_machine() -> str:
    """What the times depend on: processor, cores, system and Python, in one line."""
    processor = platform.processor() or platform.machine()
    details = Path("/proc/cpuinfo")
    if details.exists():
        lines = details.read_text(encoding="utf-8").splitlines()
        named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        processor = next(named, processor)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}, {python}"


# Parts of the document, each a list of lines


def _document(report: Report) -> Iterator[str]:
    contenders = report.contenders
    yield f"# Evaluation of {', '.join(contender.name for contender in contenders)}"
    yield ""
    yield (
        f"On the {report.rows:,} labelled prompts of `{report.data}` (SHA-256 `{report.data_sha256}`), "
        f"{report.for_agents:,} of them drafts for a coding agent. Each engine is measured alone: nothing "
        "merged, nothing cached."
    )
    yield ""
    yield (
        "Intervals are Wilson's at 95 %. A decision that is not valid counts as wrong everywhere: right in "
        "no field, silent and a false alarm, routed as badly as can be."
    )
    yield ""
    yield from _summary(contenders)
    for contender in contenders:
        yield from _of_one(contender)
    yield from _comparisons(contenders)
    yield from _robustness(contenders)
    yield from ("", "## Made by", "", "```sh", report.command, "```", "", f"Machine: {report.machine}.")


def _summary(contenders: Sequence[Contender]) -> Iterator[str]:
    """One column an engine."""
    columns = [dict(_figures(contender.measures)) for contender in contenders]
    rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
    versions = ["version", *(f"`{contender.version}`" for contender in contenders)]
    yield from table(["", *(contender.name for contender in contenders)], [versions, *rows])


def _figures(measures: Measures) -> Iterator[tuple[str, str]]:
    yield "valid decisions", shown(measures.valid)
    for field, labels in measures.labels.items():
        yield f"{field}: accuracy", shown(labels.accuracy)
        yield f"{field}: macro-F1", f"{labels.macro_f1:.3f}"
    yield "route: mean cost of a row", f"{measures.route.mean_cost:.3f}"
    small = measures.route.large_called_small
    yield "large_api called small_local", f"{_counted(small)}, {shown(small)}"
    yield "gaps: micro-F1 of kinds", f"{measures.gaps.micro.f1:.3f}"
    yield "gaps: F1 of phrases", f"{measures.gaps.phrases.f1:.3f}"
    for name, shares in (("false alarms", measures.gaps.false_alarms), ("silence", measures.gaps.silence)):
        for audience, each in shares.items():
            yield f"{name}, {audience}", shown(each)
    for field in LABELS:
        calibration = measures.calibration.get(field)
        yield f"{field}: calibration error", f"{calibration.error:.3f}" if calibration else "-"
    latency = measures.latency
    yield "milliseconds: p50, p95, p99", f"{latency.p50:,.1f}, {latency.p95:,.1f}, {latency.p99:,.1f}"


def _of_one(contender: Contender) -> Iterator[str]:
    name, measures = contender.name, contender.measures
    yield from ("", f"## {name}")
    if contender.remark:
        yield from ("", contender.remark)
    yield from ("", "### Intent", "", *_scores("intent", measures.labels["intent"].scores))
    yield from ("", f"![confusion of intents](confusion-{name}.svg)")
    for field in ("complexity", "route"):
        yield from ("", f"### {field.capitalize()}", "", *_confusion(measures.labels[field].confusion))
    gaps = measures.gaps
    averages = {"**all kinds, micro**": gaps.micro, "**phrases**": gaps.phrases}
    yield from ("", "### Gaps", "", *_scores("kind", {**gaps.kinds, **averages}))
    yield from ("", "### Calibration", "", f"![reliability of confidences](calibration-{name}.svg)")


def _scores(title: str, scores: Mapping[str, Score]) -> Iterator[str]:
    yield from table(
        [title, "precision", "recall", "F1", "in the gold"],
        (
            [label, f"{each.precision:.3f}", f"{each.recall:.3f}", f"{each.f1:.3f}", f"{each.support:,}"]
            for label, each in scores.items()
        ),
    )


def _confusion(confusion: Confusion) -> Iterator[str]:
    yield from table(
        ["labelled \\ called", *confusion.called],
        ([label, *map(str, counts)] for label, counts in zip(confusion.gold, confusion.counts, strict=True)),
    )


def _comparisons(contenders: Sequence[Contender]) -> Iterator[str]:
    first, *others = contenders
    if not others:
        return
    yield from (
        "",
        f"## Against {first.name}",
        "",
        "McNemar's exact test on the rows that one of two got right.",
        "",
    )
    yield from table(
        ["engine", "field", "accuracy", f"only {first.name} right", "only the engine right", "p"],
        (
            [
                other.name,
                field,
                f"{100 * each.difference:+.1f} points",
                f"{each.only_first_right:,}",
                f"{each.only_second_right:,}",
                f"{each.p_value:.2g}",
            ]
            for other in others
            for field, each in (other.comparison or {}).items()
        ),
    )


def _robustness(contenders: Sequence[Contender]) -> Iterator[str]:
    rows = [
        [
            contender.name,
            change,
            f"{each.rows:,}",
            *(percent(each.same[field].value) for field in LABELS),
            *(percent(each.accuracy[field].value) for field in LABELS),
            *(percent(each.accuracy_before[field].value) for field in LABELS),
        ]
        for contender in contenders
        for change, each in contender.robustness.items()
    ]
    if rows:
        yield from (
            "",
            "## Robustness",
            "",
            "Of the rows whose text the change alters, the labels afterwards.",
            "",
        )
        heads = [f"{field} {what}" for what in ("same", "right", "right before") for field in LABELS]
        yield from table(["engine", "change", "rows", *heads], rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |"


def shown(share: Share) -> str:
    if share.low is None or share.high is None:
        return "-"
    return f"{percent(share.value)} ({100 * share.low:.1f} to {100 * share.high:.1f})"


def _counted(share: Share) -> str:
    return f"{share.count:,} of {share.total:,}"


def percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
