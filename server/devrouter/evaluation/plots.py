"""Plots as SVG: which intents are taken for which, and how far confidence can be trusted.

The same figures give the same bytes: no date, and ids from a fixed salt.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from devrouter.evaluation.rows import LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from devrouter.evaluation.labels import Confusion
    from devrouter.evaluation.measures import Calibration
    from devrouter.evaluation.rows import Label

_GREY = "#8c8c8c"
_BLUE = "#2a6f97"


def confusion_svg(confusion: Confusion, title: str) -> bytes:
    """Counts by label, shaded by the share of the label's rows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.add_subplot()
    shares = [[count / max(1, sum(row)) for count in row] for row in confusion.counts]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(confusion.called)), confusion.called, rotation=45, ha="right")
    axes.set_yticks(range(len(confusion.gold)), confusion.gold)
    axes.set(title=title, xlabel="called", ylabel="labelled")
    for line, row in enumerate(confusion.counts):
        for column, count in enumerate(row):
            if count:
                colour = "white" if shares[line][column] > 0.5 else "black"
                axes.text(column, line, str(count), ha="center", va="center", color=colour)
    return _svg(figure)


def calibration_svg(calibrations: Mapping[Label, Calibration], title: str) -> bytes:
    """One panel a confidence: the share that is right by bin, against the diagonal of perfect trust."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.4), layout="constrained")
    figure.suptitle(title)
    for axes, name in zip(figure.subplots(1, len(LABELS), sharey=True), LABELS, strict=True):
        axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", aspect="equal")
        if name in calibrations:
            _draw_bins(axes, calibrations[name])
            axes.set_title(f"{name}: error {calibrations[name].error:.3f}")
        else:
            axes.set_title(f"{name}: no confidence given")
    figure.axes[0].set_ylabel("share that is right")
    return _svg(figure)


def _draw_bins(axes: Axes, calibration: Calibration) -> None:
    """A bar for each bin with answers, and above it how many."""
    for each in calibration.bins:
        if each.share_right is not None and each.mean_confidence is not None:
            width = each.high - each.low
            axes.bar(
                each.low, each.share_right, width, align="edge", color=_BLUE, alpha=0.45, edgecolor=_BLUE
            )
            axes.plot(each.mean_confidence, each.share_right, marker="o", color=_BLUE, markersize=4)
            middle = (each.low + each.high) / 2
            axes.text(middle, 0.02, str(each.count), ha="center", fontsize=7)


def _svg(figure: Figure) -> bytes:
    import matplotlib as mpl

    stream = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "devrouter"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()
