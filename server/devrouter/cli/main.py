"""The `devrouter` command: its arguments, and what happens to errors."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from devrouter import __version__
from devrouter.cli.asker import ENGINES, status_of, with_mend
from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.cli.terminal import note
from devrouter.engines.engine import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = ("check", "route", "batch", "hook", "serve", "doctor", "model", "eval", "ignored", "feedback")

_EXAMPLES = """\
examples:
  devrouter check examples/                      what the prompts of a folder lack, and where to send them
  devrouter check --diff ask.prompt.md           the clearer wording, as a diff; --fix applies it
  devrouter route "why does my flask app 404?"   one prompt, one decision
  pbpaste | devrouter route --json -             the same for a script
  devrouter batch in.jsonl -o out.jsonl          thousands of prompts; picks up where it was stopped
  devrouter eval labelled.jsonl                  how good the answers are, on prompts that you labelled
  devrouter hook < input.json                    a terminal agent's hook: what it should know of a prompt
  devrouter doctor                               what works, what does not, and how to mend it

exit status:
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the value is the process's exit status (`ExitStatus`)."""
    for stream in (sys.stdout, sys.stderr):
        # Output is UTF-8 wherever it goes; a file name that is not becomes escapes instead of an error.
        if stream is not None:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    argv = sys.argv[1:] if argv is None else argv
    try:
        status = _run(argv)
        if sys.stdout is not None and not sys.stdout.closed:  # The language server closes it.
            sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  (every kind has its exit status)
        status = _failure(error)
    # An agent takes a hook that fails for a refusal of the user's prompt.
    return ExitStatus.OK if argv[:1] and argv[0] == "hook" else status


def _run(argv: Sequence[str]) -> int:
    try:
        arguments = _parser(argv).parse_args(argv)
    except SystemExit as stop:  # After --help, --version and wrong usage.
        return int(stop.code or 0)
    status: int = arguments.run(arguments)
    return status


def _failure(error: BaseException) -> ExitStatus:
    """Say in one sentence what happened, and to the script in a status."""
    match error:
        case CommandError():
            sentence, status = str(error), error.status
        case EngineError():
            sentence, status = with_mend(str(error), error.mend), status_of(error)
        case KeyboardInterrupt():
            sentence, status = "interrupted", ExitStatus.INTERRUPTED
        case BrokenPipeError():
            sentence, status = "", ExitStatus.PIPE_CLOSED
        case OSError():
            reason = (error.strerror or str(error)).lower()
            sentence, status = f"the output cannot be written: {reason}", ExitStatus.OUTPUT
        case _:
            import traceback

            # A crash must not look like findings to a script.
            traceback.print_exception(error)
            sentence = f"a defect in devrouter {__version__}: {type(error).__name__}; please report it"
            status = ExitStatus.DEFECT
    if isinstance(error, OSError):
        _discard_output()
    if sentence:
        note(sentence, level="error")
    return status


class _Parser(argparse.ArgumentParser):
    """argparse, with errors as one sentence that points to the help."""

    def error(self, message: str) -> NoReturn:
        note(f"{message}; `{self.prog} --help` shows examples", level="error")
        sys.exit(ExitStatus.USAGE)


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser; of the commands only the one that is asked for is imported, for an editor waits for it."""
    statuses = "\n".join(f"  {status.value:<4} {status.meaning}" for status in ExitStatus)
    parser = _Parser(
        prog="devrouter",
        description="A linter, formatter and router for prompts to coding assistants.",
        epilog=_EXAMPLES + statuses,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"devrouter {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for name in argv[:1] if argv[:1] and argv[0] in COMMANDS else COMMANDS:
        module = importlib.import_module(f"devrouter.cli.{name}")
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.DESCRIPTION,
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[_common_options(name)],
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _common_options(command: str) -> _Parser:
    common = _Parser(add_help=False)
    group = common.add_argument_group("for every command")
    if command == "eval":
        group.add_argument(
            "--engine",
            action="append",
            dest="engines",
            choices=[name for name in ENGINES if name != "auto"],
            metavar="NAME",
            help="who is measured: instant (the default), ollama, openai, transformers; may be given again, "
            "the others are compared with the first",
        )
    elif command not in {"hook", "ignored", "feedback"}:
        group.add_argument(
            "--engine",
            choices=ENGINES,
            metavar="NAME",
            help="who answers: auto (a local model if there is one), instant (no model), ollama, openai, "
            "transformers; an engine named here must answer, else the command fails",
        )
    group.add_argument(
        "--config", type=Path, metavar="FILE", help="read FILE in place of your own config.toml"
    )
    return common


def _discard_output() -> None:
    """Python flushes standard output once more at exit; let that go nowhere instead of failing again."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
