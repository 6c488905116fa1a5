"""`devrouter route`: one prompt, one decision."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from devrouter.cli.asker import Asker
from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.cli.terminal import Style, note, put, visible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from devrouter.core.decision import Triage
    from devrouter.core.draft import Draft

HELP = "one prompt, one decision"
DESCRIPTION = "Says of one prompt what it asks for, how hard it is, where to send it and what it lacks."
EXAMPLES = """\
examples:
  devrouter route "write a dockerfile for fastapi app"
  devrouter route --verbose "why does my test hang"   and how sure that is, and who answered what
  devrouter route --json - < ask.txt                  the five fields as one JSON object, for a script
  devrouter route -- "--force does nothing, why?"     a prompt that begins with a dash
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", help="the prompt; - reads it from standard input")
    parser.add_argument(
        "--json", action="store_true", help="print the five fields as one JSON object, nothing else"
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="add confidence, engine, time and the tier's reason (with --json: on standard error)",
    )


def run(arguments: argparse.Namespace) -> ExitStatus:
    draft = draft_of_text(_prompt_text(arguments.text))
    with Asker(arguments) as asker:
        triage = asker.triage(draft, asker.settings(None))
    style = Style.of(sys.stdout)
    if arguments.json:
        put(triage.decision_to_follow().to_json(), sys.stdout)
    else:
        _print(_decision(triage, draft, style), sys.stdout)
    for secret in triage.secrets:
        note(f"the prompt holds a secret ({secret.kind}): mask it before you send it", level="warning")
    for problem in triage.problems:
        note(problem, level="warning")
    if arguments.verbose and arguments.json:
        _print(_details(triage, Style.of(sys.stderr)), sys.stderr)
    elif arguments.verbose:
        _print(["", *_details(triage, style)], sys.stdout)
    return ExitStatus.OK


def draft_of_text(text: str) -> Draft:
    """A prompt that stands in no document."""
    from devrouter.core.draft import Destination, Document, Region, draft_of
    from devrouter.core.text import Span

    whole = Region(Span(0, len(text)), Destination.CHAT)
    return draft_of(Document("untitled:prompt", "prompt", 0, text), whole)


def _prompt_text(argument: str) -> str:
    """The prompt without the white space around it. Raises `CommandError` for an empty one."""
    from devrouter.cli.documents import decode, read_input_bytes

    if argument == "-":
        _, _, text = decode("standard input", read_input_bytes())
    else:
        text = argument
        try:
            text.encode()
        except UnicodeEncodeError:
            raise CommandError(ExitStatus.INPUT, "the prompt is not UTF-8") from None
    if not text.strip():
        raise CommandError(ExitStatus.INPUT, "the prompt is empty, so there is nothing to decide")
    return text.strip()


def _decision(triage: Triage, draft: Draft, style: Style) -> Iterator[str]:
    from devrouter.cli.report_text import decision_line

    yield decision_line(triage, style)
    if triage.tier.route is not triage.decision.route:
        yield style.dim(visible(triage.tier.reason))
    if triage.gaps:
        yield ""
        yield style.bold("missing")
        longest = max(len(gap.kind.value) for gap in triage.gaps)
        for gap in triage.gaps:
            yield f"  {style.yellow(gap.kind.value.ljust(longest))}  {visible(gap.phrase)}"
    if triage.decision.rewrite != draft.text:
        yield ""
        yield style.bold("rewrite")
        for line in triage.decision.rewrite.splitlines():
            yield f"  {visible(line)}".rstrip()
        if triage.repaired:
            yield style.dim(visible(f"put back: {', '.join(triage.repaired)}"))
    elif triage.withheld:
        yield ""
        yield f"{style.bold('rewrite')} withheld, {visible(triage.withheld)}"


def _details(triage: Triage, style: Style) -> Iterator[str]:
    from devrouter.cli.report_text import probability

    rows = {
        "confidence": ", ".join(f"{name} {probability(value)}" for name, value in triage.confidence.items())
        or "none given",
        "tier": triage.tier.reason,
        "answered by": ", ".join(f"{name} {engine}" for name, engine in triage.answered_by.items()),
        "engine": f"{triage.engine} {triage.version}",
        "time": f"{triage.milliseconds:,.1f} ms",
    }
    for name, value in rows.items():
        yield f"{style.dim(name.ljust(12))} {visible(value)}"


def _print(lines: Iterator[str] | list[str], stream: TextIO) -> None:
    for line in lines:
        put(line, stream)
