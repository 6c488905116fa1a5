"""What holds for every test: directories of its own, and real parts that may not be skipped in CI."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime import get_model

if TYPE_CHECKING:
    from collections.abc import Generator

REQUIRE_ALL = bool(os.environ.get("CI") == "true" or os.environ.get("DEVROUTER_REQUIRE_ALL"))
CACHE = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "real: drives a real editor or model server; in CI it may not be skipped"
    )
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell ignores interrupts for what it starts in the background, and what the tests start and
        # interrupt would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything is required, a real part that was skipped has failed."""
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("real"):
        report.outcome = "failed"
        report.longrepr = f"A real part may not be skipped here: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips itself as a whole hides its tests, real ones among them."""
    report = yield
    if REQUIRE_ALL and report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = f"A module may not skip itself here: {_reason(report.longrepr)}"
    return report


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, for this process and those it starts: no test reads or writes the user's.

    The cache stays the user's: what scripts/test.py fetched and built lies there.
    """
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", CACHE)
    for variable, folder in (("CONFIG", ".config"), ("STATE", ".local/state"), ("DATA", ".local/share")):
        monkeypatch.setenv(f"XDG_{variable}_HOME", str(home / folder))
    return home


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """SmolLM2-135M-Instruct, a real model small enough for a test."""
    path = get_model.path_of("smollm2")
    if not path.exists():
        pytest.skip("SmolLM2 is not there: python3 scripts/runtime/get_model.py smollm2")
    return path


def _reason(longrepr: object) -> object:
    """A skip is reported as (file, line, reason)."""
    return longrepr[2] if isinstance(longrepr, tuple) else longrepr
