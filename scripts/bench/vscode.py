"""The VS Code extension in a real workbench, measured; and its pictures for the client's README.

python scripts/bench/vscode.py               writes docs/benchmarks-vscode.md
python scripts/bench/vscode.py --pictures    also copies the screenshots to vscode-client/images/

Runs tests/editors/vscode, which needs Chromium and what scripts/get_code_server.py installs. Its Python has
`devrouter` with the test extra.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "docs" / "benchmarks-vscode.md"
IMAGES = ROOT / "vscode-client" / "images"
PICTURES = ("findings", "quick-fix", "rewrite", "tiers", "send", "chat", "auto")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", action="store_true", help="copy the screenshots too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        artifacts = Path(folder)
        tests = [sys.executable, "-m", "pytest", "-q", "tests/editors/vscode/test_workbench.py"]
        environment = {**os.environ, "DEVROUTER_ARTIFACTS": folder, "DEVROUTER_REQUIRE_ALL": "1"}
        if subprocess.run(tests, cwd=ROOT, env=environment, check=False).returncode != 0:
            return 1
        measured = json.loads((artifacts / "measurements.json").read_text(encoding="utf-8"))
        REPORT.write_text(report(measured), encoding="utf-8")
        if arguments.pictures:
            IMAGES.mkdir(exist_ok=True)
            for name in PICTURES:
                shutil.copy(artifacts / f"{name}.png", IMAGES)
    return 0


def report(measured: dict[str, float]) -> str:
    """The report in Markdown. Times are in milliseconds, the bundle's size in bytes."""
    own = measured["prompt"] - measured["plain"]
    rows = {
        "from opening the first prompt file to the status text, extension and server started on the way": (
            f"{measured['cold'] / 1000:.1f} s"
        ),
        "the same for the second prompt file": f"{measured['warm']:.0f} ms",
        "the extension host's own time per keystroke in a prompt": f"{measured['prompt']:.1f} ms",
        "of that, what a keystroke in a plain text file takes": f"{measured['plain']:.1f} ms",
        "so the extension's part": f"{own:.1f} ms",
        "the extension's bundle": f"{measured['bundle'] / 1000:.0f} kB",
    }
    lines = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    machine = f"{platform.machine()} with {os.cpu_count()} cores"
    return f"""# Benchmarks of the VS Code extension

`python scripts/bench/vscode.py`: the packaged extension in code-server, driven in Chromium, on {machine}.
Editor, browser and server share the cores. One run; the keystrokes are {measured["keys"]} at 30 ms.

| what | measured |
|---|---|
{lines}
"""


if __name__ == "__main__":
    sys.exit(main())
