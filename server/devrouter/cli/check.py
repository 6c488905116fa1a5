"""`devrouter check`: what the prompts in files lack, and the clearer wording, shown or applied."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from devrouter.cli.asker import Asker
from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.cli.knowledge import Knowledge
from devrouter.cli.terminal import Style, note, plural, put

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from devrouter.cli.checked import CheckedDocument
    from devrouter.cli.documents import Source

HELP = "what the prompts in files lack, and a clearer wording"
DESCRIPTION = """\
Finds the prompts in files, says of each what it is (intent · complexity → tier, and how sure that is) and
what an answer would need that the prompt does not say. Lines and columns count from one, in characters.
"""
EXAMPLES = """\
examples:
  devrouter check                               every prompt below this folder
  devrouter check ask.prompt.md notes.md        these files; in notes, the fenced `prompt` blocks
  devrouter check --diff ask.prompt.md          the clearer wording, nothing written
  devrouter check --fix prompts/                writes it; what must not be lost is checked before
  devrouter check --fill ask.prompt.md          adds what the workspace knows: versions, named files ...
  devrouter check --fix --fill --diff .         both, only shown
  devrouter check --mask ask.prompt.md          replaces each secret by a placeholder such as <password>
  devrouter check --format sarif . > out.sarif  for code scanning
  git show :ask.prompt.md | devrouter check - --stdin-filename ask.prompt.md
  devrouter check --show-config                 every setting, and where it came from

exit status: 0 no findings, 1 findings (with --diff: or a rewrite), others as in `devrouter --help`
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="FILE|DIR|-",
        help="what to check; - is standard input; without any, this folder",
    )
    parser.add_argument("--stdin-filename", metavar="NAME", help="treat standard input as the file NAME")
    parser.add_argument(
        "--format", choices=("text", "json", "sarif"), default="text", help="how findings are written (text)"
    )
    parser.add_argument("--fix", action="store_true", help="write the clearer wording into the files")
    parser.add_argument(
        "--fill", action="store_true", help="add what the workspace knows of the findings to the prompts"
    )
    parser.add_argument(
        "--diff",
        action="store_true",
        help="show what --fix or --fill would change (--fix without either) and write nothing",
    )
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument("--mask", action="store_true", help="replace each secret by a placeholder")
    alone.add_argument(
        "--show-config", action="store_true", help="show the settings for the first path, and stop"
    )


def run(arguments: argparse.Namespace) -> ExitStatus:
    if arguments.stdin_filename is not None and not arguments.paths:
        arguments.paths = ["-"]
    if arguments.stdin_filename is not None and "-" not in arguments.paths:
        raise CommandError(ExitStatus.USAGE, "--stdin-filename goes with -, standard input")
    if arguments.diff and arguments.format != "text":
        raise CommandError(ExitStatus.USAGE, "--diff is text already; leave out --format")
    if (arguments.mask or arguments.show_config) and (arguments.fix or arguments.fill or arguments.diff):
        raise CommandError(ExitStatus.USAGE, "--mask and --show-config go without --fix, --fill and --diff")
    with Asker(arguments) as asker:
        if arguments.show_config:
            return _show_settings(asker, arguments)
        return _Check(asker, arguments).run()


class _Check:
    """One run over all paths. A path that cannot be read is reported, and the others are still checked."""

    def __init__(self, asker: Asker, arguments: argparse.Namespace) -> None:
        self._asker = asker
        self._arguments = arguments
        self._status = ExitStatus.OK
        self._errors: list[str] = []
        self._done = {"rewrite applied": 0, "fact added": 0, "secret masked": 0}
        self._fix = arguments.fix or (arguments.diff and not arguments.fill)
        self._writes = (arguments.fix or arguments.fill or arguments.mask) and not arguments.diff
        self._knowledge = Knowledge() if arguments.fill or arguments.format == "json" else None
        # The text of a fixed standard input goes to standard output, so what is said of it goes elsewhere.
        self._out = sys.stderr if self._writes and "-" in arguments.paths else sys.stdout
        self._style = Style.of(self._out)

    def run(self) -> ExitStatus:
        documents = []
        for source in self._sources():
            document = self._check(source)
            if document.prompts or source.name in {*self._arguments.paths, "<stdin>"}:
                documents.append(document)
                self._show(document)
        self._finish(documents)
        found = any(
            document.findings or (self._arguments.diff and self._changed(document) != document.source.text)
            for document in documents
        )
        return self._status or (ExitStatus.FINDINGS if found else ExitStatus.OK)

    def _check(self, source: Source) -> CheckedDocument:
        document = _checked(source, self._asker, self._knowledge)
        if not self._writes:
            return document
        text = self._changed(document)
        if source.path is None:
            sys.stdout.buffer.write(source.encoded(text))
        if text == source.text:
            return document
        try:
            fixed = _written(source, text)
        except CommandError as error:
            self._report(error)
            return document
        self._count(document)
        # What is reported is what now stands in the file.
        return _checked(fixed, self._asker, self._knowledge)

    def _changed(self, document: CheckedDocument) -> str:
        if self._arguments.mask:
            return document.masked()
        return document.changed(fix=self._fix, fill=self._arguments.fill)

    def _count(self, document: CheckedDocument) -> None:
        if self._arguments.mask:
            self._done["secret masked"] += document.secrets
        if self._fix:
            self._done["rewrite applied"] += document.rewrites
        if self._arguments.fill:
            self._done["fact added"] += sum(len(prompt.facts) for prompt in document.prompts)

    def _sources(self) -> Iterator[Source]:
        """Every document to look at; what cannot be read is reported and left out."""
        from devrouter.cli.documents import read_file, read_standard_input

        for path in self._paths():
            try:
                if path is None:
                    yield read_standard_input(self._arguments.stdin_filename)
                else:
                    yield read_file(path)
            except CommandError as error:
                self._report(error)

    def _paths(self) -> Iterator[Path | None]:
        """Every file named or found in a folder named, each once; None is standard input."""
        from devrouter.cli.documents import files_in

        seen: set[Path | None] = set()
        for name in self._arguments.paths or ["."]:
            path = None if name == "-" else Path(name)
            found: Iterable[Path | None] = [path]
            if path is not None and path.is_dir():
                found = files_in(path, self._asker.settings(path).prompts, self._report)
            for file in found:
                key = file and file.absolute()
                if key not in seen:
                    seen.add(key)
                    yield file

    def _show(self, document: CheckedDocument) -> None:
        from devrouter.cli.report_text import diff, report

        if self._arguments.format != "text":
            return
        if self._arguments.diff:
            lines = diff(document, self._changed(document), self._style)
        else:
            lines = report(document, self._style)
        for line in lines:
            put(line, self._out)

    def _finish(self, documents: list[CheckedDocument]) -> None:
        from devrouter.cli.report_json import as_json, as_sarif
        from devrouter.cli.report_text import summary

        for what, count in self._done.items():
            if count:
                thing, done = what.split()
                note(f"{plural(count, thing)} {done}")
        match self._arguments.format:
            case "json":
                put(json.dumps(as_json(documents, self._errors), ensure_ascii=False, indent=2), self._out)
            case "sarif":
                put(
                    json.dumps(as_sarif(documents, self._errors), ensure_ascii=False, indent=2),
                    self._out,
                )
            case _:
                # With --diff, standard output is a patch and nothing else.
                put(summary(documents, self._style), sys.stderr if self._arguments.diff else self._out)

    def _report(self, error: CommandError) -> None:
        note(str(error), level="error")
        self._errors.append(str(error))
        self._status = error.status


def _checked(source: Source, asker: Asker, knowledge: Knowledge | None) -> CheckedDocument:
    from devrouter.cli.checked import CheckedDocument, CheckedPrompt
    from devrouter.core.draft import draft_of, prompts_in
    from devrouter.core.text import Lines

    settings = asker.settings(source.path)
    document, prompts = source.document, []
    for region in prompts_in(document, settings.prompts.agent_patterns, settings.prompts.include):
        draft = draft_of(document, region)
        triage = asker.triage(draft, settings)
        gaps = tuple(gap for gap in triage.gaps if not asker.is_ignored(document.uri, gap, draft, settings))
        known = knowledge.of(source, region, gaps) if knowledge else {}
        prompts.append(CheckedPrompt(region, draft, triage, gaps, known))
    return CheckedDocument(source, Lines(source.text), tuple(prompts))


def _written(source: Source, text: str) -> Source:
    """The source with its new text, written to its file if it has one."""
    from dataclasses import replace

    from devrouter.cli.documents import write_back

    if source.path is not None:
        write_back(source, text)
    return replace(source, data=source.encoded(text), document=replace(source.document, text=text))


def _show_settings(asker: Asker, arguments: argparse.Namespace) -> ExitStatus:
    """Every setting as TOML would have it, with where it came from behind it."""
    from devrouter.app.settings_sources import describe

    first = Path(arguments.stdin_filename or next(iter(arguments.paths), "."))
    style = Style.of(sys.stdout)
    for key, value, source in describe(asker.loaded_settings(first)):
        comment = f"# {source}"
        put(
            f"{key} = {value}  {style.dim(comment) if source == 'default' else style.cyan(comment)}",
            sys.stdout,
        )
    return ExitStatus.OK
