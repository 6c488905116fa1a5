"""Install Node and code-server, a VS Code for the browser, into the user's cache: once, and kept.

python3 scripts/get_code_server.py

It takes about five minutes and 700 MB. The packages are built from source in part, which needs a C++ compiler
and, on Debian, the packages that this names. Prints the folder of Node's programs and code-server's program.
"""

import os
import shutil
import sys
from pathlib import Path

import _environment

NODE = "24.21.0"
CODE_SERVER = "4.139.1"
BUILD_PACKAGES = ("g++", "make", "python3", "libkrb5-dev", "libsecret-1-dev", "libxkbfile-dev")


def main() -> int:
    if not provide():
        return 1
    print(node_folder() / "bin")
    print(code_server())
    return 0


def node_folder() -> Path:
    """Node with its programs in `bin` and its headers, whether or not it is there."""
    packages = _home() / f"node-{NODE}" / "node_modules" / "node" / "node_modules"
    return packages / f"node-{'darwin' if sys.platform == 'darwin' else 'linux'}-{_machine()}"


def code_server() -> Path:
    """code-server's program, whether or not it is there."""
    return _code_server_home() / "bin" / "code-server"


def artifacts() -> Path:
    """Where the workbench's tests leave their screenshots."""
    return _home() / "screenshots"


def is_installed() -> bool:
    return (_code_server_home() / "complete").exists()


def provide() -> bool:
    """Install what is not there; False where that cannot be done, and the reason was told."""
    if is_installed():
        return True
    npm = shutil.which("npm")
    if npm is None:
        _environment.tell("npm is missing, so code-server cannot be installed. On Debian: apt install npm")
        return False
    _environment.tell(f"Installing code-server {CODE_SERVER} into {_home()} (once; about five minutes) ...")
    shutil.rmtree(_code_server_home(), ignore_errors=True)
    node_home = _home() / f"node-{NODE}"
    node_home.mkdir(parents=True, exist_ok=True)
    if _environment.run(npm, "install", "--silent", "--prefix", node_home, f"node@{NODE}") != 0:
        return _failed(f"Node {NODE}")
    environment = {
        **os.environ,
        "PATH": f"{node_folder() / 'bin'}{os.pathsep}{os.environ['PATH']}",
        # A global setting may name the headers of another Node.
        "npm_config_nodedir": str(node_folder()),
    }
    package = f"code-server@{CODE_SERVER}"
    install = [npm, "install", "--silent", "--global", "--prefix", _code_server_home(), package]
    if _environment.run(*install, env=environment) != 0:
        return _failed(f"code-server {CODE_SERVER}")
    # Written last, so that half an installation is never used.
    (_code_server_home() / "complete").touch()
    return True


def _failed(what: str) -> bool:
    _environment.tell(
        f"{what} could not be installed; npm's reason stands above. "
        f"It needs, by their names on Debian: {' '.join(BUILD_PACKAGES)}"
    )
    return False


def _home() -> Path:
    return _environment.cache_folder() / "editors"


def _code_server_home() -> Path:
    return _home() / f"code-server-{CODE_SERVER}"


def _machine() -> str:
    return {"x86_64": "x64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


if __name__ == "__main__":
    sys.exit(main())
