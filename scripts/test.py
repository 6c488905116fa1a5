"""Set everything up that the tests need and run them all; arguments go to pytest.

python3 scripts/test.py
python3 scripts/test.py tests/unit -k rewrite

What is missing on this machine skips its tests and says so. With CI=true or DEVROUTER_REQUIRE_ALL=1 a
skipped real part (an editor, a model server) fails the run.
"""

import os
import shutil
import sys

import _environment

SYSTEM_PACKAGES = {"emacs": ["emacs-nox", "elpa-eglot"]}
"""A program that tests need, and the Debian packages that bring it."""


def main() -> int:
    python = _environment.python_with("test")
    provide_system_packages()
    return _environment.run(python, "-m", "pytest", *sys.argv[1:])


def provide_system_packages() -> None:
    """Install what is missing where this may be done, else name it: its tests skip with the reason."""
    missing = [
        package
        for program, packages in SYSTEM_PACKAGES.items()
        if not shutil.which(program)
        for package in packages
    ]
    if not missing:
        return
    if not (shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0):
        _environment.tell(f"Not installed, so some tests will be skipped: {' '.join(missing)}")
        return
    _environment.tell(f"Installing {' '.join(missing)} ...")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *missing]
    if _environment.run("apt-get", "update", "-qq", env=quiet) or _environment.run(*install, env=quiet):
        _environment.tell("apt-get failed; the tests that need these packages will be skipped.")


if __name__ == "__main__":
    sys.exit(main())
