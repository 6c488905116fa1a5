"""Findings for a person to read: what is missing, the words it concerns, and where the prompt should go."""

from __future__ import annotations

import difflib
import shutil
from itertools import groupby
from typing import TYPE_CHECKING

from devrouter.cli.terminal import Style, plural, visible, width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devrouter.cli.checked import CheckedDocument, CheckedPrompt
    from devrouter.core.decision import Triage
    from devrouter.core.gaps import Gap

_CUT = "…"


def decision_line(triage: Triage, style: Style) -> str:
    """`debug · low → small_local (0.83)`: what is wanted, how hard, where to send it, how sure that is."""
    decision, tier = triage.decision, triage.tier.route
    confidence = triage.confidence.get("route")
    sure = "" if confidence is None else probability(confidence)
    if tier is not decision.route:
        sure = f"{decision.route.value} {sure}".strip()
    labels = f"{style.bold(decision.intent.value)} · {decision.complexity.value} → {style.bold(tier.value)}"
    return f"{labels} {style.dim(f'({sure})')}" if sure else labels


def probability(value: float) -> str:
    """Two digits, rounded down as in the tier's reason: only what is certain reads as 1.00."""
    return f"{int(value * 100 + 1e-9) / 100:.2f}"


def report(document: CheckedDocument, style: Style) -> Iterator[str]:
    """The lines for one document: each prompt with its decision and its findings, a blank line after each."""
    name = visible(document.source.name)
    if not document.prompts:
        hint = "(prompts are *.prompt.md files, and fenced `prompt` blocks in Markdown)"
        yield f"{style.bold(name)}: no prompt in it {style.dim(hint)}"
        yield ""
    for prompt in document.prompts:
        line, _ = document.place(prompt.region.span.start)
        place = name if len(document.prompts) == 1 else f"{name}:{line}"
        yield f"{style.bold(place)}: {decision_line(prompt.triage, style)}"
        for secret in prompt.triage.secrets:
            # Without the line itself: its value would stand in the log of whoever runs this.
            line, column = document.place(secret.span.start + prompt.region.span.start)
            where = style.dim(f"{name}:{line}:{column}:")
            yield f"{where} {style.red('secret')} {secret.kind}: mask it before you send the prompt"
        for _, gaps in groupby(prompt.gaps, key=lambda gap: gap.anchor):
            yield from _finding(document, prompt, list(gaps), style)
        yield from _notes(prompt, style)
        yield ""


def summary(documents: Sequence[CheckedDocument], style: Style) -> str:
    """The last line: what was found, in how much."""
    findings = sum(document.findings for document in documents)
    prompts = sum(len(document.prompts) for document in documents)
    rewrites = sum(document.rewrites for document in documents)
    if not prompts:
        return style.dim("No prompt to check.")
    inside = f"{plural(prompts, 'prompt')} of {plural(len(documents), 'file')}"
    found = style.bold(style.yellow(plural(findings, "finding"))) if findings else style.green("No findings")
    parts = [f"{found} in {inside}"]
    if secrets := sum(document.secrets for document in documents):
        parts.append(f"{plural(secrets, 'secret')} among them: replace by placeholders with --mask")
    if rewrites:
        parts.append(f"{plural(rewrites, 'rewrite')} ready: see --diff, apply with --fix")
    return f"{'; '.join(parts)}."


def diff(document: CheckedDocument, changed: str, style: Style) -> Iterator[str]:
    """A unified diff, as `git apply` takes it, to the changed text; nothing for equal ones."""
    name = document.source.name.lstrip("/")
    old, new = (_lines(text) for text in (document.source.text, changed))
    for line in difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm=""):
        if not style.enabled:
            yield line
            continue
        paint = {"+": style.green, "-": style.red, "@": style.cyan}.get(line[0], str)
        yield from (paint(visible(part)) for part in line.split("\n"))


def _finding(
    document: CheckedDocument, prompt: CheckedPrompt, gaps: Sequence[Gap], style: Style
) -> Iterator[str]:
    """What is missing about the same words, each in one line, and below them those words underlined."""
    span = prompt.span_of(gaps[0])
    line, column = document.place(span.start)
    for gap in gaps:
        place = f"{visible(document.source.name)}:{line}:{column}:"
        yield f"{style.dim(place)} {style.yellow(gap.kind.value)} {visible(gap.phrase)}"
    start, end = document.lines.line_span(line - 1)
    content = document.starred[start:end]
    gutter = " " * len(str(line))
    shown, indent, marked = _window(content, span.start - start, min(span.end, end) - start, len(gutter) + 3)
    # A gap that concerns no words in particular stands at the prompt's first line, marked more lightly.
    mark = style.yellow("^" * marked) if gaps[0].anchored else style.dim("-" * marked)
    bar = style.blue("|")
    yield f"{gutter} {bar}"
    yield f"{style.blue(str(line))} {bar} {shown}"
    yield f"{gutter} {bar} {' ' * indent}{mark}"


def _notes(prompt: CheckedPrompt, style: Style) -> Iterator[str]:
    """What else there is to know of a prompt, as clippy's `=` lines."""
    triage = prompt.triage
    if triage.tier.route is not triage.decision.route:
        yield f"  = {style.cyan('tier')}: {visible(triage.tier.reason)}"
    if prompt.has_rewrite:
        put_back = f"; put back: {visible(', '.join(triage.repaired))}" if triage.repaired else ""
        yield f"  = {style.cyan('rewrite')}: a clearer wording is ready{put_back}"
    elif triage.withheld:
        yield f"  = {style.cyan('rewrite')}: withheld, {visible(triage.withheld)}"
    for problem in triage.problems:
        yield f"  = {style.yellow('problem')}: {visible(problem)}"


def _window(content: str, start: int, end: int, gutter: int) -> tuple[str, int, int]:
    """(line as shown, columns before the mark, columns of the mark): a long line is cut around its mark."""
    room = max(40, shutil.get_terminal_size((100, 24)).columns - gutter)
    head, tail = 0, len(content)
    if width(content) > room:
        head = max(0, start - room // 3)
        tail = head
        used = 2 * len(_CUT)
        while tail < len(content) and used + width(content[tail]) <= room:
            used += width(content[tail])
            tail += 1
    before, after = _CUT if head else "", _CUT if tail < len(content) else ""
    indent = len(before) + width(content[head:start])
    marked = max(1, width(content[start : min(end, tail)]))
    return before + visible(content[head:tail]) + after, indent, marked


def _lines(text: str) -> list[str]:
    """Lines as git counts them: a carriage return belongs to its line."""
    *lines, last = text.split("\n")
    return [*lines, last + "\n\\ No newline at end of file"] if last else lines
