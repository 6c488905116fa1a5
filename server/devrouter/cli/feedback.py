"""`devrouter feedback`: what the user made of the answers, where it is kept, for them to take or delete."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.cli.terminal import note, plural, put

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping

    from devrouter.app.feedback_file import FeedbackFile

HELP = "what you made of the answers, where you chose to keep it"
DESCRIPTION = """\
With the setting `feedback.keep`, what becomes of rewrites, tiers and findings is kept on this machine:
`labels` keeps hashes and labels, `text` your prompts as well. Without an action, counts it and says where
it lies.
"""
EXAMPLES = """\
examples:
  devrouter feedback                             how much there is of what, and where
  devrouter feedback export -o mine.jsonl        the prompts in the form of data/train.jsonl
  devrouter feedback clear                       deletes all of it, after a question
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=("export", "clear"), help="what to do")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="export: write to FILE, not to standard output"
    )
    parser.add_argument("--yes", action="store_true", help="clear: do not ask")


def run(arguments: argparse.Namespace) -> ExitStatus:
    from devrouter.app.feedback_file import default_feedback_file

    file = default_feedback_file()
    try:
        rows, broken = file.rows()
    except OSError as error:
        raise CommandError(ExitStatus.INPUT, f"{file.file}: cannot be read: {error.strerror}") from None
    if broken:
        note(f"{file.file}: {plural(broken, 'line')} cannot be read and is left out", level="warning")
    match arguments.action:
        case "export":
            _export(rows, file, arguments.output)
        case "clear":
            _clear(rows, file, asks=not arguments.yes)
        case _:
            _show(rows, file)
    return ExitStatus.OK


def _show(rows: list[dict[str, Any]], file: FeedbackFile) -> None:
    if not rows:
        put("No feedback is kept.", sys.stdout)
        note(
            "`feedback.keep`, in your editor's settings or your config.toml, turns it on: `labels` or `text`"
        )
        return
    for event, count in sorted(Counter(row["event"] for row in rows).items()):
        put(f"{count:>7,}  {event.replace('_', ' ')}", sys.stdout)
    with_text = sum("text" in row for row in rows)
    put(f"{plural(len(rows), 'row')}, {with_text:,} with text, in:", sys.stdout)
    for path in file.files():
        put(f"  {path}", sys.stdout)


def _export(rows: list[dict[str, Any]], file: FeedbackFile, output: Path | None) -> None:
    """Rows in the training format; the user alone can read the file, as the one they are from."""
    from devrouter.core.json_lines import json_line

    whole = [row for row in rows if _is_whole(row)]
    if not whole:
        why = "it holds hashes and labels, no text; `feedback.keep` = `text` keeps it from now on"
        raise CommandError(
            ExitStatus.INPUT, f"nothing can be exported: {why if rows else f'{file.file}: empty'}"
        )
    exported = list(training_rows(whole))
    content = b"".join(json_line(row) for row in exported)
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
    rewrites = sum(row["rewrite"] is not None for row in exported)
    left = f"; {len(rows) - len(whole):,} of {plural(len(rows), 'event')} have no text" * (
        len(whole) < len(rows)
    )
    note(f"{plural(len(exported), 'prompt')}, {rewrites:,} with a rewrite{left}")


def training_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """One row a prompt, in the form of `data/train.jsonl`: the engine's labels, over them the user's word.

    A tier that they chose is the route, an accepted rewrite the rewrite, and so is an edited one where it
    still says what the prompt says; a finding that they ignored was not missing. What they said last counts.
    """
    from devrouter.app.feedback import text_hash

    prompts: dict[str, dict[str, Any]] = {}
    ignored: dict[str, set[str]] = {}
    for row in rows:
        text = row["text"].strip()
        before = prompts.get(text, {"rewrite": None, "overruled": None})
        labels = {name: row[name] for name in ("intent", "complexity", "route", "missing")}
        prompts[text] = {**before, **labels}
        match row["event"]:
            case "accepted":
                prompts[text]["rewrite"] = row["rewrite"].strip()
            case "edited":
                prompts[text]["rewrite"] = _still_a_rewrite(text, row["final"].strip())
            case "refused":
                prompts[text]["rewrite"] = None
            case "tier_overruled":
                prompts[text]["overruled"] = row["chosen"]
            case "gap_ignored":
                ignored.setdefault(text, set()).add(row["phrase"])
    for text, prompt in prompts.items():
        overruled = prompt.pop("overruled")
        missing = [gap for gap in prompt.pop("missing") if gap["phrase"] not in ignored.get(text, ())]
        head = {"id": f"feedback-{text_hash(text)[:12]}", "source": "feedback", "text": text}
        yield {**head, **prompt, "route": overruled or prompt["route"], "missing": missing}


def _still_a_rewrite(text: str, final: str) -> str | None:
    """Further typing can have made another prompt of it; the guard of rewrites tells."""
    from devrouter.core.fidelity import check_rewrite

    return final if check_rewrite(text, final).kept else None


_TEXTS_OF = {
    "accepted": ("rewrite",),
    "edited": ("final",),
    "tier_overruled": ("chosen",),
    "gap_ignored": ("phrase",),
}


def _is_whole(row: Mapping[str, Any]) -> bool:
    names = ("text", "intent", "complexity", "route", *_TEXTS_OF.get(row["event"], ()))
    missing = row.get("missing")
    return all(isinstance(row.get(name), str) for name in names) and isinstance(missing, list)


def _clear(rows: list[dict[str, Any]], file: FeedbackFile, *, asks: bool) -> None:
    if not file.files():
        put("No feedback is kept.", sys.stdout)
        return
    if asks:
        if sys.stdin is None or not sys.stdin.isatty():
            raise CommandError(ExitStatus.USAGE, "nobody can be asked here; --yes deletes without a question")
        answer = input(f"Delete {plural(len(rows), 'row')} of feedback for good? [y/N] ")
        if answer.strip().lower() not in {"y", "yes"}:
            put("Nothing was deleted.", sys.stdout)
            return
    file.clear()
    put(f"{plural(len(rows), 'row')} of feedback deleted.", sys.stdout)
