"""`devrouter model`: make the model that answers beside the instant engine."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from devrouter.cli.asker import Asker
from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.cli.terminal import Style, note, put, visible

if TYPE_CHECKING:
    import argparse

    from tqdm import tqdm

    from devrouter.engines.ollama import OllamaOptions
    from devrouter.engines.setup import Proof, Step

NAME = "devrouter"
HELP = "set up the model in Ollama"
DESCRIPTION = (
    "`setup` fetches or imports the model's GGUF, tells Ollama the prompt that is baked into it (an import "
    "loses it) and proves the result with one real decision. An existing model of the same name is replaced "
    "only after that."
)
EXAMPLES = """\
examples:
  devrouter model setup                               fetches the published model, 1.6 GB
  devrouter model setup --from DevRouter-Q8_0.gguf    imports a file
  devrouter model setup --from my/model:q8_0          takes a model that Ollama has, or pulls it
  devrouter model setup --from FILE.gguf --print      only shows the Modelfile
"""

_LOADING = 300.0  # Seconds that a first decision may take: the model is loaded from disk.


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["setup"], help="what to do")
    parser.add_argument(
        "--from", dest="source", metavar="NAME|FILE.gguf", help="the model's file, or its name in Ollama"
    )
    parser.add_argument(
        "--system",
        type=Path,
        metavar="FILE",
        help="the system prompt the model was tuned with, where its GGUF has lost it",
    )
    parser.add_argument("--print", action="store_true", help="show the Modelfile and do nothing")


def run(arguments: argparse.Namespace) -> ExitStatus:
    import asyncio

    from devrouter.app.engines import ollama_options
    from devrouter.engines import setup

    settings = Asker(arguments).settings(None)
    options = replace(
        ollama_options(settings), model=NAME, first_token_timeout=_LOADING, total_timeout=_LOADING
    )
    source = _source(arguments.source or setup.DEFAULT_SOURCE)
    system = _text(arguments.system)
    if arguments.print:
        origin, plan = asyncio.run(setup.plan_for(source, system, options))
        put(plan.modelfile(origin).removesuffix("\n"), sys.stdout)
        _warn(plan.warning)
        return ExitStatus.OK
    _tell(asyncio.run(_set_up(source, system, options)))
    if settings.ollama.model != NAME:
        note(f"the setting `ollama.model` still names {settings.ollama.model!r}, not {NAME!r}")
    return ExitStatus.OK


def _source(written: str) -> str | Path:
    """A file where one is meant: Ollama's names do not end in .gguf."""
    path = Path(written).expanduser()
    return path if path.suffix.lower() == ".gguf" or path.is_file() else written


def _text(file: Path | None) -> str | None:
    try:
        return None if file is None else file.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(ExitStatus.INPUT, f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(ExitStatus.INPUT, f"{file}: is not UTF-8 text") from None


async def _set_up(source: str | Path, system: str | None, options: OllamaOptions) -> Proof:
    from devrouter.engines import setup

    progress = _Progress()
    try:
        return await setup.set_up(source, system, options, progress.show)
    finally:
        progress.close()


def _tell(proof: Proof) -> None:
    style = Style.of(sys.stdout)
    decision, verification = proof.answer.decision, proof.verification
    labels = f"{decision.intent} · {decision.complexity} → {decision.route}"
    put(
        f"{style.green('✓')} {NAME} ({verification.quantization}) is set up: {verification.reason}.",
        sys.stdout,
    )
    put(f"  its first decision took {proof.answer.milliseconds / 1000:.1f} s: {labels}", sys.stdout)
    _warn(proof.plan.warning)


def _warn(warning: str | None) -> None:
    if warning:
        note(warning, level="warning")


class _Progress:
    """A line for each step on standard error, and a bar where bytes are counted and someone watches."""

    def __init__(self) -> None:
        self._text = ""
        self._bar: tqdm[NoReturn] | None = None

    def show(self, step: Step) -> None:
        if step.text != self._text:
            self.close()
            self._text = step.text
            if step.total and sys.stderr.isatty():
                from tqdm import tqdm

                text = visible(step.text)
                self._bar = tqdm(desc=text, total=step.total, unit="B", unit_scale=True, leave=False)
            else:
                note(step.text)
        if self._bar is not None and step.done is not None:
            self._bar.update(step.done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
