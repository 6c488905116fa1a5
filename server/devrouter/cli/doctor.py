"""`devrouter doctor`: what works, what does not, and the command that mends it."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from devrouter import __version__
from devrouter.cli.asker import Asker
from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.cli.terminal import Style, plural, put, visible
from devrouter.engines.engine import Health

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

HELP = "what works, what does not, and how to mend it"
DESCRIPTION = (
    "Looks at the installation, the engines, the configuration and the editors that have used the server."
)
EXAMPLES = """\
examples:
  devrouter doctor
  devrouter doctor --engine ollama     is the model there and is it the right one
  devrouter doctor --json              the same for a script

exit status: 0 nothing is broken, 4 a configuration file is, 5 the engine is
"""

_DISTRIBUTIONS = ("pygls", "lsprotocol", "pydantic", "watchfiles")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `mend` is the command that repairs it, where there is one."""

    section: str
    name: str
    health: Health
    message: str
    mend: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object, nothing else")


def run(arguments: argparse.Namespace) -> ExitStatus:
    with Asker(arguments, quiet=True) as asker:
        checks = [*_installation(), *_configuration(asker), *_engines(asker), *_editors()]
    if arguments.json:
        put(
            json.dumps({"version": __version__, "checks": [asdict(check) for check in checks]}, indent=2),
            sys.stdout,
        )
    else:
        for line in _report(checks, Style.of(sys.stdout)):
            put(line, sys.stdout)
    broken = {check.section for check in checks if check.health is Health.ERROR}
    if "configuration" in broken:
        return ExitStatus.CONFIGURATION
    return ExitStatus.ENGINE if broken else ExitStatus.OK


def _installation() -> Iterator[Check]:
    from importlib.metadata import PackageNotFoundError, version

    yield Check("installation", "devrouter", Health.OK, f"{__version__}, {sys.prefix}")
    yield Check("installation", "Python", Health.OK, f"{platform.python_version()}, {platform.platform()}")
    for name in _DISTRIBUTIONS:
        try:
            yield Check("installation", name, Health.OK, version(name))
        except PackageNotFoundError:
            mend = f"{sys.executable} -m pip install --force-reinstall devrouter-ls"
            yield Check("installation", name, Health.ERROR, "is not installed", mend)


def _configuration(asker: Asker) -> Iterator[Check]:
    try:
        loaded = asker.loaded_settings(None)
    except CommandError as error:
        yield Check("configuration", "--config", Health.ERROR, str(error))
        return
    for file in loaded.files:
        count = sum(source == str(file) for source in loaded.sources.values())
        yield Check("configuration", str(file), Health.OK, f"sets {plural(count, 'setting')}")
    if not loaded.files:
        yield Check("configuration", "files", Health.OK, "none, so every setting has its default")
    for problem in loaded.problems:
        yield Check("configuration", "problem", Health.WARNING, problem, "devrouter check --show-config")


def _engines(asker: Asker) -> Iterator[Check]:
    try:
        states = asker.engine_states()
    except CommandError:
        return  # The configuration cannot be used, which is reported already.
    for name, state in states.items():
        # The instant engine does the whole job, so an absent model is broken only where it was asked for.
        absent = state.health is Health.ERROR and name != "instant" and not asker.strict
        health = Health.WARNING if absent else state.health
        yield Check("engines", name, health, state.message.removeprefix(f"{name}, "), state.mend)
    if (trial := asker.model_trial()) is not None:
        yield Check("engines", "first decision", trial.health, trial.message, trial.mend)
    if len(states) == 1:
        yield Check("engines", "model", Health.OK, "none is asked")


def _editors() -> Iterable[Check]:
    from devrouter.app.clients import clients_seen, default_clients_file

    file = default_clients_file()
    try:
        clients = clients_seen(file)
    except (OSError, ValueError) as error:
        return [Check("editors", "seen", Health.WARNING, str(error), f"rm '{file}'")]
    if not clients:
        return [Check("editors", "seen", Health.OK, "none yet; README shows how to set yours up")]
    return [
        Check(
            "editors",
            client.name,
            Health.OK,
            f"{client.version or 'version unknown'}, last seen {client.last_seen}",
        )
        for client in clients
    ]


def _report(checks: list[Check], style: Style) -> Iterator[str]:
    marks = {Health.OK: style.green("✓"), Health.WARNING: style.yellow("!"), Health.ERROR: style.red("✗")}
    section = ""
    for check in checks:
        if check.section != section:
            if section:
                yield ""
            section = check.section
            yield style.bold(section)
        yield f"  {marks[check.health]} {visible(check.name)}: {visible(check.message)}"
        if check.mend:
            yield f"      {style.dim('mend it with')} {style.cyan(visible(check.mend))}"
    yield ""
    troubled = [check for check in checks if check.health is not Health.OK]
    yield (
        style.yellow(f"{plural(len(troubled), 'thing')} to look at.")
        if troubled
        else style.green("All is well.")
    )
