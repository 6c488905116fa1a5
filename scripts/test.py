"""Set everything up that the tests need and run them all; arguments go to pytest.

python3 scripts/test.py
python3 scripts/test.py tests/unit -k rewrite

What is fetched or built goes into the user's cache folder, once. What cannot be had on this machine skips its
tests and says so. With CI=true or DEVROUTER_REQUIRE_ALL=1 a skipped real part (an editor, a model server)
fails the run. The tests of `tests/train` need torch: they run first, in an environment of their own that all
clones of this repository share, and what they make is asked by those of `tests/runtime`.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import _environment


class Part(NamedTuple):
    """What some of the tests need beside Python packages.

    `packages` maps a program or file to the Debian packages that bring it; `scripts` fetch or build the rest.
    """

    tests: str
    packages: dict[str, str]
    scripts: list[str]


PARTS = (
    Part("tests/editors/test_editors.py", {"emacs": "emacs-nox elpa-eglot"}, []),
    Part(
        "tests/editors/vscode",
        {
            "chromium": "chromium fonts-dejavu-core",
            "g++": "g++ make",
            "/usr/include/krb5.h": "libkrb5-dev",
            "/usr/include/libsecret-1/libsecret/secret.h": "libsecret-1-dev",
            "/usr/include/X11/extensions/XKBfile.h": "libxkbfile-dev",
        },
        ["get_code_server.py"],
    ),
    Part("tests/runtime", {"g++": "g++ make"}, ["runtime/get_model.py smollm2", "runtime/get_ollama.py"]),
    Part("tests/train", {"g++": "g++ make"}, ["runtime/get_model.py smollm2", "runtime/get_ollama.py"]),
)


TRAINING = "tests/train"
USING_TRAINING = (TRAINING, "tests/runtime")
NOTHING_SELECTED = 5
"""Pytest's exit status where no test is left."""


def main() -> int:
    arguments = sys.argv[1:]
    python = _environment.python_with("test")
    wanted = [part for part in PARTS if is_selected(part.tests, arguments)]
    provide_packages({sign: names for part in wanted for sign, names in part.packages.items()})
    for script in dict.fromkeys(script for part in wanted for script in part.scripts):
        file, *options = script.split()
        if _environment.run(python, _environment.ROOT / "scripts" / file, *options, quiet=True):
            _environment.tell(f"scripts/{file} failed; the tests that need it will be skipped.")
    trainer = trained_model() if any(is_selected(tests, arguments) for tests in USING_TRAINING) else None
    statuses = []
    others: list[str] | None = arguments
    if trainer and is_selected(TRAINING, arguments):
        training, others = parted(arguments)
        variables = _environment.training_variables()
        statuses.append(_environment.run(trainer, "-m", "pytest", *training, env=variables))
    if others is not None:
        statuses.append(_environment.run(python, "-m", "pytest", *others))
    return max((status for status in statuses if status != NOTHING_SELECTED), default=NOTHING_SELECTED)


def trained_model() -> Path | None:
    """The interpreter that has torch, once a tiny model was trained with it; None where it cannot be had."""
    try:
        python = _environment.python_for_training()
    except _environment.NotMade as why:
        _environment.tell(f"{why}\nSo nothing can be trained here; the tests that need it will be skipped.")
        return None
    script = _environment.ROOT / "scripts" / "train" / "run_tiny.py"
    if _environment.run(python, script, env=_environment.training_variables(), quiet=True):
        _environment.tell(
            "scripts/train/run_tiny.py failed; the tests of what it makes will fail or be skipped."
        )
    return python


def parted(arguments: list[str]) -> tuple[list[str], list[str] | None]:
    """Pytest's arguments for the tests of training, and for all others; None where no others are wanted."""
    mine = _environment.ROOT / TRAINING
    paths = [argument for argument in arguments if path_of(argument)]
    inside = [argument for argument in paths if (path := path_of(argument)) and path.is_relative_to(mine)]
    outside = [argument for argument in paths if argument not in inside]
    options = [argument for argument in arguments if argument not in paths]
    others = [*options, f"--ignore={TRAINING}", *outside]
    return [*options, *(inside or [TRAINING])], others if outside or not inside else None


def is_selected(tests: str, arguments: list[str]) -> bool:
    """True unless pytest is told to run other files and folders only."""
    paths = [path for argument in arguments if (path := path_of(argument))]
    mine = _environment.ROOT / tests
    return not paths or any(mine.is_relative_to(path) or path.is_relative_to(mine) for path in paths)


def path_of(argument: str) -> Path | None:
    """The file or folder of tests that an argument names, or None for any other argument."""
    path = (_environment.ROOT / argument.partition("::")[0]).resolve()
    return path if path.exists() and path.is_relative_to(_environment.ROOT / "tests") else None


def provide_packages(packages: dict[str, str]) -> None:
    """Install what is missing where this may be done, else name it."""
    missing = [name for sign, names in packages.items() if not is_here(sign) for name in names.split()]
    if not missing:
        return
    if not (shutil.which("apt-get") and os.geteuid() == 0):
        _environment.tell(f"Not installed, so some tests may be skipped: {' '.join(missing)}")
        return
    _environment.tell(f"Installing {' '.join(missing)} ...")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *missing]
    for command in (["apt-get", "update", "-qq"], install):
        if _environment.run(*command, env=quiet, quiet=True):
            _environment.tell("apt-get failed; the tests that need these packages will be skipped.")
            return


def is_here(sign: str) -> bool:
    return bool(shutil.which(sign)) or Path(sign).is_file()


if __name__ == "__main__":
    sys.exit(main())
