"""LiteLLM's keyword scorer as a router, its tiers mapped to ours in the way that favours it most.

    python -m venv keyword && keyword/bin/pip install litellm
    keyword/bin/python scripts/evaluate/keyword_router.py data/test.jsonl -o evaluation/litellm.jsonl

The mapping is chosen on the very rows that are measured, which no honest router could do. The scorer knows no
intent, no complexity and no gaps: the answers hold the most frequent ones.
"""

from __future__ import annotations

import argparse
from collections import Counter
from importlib.metadata import version
from itertools import combinations_with_replacement
from pathlib import Path
from time import perf_counter

from answers import answer, read_rows, write_answers
from litellm.router_strategy.complexity_router.complexity_router import ComplexityRouter

TIERS = ("SIMPLE", "MEDIUM", "COMPLEX", "REASONING")
ROUTES = ("small_local", "medium_api", "large_api")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    rows = read_rows(options.data)
    router = ComplexityRouter("router", None)
    tiers, times = [], []
    for row in rows:
        began = perf_counter()
        tiers.append(router.classify(row["text"])[0].value)
        times.append((perf_counter() - began) * 1000)
    gold = [row["route"] for row in rows]
    mappings = [
        dict(zip(TIERS, routes, strict=True)) for routes in combinations_with_replacement(ROUTES, len(TIERS))
    ]
    best = max(
        mappings, key=lambda to: sum(to[tier] == right for tier, right in zip(tiers, gold, strict=True))
    )
    print(f"tiers mapped as {best}")
    usual = {
        name: Counter(row[name] for row in rows).most_common(1)[0][0] for name in ("intent", "complexity")
    }
    lines = [
        answer(row, {**usual, "route": best[tier]}, milliseconds=time)
        for row, tier, time in zip(rows, tiers, times, strict=True)
    ]
    write_answers(options.output, "litellm", version("litellm"), options.data, lines)


if __name__ == "__main__":
    main()
