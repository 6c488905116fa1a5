"""How long a terminal agent waits for `devrouter hook`, as a ratio to a Python that does nothing.

python scripts/bench/hook.py >> docs/benchmarks.md      (after server.py, which writes the file anew)

Whole processes, from start to end, in turn, so that whatever else the machine does falls on all alike; on a
busy machine only the ratios mean something.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

ROUNDS = 60
PROMPT = "Our nightly import of customer orders has become slow, make it faster. " * 7
SETTINGS = """\
findings.disabled_kinds = ["audience"]
tiers.floor = "medium_api"
ignore = [{kind = "target", phrase = "which file is meant"}]
"""
NOTHING = (sys.executable, "-c", "pass")
HOOK = (sys.executable, "-m", "devrouter", "hook")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "set").mkdir()
        (folder / "set" / ".devrouter.toml").write_text(SETTINGS, encoding="utf-8")
        times = measured(
            {
                "Python that does nothing": (NOTHING, b""),
                "without settings": (HOOK, given(folder)),
                "with settings of the project": (HOOK, given(folder / "set")),
            },
            environment(folder),
        )
    base = times.pop("Python that does nothing")
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print("\n## The hook of terminal agents\n")
    print(
        f"`python scripts/bench/hook.py`: `devrouter hook`, a prompt of {len(PROMPT)} characters, the whole "
        f"process, {ROUNDS} times in turn with `python -c pass`, {os.cpu_count()} cores{load}. "
        "The goal is 200 ms.\n"
    )
    print("| measured | p50 | p95 | `python -c pass`, p50 and p95 | ratio of p50 |\n|---|---|---|---|---|")
    for what, taken in times.items():
        ratio = percentile(taken, 50) / percentile(base, 50)
        print(
            f"| hook, {what} | {percentile(taken, 50):.0f} ms | {percentile(taken, 95):.0f} ms "
            f"| {percentile(base, 50):.0f} ms, {percentile(base, 95):.0f} ms | {ratio:.1f} |"
        )


def given(folder: Path) -> bytes:
    """What the agent writes."""
    return json.dumps({"hook_event_name": "UserPromptSubmit", "prompt": PROMPT, "cwd": str(folder)}).encode()


def environment(folder: Path) -> dict[str, str]:
    """Nobody's settings, and modules compiled once, as in any installation."""
    own = {name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "PYTHONPYCACHEPREFIX")}
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | own


def measured(
    commands: dict[str, tuple[tuple[str, ...], bytes]], variables: dict[str, str]
) -> dict[str, list[float]]:
    """Milliseconds of each call, by what was called; the first call of each compiles and is left out."""
    times: dict[str, list[float]] = {what: [] for what in commands}
    for _ in range(ROUNDS + 1):
        for what, (command, stdin) in commands.items():
            began = perf_counter()
            done = subprocess.run(command, input=stdin, capture_output=True, env=variables, check=True)
            times[what].append((perf_counter() - began) * 1000)
            if stdin and (done.stderr or b"additionalContext" not in done.stdout):
                raise SystemExit(f"the hook did not answer: {done.stderr.decode()}")
    return {what: taken[1:] for what, taken in times.items()}


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


if __name__ == "__main__":
    main()
