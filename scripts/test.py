"""Set everything up that the tests need and run them all; arguments go to pytest.

python3 scripts/test.py
python3 scripts/test.py tests/unit -k rewrite

What is fetched or built goes into the user's cache folder, once. What cannot be had on this machine skips its
tests and says so. With CI=true or DEVROUTER_REQUIRE_ALL=1 a skipped real part (an editor, a model server)
fails the run.
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
)


def main() -> int:
    python = _environment.python_with("test")
    wanted = [part for part in PARTS if is_selected(part.tests, sys.argv[1:])]
    provide_packages({sign: names for part in wanted for sign, names in part.packages.items()})
    for script in dict.fromkeys(script for part in wanted for script in part.scripts):
        file, *arguments = script.split()
        if _environment.run(python, _environment.ROOT / "scripts" / file, *arguments, quiet=True):
            _environment.tell(f"scripts/{file} failed; the tests that need it will be skipped.")
    return _environment.run(python, "-m", "pytest", *sys.argv[1:])


def is_selected(tests: str, arguments: list[str]) -> bool:
    """True unless pytest is told to run other files and folders only."""
    given = [Path(argument.split("::")[0]) for argument in arguments]
    paths = [path.resolve() for path in given if (_environment.ROOT / path).exists()]
    mine = _environment.ROOT / tests
    return not paths or any(mine.is_relative_to(path) or path.is_relative_to(mine) for path in paths)


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
