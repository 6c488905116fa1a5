"""`devrouter eval`: how good engines are on labelled prompts; an interrupted run goes on from there."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from devrouter import __version__
from devrouter.cli.asker import Asker, status_of, with_mend
from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.cli.terminal import note, plural, progress_bar, put
from devrouter.engines.engine import EngineError, EngineUnreachable, Health

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Sequence

    from devrouter.app.settings import Settings
    from devrouter.engines.engine import Engine
    from devrouter.evaluation.report import Answered, Report
    from devrouter.evaluation.rows import Gold, GoldRow, Header, RowAnswer

HELP = "how good engines are, on labelled prompts; resumable"
DESCRIPTION = """\
Asks each engine every row of DATA.jsonl and compares its answers with the row's labels: {"id", "text",
"intent", "complexity", "route", "missing": [{"phrase", "kind"}]}. "form": "agent" marks the draft of a coding
agent, "paraphrase" is the text in other words. Each engine is measured alone, without what the application
adds.

Writes report.json, report.md, plots, and each engine's answers, which hold no prompt but its rewrite; prints
the report. Stopped by whatever means, the same command goes on where it stopped. Answers to other data, or of
another version, are given anew.
"""
EXAMPLES = """\
examples:
  devrouter eval labelled.jsonl
  devrouter eval labelled.jsonl --engine instant --engine ollama     tests the second against the first
  devrouter eval labelled.jsonl --answers guess=answers-guess.jsonl  adds what another program answered
  devrouter eval labelled.jsonl --robustness -o reports              also with typos, in capitals, politely

exit status: 0 measured, 3 a row or an answer is broken, 9 its packages are not installed, others as in
`devrouter --help`
"""

_LIBRARIES = {"matplotlib": "matplotlib", "sklearn": "scikit-learn", "scipy": "scipy"}
"""The packages of the extra `eval`, by the name they are imported by."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DATA.jsonl", help="the labelled rows")
    parser.add_argument(
        "--answers",
        action="append",
        type=_named_file,
        default=[],
        metavar="NAME=FILE.jsonl",
        help="answers that another program wrote, in the form of this command's own; may be given again",
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("evaluation"), metavar="FOLDER", help="default: evaluation"
    )
    parser.add_argument(
        "--robustness", action="store_true", help="also ask with the texts changed: typos, case, paraphrases"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="for the typos; default: 0")


def run(arguments: argparse.Namespace) -> ExitStatus:
    _require_libraries()
    engines = list(dict.fromkeys(arguments.engines or ["instant"]))
    _require_different([*engines, *(name for name, _ in arguments.answers)])
    import asyncio

    from devrouter.evaluation.report import Report
    from devrouter.evaluation.rows import read_gold

    with _told(ExitStatus.INPUT):
        gold = read_gold(arguments.data.read_bytes(), str(arguments.data))
        given = [_read(name, file, gold) for name, file in arguments.answers]
    with _told(ExitStatus.OUTPUT):
        arguments.output.mkdir(parents=True, exist_ok=True)
    settings = Asker(argparse.Namespace(engine=None, config=arguments.config)).settings(None)
    with asyncio.Runner() as runner:
        asked = [_ask(replace(settings, engine=name), gold, arguments, runner) for name in engines]
    command = shlex.join(["devrouter", *sys.argv[1:]])
    report = Report.of(gold, command, [*asked, *given])
    with _told(ExitStatus.OUTPUT):
        _write(report, arguments.output)
    put(report.to_markdown().rstrip("\n"), sys.stdout)
    return ExitStatus.OK


def _read(name: str, file: Path, gold: Gold) -> Answered:
    """What another program answered."""
    from devrouter.evaluation.report import Answered
    from devrouter.evaluation.rows import read_answers

    header, answers = read_answers(file.read_bytes(), str(file), gold.rows)
    remark = f"Answers of another program, `{header.engine}`, read from `{file}`."
    return Answered(name, header.version, remark, answers, {})


def _ask(settings: Settings, gold: Gold, arguments: argparse.Namespace, runner: asyncio.Runner) -> Answered:
    """What one engine answers, to the rows as they are and, where asked for, to the changed ones."""
    from devrouter.evaluation.perturbations import Change, changed_rows
    from devrouter.evaluation.report import Answered
    from devrouter.evaluation.rows import Header, sha256_of

    name, engine = settings.engine, _engine(settings)
    version = runner.run(_version(engine))

    def answers(rows: Sequence[GoldRow], sha256: str, suffix: str = "") -> list[RowAnswer]:
        file = arguments.output / f"answers-{name}{suffix}.jsonl"
        return _answers(file, Header(name, version, sha256), rows, engine, runner)

    plain = answers(gold.rows, sha256_of(gold.rows))
    changed = {}
    for change in Change if arguments.robustness else ():
        if rows := changed_rows(gold.rows, change, arguments.seed):
            changed[change.value] = rows, answers(rows, sha256_of(rows), f".{change}")
    return Answered(name, version, _remark(engine), plain, changed)


def _answers(
    file: Path, header: Header, rows: Sequence[GoldRow], engine: Engine, runner: asyncio.Runner
) -> list[RowAnswer]:
    """The engine's answers to all rows: those that the file holds, and then the others, kept as they come."""
    from devrouter.cli.batch_state import open_to_go_on
    from devrouter.evaluation.asking import answer_of
    from devrouter.evaluation.rows import AnswersFile

    with _told(ExitStatus.OUTPUT), open_to_go_on(file, "evaluation") as stream:
        kept = AnswersFile(stream, str(file), header, rows)
        if kept.dropped:
            note(f"{file}: begun anew, for {kept.dropped}")
        with progress_bar(len(rows), done=len(kept.answers), title=header.engine) as bar:
            try:
                for row in rows[len(kept.answers) :]:
                    kept.append(runner.run(answer_of(row, engine)))
                    bar.update()
            except (KeyboardInterrupt, EngineError) as error:
                raise _stopped(error, len(kept.answers), file) from None
    return kept.answers


def _stopped(error: KeyboardInterrupt | EngineError, answered: int, file: Path) -> CommandError:
    so_far = f"{plural(answered, 'row')} answered in {file} so far, and the same command goes on from there"
    if isinstance(error, EngineError):
        return CommandError(status_of(error), f"{with_mend(str(error), error.mend)}; {so_far}")
    return CommandError(ExitStatus.INTERRUPTED, f"interrupted; {so_far}")


def _engine(settings: Settings) -> Engine:
    from devrouter.app.engines import build_model_engine
    from devrouter.engines.instant.engine import InstantEngine

    model = build_model_engine(settings)
    if model is not None:
        return model
    instant = InstantEngine()
    instant.load()  # Else the first row's time would hold it.
    return instant


async def _version(engine: Engine) -> str:
    """What tells its answers from those of another version. Raises `EngineError` where it is absent."""
    from devrouter.engines.instant.engine import InstantEngine
    from devrouter.engines.ollama import OllamaEngine, connect

    if isinstance(engine, InstantEngine):
        return engine.version
    state = await engine.state()
    if state.health is Health.ERROR:
        raise EngineUnreachable(state.message, state.mend)
    version = f"{__version__}+{engine.name}"
    if isinstance(engine, OllamaEngine):
        async with connect(engine.endpoint, engine.options) as server:
            model = await server.find(engine.options.model)
        version += f" {model.digest[:12]}" if model else ""
    return version


def _remark(engine: Engine) -> str | None:
    """What a reader must know of a model whose labels are only placeholders."""
    if {"intent", "complexity", "route"} <= engine.fields:
        return None
    return (
        "This model is no verified `devrouter`, so it is asked for the rewrite and what is missing alone: "
        "its intent, complexity and route are placeholders, and their figures say nothing."
    )


def _write(report: Report, folder: Path) -> None:
    from devrouter.evaluation.plots import calibration_svg, confusion_svg

    (folder / "report.json").write_text(report.to_json(), encoding="utf-8")
    (folder / "report.md").write_text(report.to_markdown(), encoding="utf-8")
    for contender in report.contenders:
        name, measures = contender.name, contender.measures
        confusion = confusion_svg(measures.labels["intent"].confusion, f"Intent: {name}")
        (folder / f"confusion-{name}.svg").write_bytes(confusion)
        calibration = calibration_svg(measures.calibration, f"Confidence and being right: {name}")
        (folder / f"calibration-{name}.svg").write_bytes(calibration)


@contextmanager
def _told(status: ExitStatus) -> Iterator[None]:
    """Turn what is wrong with a file into the command's error: an input's, or an output's."""
    from devrouter.evaluation.rows import FileError

    try:
        yield
    except FileError as error:
        raise CommandError(status, str(error)) from None
    except OSError as error:
        verb = "read" if status is ExitStatus.INPUT else "written"
        reason = (error.strerror or str(error)).lower()
        raise CommandError(status, f"{error.filename or 'a file'}: cannot be {verb}: {reason}") from None


def _require_libraries() -> None:
    absent = [shown for name, shown in _LIBRARIES.items() if importlib.util.find_spec(name) is None]
    if absent:
        raise CommandError(
            ExitStatus.EXTRA,
            f"an evaluation needs {', '.join(absent)}; to install what it needs: "
            "pip install 'devrouter-ls[eval]'",
        )


def _require_different(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise CommandError(ExitStatus.USAGE, f"two sets of answers are named {name!r}; rename one")


def _named_file(written: str) -> tuple[str, Path]:
    """`NAME=FILE`. The name becomes part of file names."""
    name, _, file = written.partition("=")
    if not re.fullmatch(r"[\w-]+", name, re.ASCII) or not file:
        raise argparse.ArgumentTypeError(
            f"{written!r} is not NAME=FILE with a name of letters, digits, - and _"
        )
    return name, Path(file)
