"""The language server against a bare pygls server and `ruff server`, as ratios within one run.

python scripts/bench/server.py > docs/benchmarks.md      (where `pip install -e .[test]` was done)
python scripts/bench/hook.py >> docs/benchmarks.md

Times are wall-clock. Servers take turns, so that whatever else the machine does falls on all alike; on a busy
machine only the ratios mean something.
"""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from client import Client

BIN = Path(sys.executable).parent
BARE = Path(__file__).with_name("bare_server.py")
SENTENCE = "My Flask app crashes when I upload a big file and the log says nothing about why it does so. "
CODE = "import os\nimport sys\nvalue = undefined_name + 1\n"

STARTS = 15
CHANGES = 300
BURST = 200


class Contender(NamedTuple):
    """A server to measure, and a text of about 1,500 characters that it has findings for."""

    command: tuple[str, ...]
    language: str
    file: str
    text: str


class Row(NamedTuple):
    """One line of the table."""

    what: str
    ours: str
    others: str
    ratio: str
    goal: str


DEVROUTER = Contender(
    (str(BIN / "devrouter"), "serve", "--engine", "instant"), "prompt", "draft.prompt.md", SENTENCE * 16
)
BARE_PYGLS = Contender((sys.executable, str(BARE)), "prompt", "draft.prompt.md", SENTENCE * 16)
RUFF = Contender((str(BIN / "ruff"), "server"), "python", "module.py", CODE * 32)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_STATE_HOME"] = folder
        root = Path(folder).as_uri()
        rows = [
            await start_up(root),
            *await change_to_diagnostics(root, 500, "≤ 30 ms"),
            *await change_to_diagnostics(root, 6_000, "≤ 60 ms"),
            await burst(root),
            *instant_decision(),
            await loading(),
            *await memory(root),
        ]
    print("# Benchmarks of the language server\n")
    print("Made by `python scripts/bench/server.py`; every number of a row is from the same run.\n")
    print(f"Machine: {_machine()}\n")
    print("| measured | DevRouter | compared with | ratio | goal |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


async def start_up(root: str) -> Row:
    """From the start of the process to the result of `initialize`."""
    times: dict[Contender, list[float]] = {DEVROUTER: [], BARE_PYGLS: []}
    for _ in range(STARTS):
        for contender, taken in times.items():
            began = perf_counter()
            client = await Client.start(contender.command, root, {})
            taken.append(perf_counter() - began)
            await client.stop()
    ours, bare = (statistics.median(taken) * 1000 for taken in times.values())
    return Row(
        f"start to `initialize` result, median of {STARTS}",
        f"{ours:.0f} ms",
        f"bare pygls {bare:.0f} ms",
        f"{ours / bare:.2f}",
        "≤ 1.25",
    )


async def change_to_diagnostics(root: str, length: int, goal: str) -> list[Row]:
    """From sending `didChange` to `publishDiagnostics` for it, one keystroke at a time."""
    contenders = {
        "ours": _of_length(DEVROUTER, length),
        "bare": _of_length(BARE_PYGLS, length),
        "ruff": _of_length(RUFF, length),
    }
    clients = {name: await _opened(contender, root) for name, contender in contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for version in range(2, CHANGES + 2):
        for name, (client, uri) in clients.items():
            text = _typed(contenders[name], version)
            began = perf_counter()
            published = client.change(uri, version, text)
            times[name].append(await asyncio.wait_for(published, 60) - began)
    for client, _ in clients.values():
        await client.stop()
    goals = {50: "", 95: goal}
    return [_latency_row(times, length, percent, goal) for percent, goal in goals.items()]


async def burst(root: str) -> Row:
    """Keystrokes faster than anyone types: how long after the last one its findings stand."""
    waits = {}
    for name, contender in (("ours", DEVROUTER), ("bare", BARE_PYGLS)):
        client, uri = await _opened(contender, root)
        for version in range(2, BURST + 2):
            published = client.change(uri, version, _typed(contender, version))
            last = perf_counter()
            await asyncio.sleep(0.002)
        waits[name] = (await asyncio.wait_for(published, 60) - last) * 1000
        await client.stop()
    return Row(
        f"`didChange` every 2 ms, {BURST} times: last change to its `publishDiagnostics`",
        f"{waits['ours']:.1f} ms",
        f"bare pygls {waits['bare']:.1f} ms",
        f"{waits['ours'] / waits['bare']:.2f}",
        "no queue",
    )


def instant_decision() -> list[Row]:
    """The embedded engine alone, on drafts of two lengths that differ from call to call."""
    from devrouter.core.draft import Destination, Draft
    from devrouter.engines.instant.engine import InstantEngine

    engine = InstantEngine()
    engine.load()

    def p95(length: int) -> float:
        times = []
        for number in range(200):
            text = f"{number} {SENTENCE * (length // len(SENTENCE) + 1)}"[:length]
            draft = Draft(text=text, version=number, language="en", destination=Destination.CHAT)
            began = perf_counter()
            engine.answer(draft)
            times.append(perf_counter() - began)
        return _percentile(times, 95) * 1000

    short, long = p95(500), p95(6_000)
    return [
        Row("instant decision, 500 characters, p95", f"{short:.1f} ms", "", "", "≤ 20 ms"),
        Row(
            "instant decision, 6,000 characters, p95",
            f"{long:.1f} ms",
            f"500 characters {short:.1f} ms",
            f"{long / short:.1f}",
            "≤ 50 ms",
        ),
    ]


async def loading() -> Row:
    """Reading the engine's weights in a process that has not imported numpy yet, as in the background."""
    code = (
        "from time import perf_counter; from devrouter.engines.instant.engine import InstantEngine; "
        "began = perf_counter(); InstantEngine().load(); print(perf_counter() - began)"
    )
    times = []
    for _ in range(5):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        times.append(float(output) * 1000)
    return Row(
        "loading the instant engine, median of 5", f"{statistics.median(times):.0f} ms", "", "", "< 500 ms"
    )


async def memory(root: str) -> list[Row]:
    """Resident memory after so many edits, each answered before the next."""
    resident: dict[int, dict[str, float]] = {1_000: {}, 10_000: {}}
    for name, contender in (("ours", DEVROUTER), ("bare", BARE_PYGLS)):
        client, uri = await _opened(contender, root)
        for version in range(2, 10_002):
            await asyncio.wait_for(client.change(uri, version, _typed(contender, version)), 60)
            if version - 1 in resident:
                resident[version - 1][name] = client.resident_megabytes()
        await client.stop()
    growth = resident[10_000]["ours"] / resident[1_000]["ours"]
    return [
        Row(
            f"resident memory after {edits:,} edits",
            f"{used['ours']:.0f} MiB",
            f"bare pygls {used['bare']:.0f} MiB",
            f"{used['ours'] / used['bare']:.2f}",
            "≤ 150 MiB more",
        )
        for edits, used in resident.items()
    ] + [Row("growth from 1,000 to 10,000 edits", f"{growth:.2f}", "", "", "none")]


async def _opened(contender: Contender, root: str) -> tuple[Client, str]:
    client = await Client.start(contender.command, root, {"engine": "instant"})
    uri = f"{root}/{contender.file}"
    client.open(uri, contender.language, contender.text)
    await asyncio.wait_for(client.change(uri, 1, contender.text), 60)
    return client, uri


def _typed(contender: Contender, version: int) -> str:
    """The text with a word of its own for each version, so that no server has seen it before."""
    return f"{contender.text}# {version}\n"


def _of_length(contender: Contender, length: int) -> Contender:
    """With so many characters of its text, repeated or cut."""
    return contender._replace(text=(contender.text * (length // len(contender.text) + 1))[:length] + "\n")


def _latency_row(times: dict[str, list[float]], length: int, percent: int, goal: str) -> Row:
    ours, bare, ruff = (_percentile(taken, percent) * 1000 for taken in times.values())
    return Row(
        f"`didChange` to `publishDiagnostics`, {length:,} characters, p{percent} of {CHANGES}",
        f"{ours:.1f} ms",
        f"bare pygls {bare:.1f} ms, ruff server {ruff:.1f} ms",
        f"{ours / bare:.2f}, {ours / ruff:.2f}",
        goal,
    )


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def _machine() -> str:
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}{load}."


if __name__ == "__main__":
    asyncio.run(main())
