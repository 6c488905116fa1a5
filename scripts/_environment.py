"""A virtual environment for this repository, in the user's own cache folder, made once and kept.

Run by whatever Python the user has, so everything up to the version check is plain, old syntax.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - The very point: an older Python must read this and be told.
    sys.exit(
        "DevRouter needs Python 3.11 or newer, and this is Python %d.%d (%s).\n"  # noqa: UP031
        "Run the same command with a newer one, for example: python3.11 %s"
        % (sys.version_info[0], sys.version_info[1], sys.executable, sys.argv[0])
    )

ROOT = Path(__file__).resolve().parents[1]


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
    Leaves the process with a sentence for the user where it cannot be made.
    """
    folder = cache_folder() / "environments"
    clone = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
    contents = "\n".join(
        [sys.version, sys.base_prefix, (ROOT / "pyproject.toml").read_text(encoding="utf-8")]
    )
    name = "-".join([clone, *(extras or ["plain"])])
    home = folder / f"{name}-{hashlib.sha256(contents.encode()).hexdigest()[:12]}"
    marker = home / "complete"
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not marker.exists():
        _remove_superseded(folder, name)
        _make(home, python, extras)
        marker.write_text(str(ROOT), encoding="utf-8")
    return python


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


def _make(home: Path, python: Path, extras: tuple[str, ...]) -> None:
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        sys.exit(
            "This Python cannot make virtual environments: its `venv` or `ensurepip` module is missing.\n"
            f"On Debian and Ubuntu: sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        )
    tell(f"Making an environment in {home} (once; a minute or so) ...")
    home.parent.mkdir(parents=True, exist_ok=True)
    venv.create(home, with_pip=True, clear=True)
    target = f".[{','.join(extras)}]" if extras else "."
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if run(*pip, "--editable", target) != 0:
        shutil.rmtree(home, ignore_errors=True)
        sys.exit(
            "\nThe packages could not be installed; pip's reason stands above.\n"
            "Without a network connection this cannot work; behind a proxy or a mirror, set it for pip"
            " (HTTPS_PROXY, PIP_INDEX_URL). Then run the same command again."
        )
