"""Style and types: ruff, ruff's formatter and mypy over the whole repository.

python3 scripts/lint.py
"""

import sys

import _environment

CHECKS = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "mypy": ["-m", "mypy", "server", "scripts", "tests"],
}
"""Each check and its arguments to the environment's Python, run in the repository's root."""


def main() -> int:
    python = _environment.python_with("test")
    statuses = {name: _environment.run(python, *arguments) for name, arguments in CHECKS.items()}
    failed = [name for name, status in statuses.items() if status]
    print(f"failed: {', '.join(failed)}" if failed else "all clean")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
