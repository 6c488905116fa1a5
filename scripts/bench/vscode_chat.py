"""Typing in VS Code's chat, with DevRouter's hints in the input box and without, by turns in the same run.

python scripts/bench/vscode_chat.py          writes docs/benchmarks-vscode-chat.md

Runs one test of tests/editors/vscode, which needs Chromium and what scripts/get_code_server.py installs. Its
Python has `devrouter` with the test extra.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "docs" / "benchmarks-vscode-chat.md"
TEST = "tests/editors/vscode/test_workbench.py::test_typing_in_the_chat"


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DEVROUTER_ARTIFACTS": folder, "DEVROUTER_REQUIRE_ALL": "1"}
        tests = [sys.executable, "-m", "pytest", "-q", TEST]
        if subprocess.run(tests, cwd=ROOT, env=environment, check=False).returncode != 0:
            return 1
        measured = json.loads((Path(folder) / "chat-typing.json").read_text(encoding="utf-8"))
    REPORT.write_text(report(measured), encoding="utf-8")
    return 0


def report(measured: dict[str, Any]) -> str:
    """The report in Markdown. `without` and `with` are milliseconds, one for each key."""
    without, with_hints = measured["without"], measured["with"]
    rows = []
    for name, rank in (("median", 50), ("of 20 keys, 19 are faster than", 95)):
        before, after = (statistics.quantiles(times, n=100)[rank - 1] for times in (without, with_hints))
        rows.append(f"| {name} | {before:.1f} ms | {after:.1f} ms | {after / before:.2f} |")
    lines = "\n".join(rows)
    machine = f"{platform.machine()} with {os.cpu_count()} cores"
    load = os.getloadavg()[0]
    return f"""# Typing in VS Code's chat

`python scripts/bench/vscode_chat.py`: from a key to its character on the screen, in the chat's input box,
with `devrouter.chat.hints` off and on by turns in one run; {len(without)} keys without and {len(with_hints)}
with hints, 40 ms apart. code-server, driven in Chromium, on {machine}; editor, browser and server share the
cores. Load average after the run: {load:.0f}.

| | without hints | with hints | ratio |
|---|---|---|---|
{lines}
"""


if __name__ == "__main__":
    sys.exit(main())
