"""Write the generated parts of README.md: the transcript, the settings and the exit statuses.

python3 scripts/readme.py

Each stands between `<!-- NAME: generated -->` and `<!-- end -->`. A test fails while any of them is stale.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import _environment

README = _environment.ROOT / "README.md"
TRANSCRIPT = (
    "devrouter check examples/notes.md",
    "devrouter check --diff examples/threads.prompt.txt",
    "devrouter check --fill --diff examples/import-tests.prompt.md",
)
_PART = re.compile(r"(<!-- (\w+): generated -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    python = _environment.python_with("test")
    if Path(sys.prefix) != python.parents[1]:  # Start again where the package is installed.
        return _environment.run(python, __file__)
    README.write_text(regenerated(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def regenerated(text: str) -> str:
    """README's text with every generated part made anew."""
    parts = {"transcript": transcript, "settings": settings, "statuses": statuses}
    return _PART.sub(lambda found: f"{found[1]}\n{parts[found[2]]()}\n\n{found[3]}", text)


def transcript() -> str:
    """What the command line really prints for some of the examples, without a model."""
    shown = [f"$ {command}\n{_output(command)}" for command in TRANSCRIPT]
    return "```console\n" + "\n\n".join(shown) + "\n```"


def settings() -> str:
    """The table of settings, from the one place that defines them."""
    from devrouter.app.settings import Scope
    from devrouter.app.settings_table import all_settings, plain

    rows = ["| setting | default | what it does |", "|---|---|---|"]
    for setting in all_settings().values():
        default = _toml(plain(setting.default))
        owner = "" if setting.scope is Scope.RESOURCE else " *"
        rows.append(f"| `{setting.key}`{owner} | {default} | {setting.description} |")
    return "\n".join(rows)


def statuses() -> str:
    """The table of exit statuses."""
    from devrouter.cli.exit_status import ExitStatus

    rows = [f"| {status.value} | {status.meaning} |" for status in ExitStatus]
    return "\n".join(["| status | meaning |", "|---|---|", *rows])


def _output(command: str) -> str:
    """What the command prints where nobody has configured anything but the absence of a model."""
    program, *arguments = command.split()
    with tempfile.TemporaryDirectory() as home:
        config = Path(home) / "config.toml"
        config.write_text('engine = "instant"\n', encoding="utf-8")
        done = subprocess.run(
            [Path(sys.executable).with_name(program), *arguments, "--config", config],
            cwd=_environment.ROOT,
            env={**os.environ, "HOME": home, "XDG_STATE_HOME": home, "COLUMNS": "100", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return done.stdout.strip()


def _toml(value: object) -> str:
    """A default as one writes it in TOML; nothing where there is none."""
    match value:
        case None | "":
            return ""
        case bool() | list():
            return f"`{str(value).lower()}`"
        case int() | float():
            return f"`{value}`"
        case _:
            return f'`"{value}"`'


if __name__ == "__main__":
    sys.exit(main())
