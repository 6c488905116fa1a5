"""Virtual environments for this repository, in the user's own cache folder, made once and kept.

Run by whatever Python the user has, so everything up to the version check is plain, old syntax.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.version_info < (3, 11):  # noqa: UP036 - The very point: an older Python must read this and be told.
    sys.exit(
        "DevRouter needs Python 3.11 or newer, and this is Python %d.%d (%s).\n"  # noqa: UP031
        "Run the same command with a newer one, for example: python3.11 %s"
        % (sys.version_info[0], sys.version_info[1], sys.executable, sys.argv[0])
    )

ROOT = Path(__file__).resolve().parents[1]

TEST_TOOLS = ("pytest", "pytest-asyncio", "pytest-timeout", "xllamacpp")
"""What of the extra `test` the tests of the training pipeline use."""
UNUSED_FOR = 14 * 24 * 3600
"""Seconds after which what clones share goes if none of them used it."""


class NotMade(SystemExit):
    """An environment cannot be made. Where nobody catches it, the process ends with this sentence."""


def cache_folder() -> Path:
    """The user's cache folder for this product, by the rules of the platform."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "devrouter"


def python_with(*extras: str) -> Path:
    """The interpreter of an environment that holds this repository, editable, with these extras.

    The environment belongs to one clone, one interpreter and one pyproject.toml: when any of them changes,
    a new one is made and the old one goes. A marker is written last, so half an environment is never used.
    Raises `NotMade`.
    """
    folder = cache_folder() / "environments"
    clone = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
    contents = "\n".join(
        [sys.version, sys.base_prefix, (ROOT / "pyproject.toml").read_text(encoding="utf-8")]
    )
    name = "-".join([clone, *(extras or ["plain"])])
    home = folder / f"{name}-{hashlib.sha256(contents.encode()).hexdigest()[:12]}"
    marker = home / "complete"
    if not marker.exists():
        _remove_superseded(folder, name)
        target = f".[{','.join(extras)}]" if extras else "."
        _make(home, ["--editable", target], "a minute or so")
        marker.write_text(str(ROOT), encoding="utf-8")
    return _python_of(home)


def python_for_training() -> Path:
    """The interpreter of an environment that holds what `scripts/train/` needs, torch first of all.

    All clones share it, for it is large: on Linux torch brings CUDA's libraries, 3 GB to fetch and 6 GB on
    the disk, and loads them where there is no GPU, too. So it holds the requirements and not the repository,
    which is reached by `training_variables`. It belongs to one interpreter and one list of requirements, and
    goes when nobody used it for two weeks. Raises `NotMade`.
    """
    folder = cache_folder() / "environments"
    requirements = _requirements_of_training()
    contents = "\n".join([sys.version, sys.base_prefix, *requirements])
    home = folder / f"training-{hashlib.sha256(contents.encode()).hexdigest()[:12]}"
    marker = home / "complete"
    with one_at_a_time(folder / "training.lock"):
        if not marker.exists():
            remove_unused(folder, "training-*")
            _make(home, ["--no-cache-dir", *requirements], "3 GB are fetched; five minutes or so")
            marker.touch()
    os.utime(home)
    return _python_of(home)


def training_variables() -> dict[str, str]:
    """The environment variables with which that interpreter finds the product in this repository."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "server")}


@contextmanager
def one_at_a_time(lock: Path) -> "Iterator[None]":
    """Of two clones that want the same thing made, the second waits and finds it made."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def remove_unused(folder: Path, pattern: str) -> None:
    """Drop folders that all clones share, whole or half made, and that nobody used for two weeks."""
    for shared in folder.glob(pattern):
        if shared.is_dir() and time.time() - shared.stat().st_mtime > UNUSED_FOR:
            shutil.rmtree(shared, ignore_errors=True)


def run(*command: object, env: dict[str, str] | None = None, quiet: bool = False) -> int:
    """Run a command in the repository and return its exit status; `quiet` drops its standard output."""
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=env, stdout=output, check=False
    ).returncode


def tell(message: str) -> None:
    """One line about what happens next; on standard error, for standard output is the command's."""
    print(message, file=sys.stderr, flush=True)


def _remove_superseded(folder: Path, name: str) -> None:
    """Drop what this clone made before, whole or half made, and what belongs to a clone that is gone."""
    for home in folder.glob("*-*"):
        marker = home / "complete"
        owner = marker.read_text(encoding="utf-8") if marker.exists() else ""
        if home.name.startswith(f"{name}-") or (owner and not Path(owner).exists()):
            shutil.rmtree(home, ignore_errors=True)


def _requirements_of_training() -> list[str]:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    tools = [line for line in extras["test"] if re.split(r"[^\w-]", line)[0] in TEST_TOOLS]
    wanted = [line for name in ("train", "eval", "transformers") for line in extras[name]]
    return [*project["dependencies"], *wanted, *tools]


def _python_of(home: Path) -> Path:
    return home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _make(home: Path, packages: list[str], effort: str) -> None:
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        raise NotMade(
            "This Python cannot make virtual environments: its `venv` or `ensurepip` module is missing.\n"
            f"On Debian and Ubuntu: sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        ) from None
    tell(f"Making an environment in {home} (once; {effort}) ...")
    home.parent.mkdir(parents=True, exist_ok=True)
    venv.create(home, with_pip=True, clear=True)
    pip = [_python_of(home), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if run(*pip, *packages) != 0:
        shutil.rmtree(home, ignore_errors=True)
        raise NotMade(
            "\nThe packages could not be installed; pip's reason stands above.\n"
            "Without a network connection this cannot work; behind a proxy or a mirror, set it for pip"
            " (HTTPS_PROXY, PIP_INDEX_URL). Then run the same command again."
        )
