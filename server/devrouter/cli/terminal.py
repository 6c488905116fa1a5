"""What people read: colours where they help, text that cannot disturb the terminal, notes."""

from __future__ import annotations

import os
import sys
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

_TAB = 4
_CONTROL_PICTURES = 0x2400  # U+2400 stands for NUL, U+2401 for SOH and so on.


@dataclass(frozen=True, slots=True)
class Style:
    """Wraps text in colours, or leaves it alone."""

    enabled: bool

    @classmethod
    def of(cls, stream: TextIO | None) -> Style:
        """Colours on a terminal only, and never against NO_COLOR (https://no-color.org)."""
        wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(wanted and stream is not None and stream.isatty())

    def bold(self, text: str) -> str:
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        return self._wrap("2", text)

    def red(self, text: str) -> str:
        return self._wrap("31", text)

    def green(self, text: str) -> str:
        return self._wrap("32", text)

    def yellow(self, text: str) -> str:
        return self._wrap("33", text)

    def blue(self, text: str) -> str:
        return self._wrap("34", text)

    def cyan(self, text: str) -> str:
        return self._wrap("36", text)

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.enabled and text else text


def put(line: str, stream: TextIO | None) -> None:
    """One line on the stream; nothing where that was closed before we started."""
    if stream is not None:
        stream.write(line + "\n")


def note(message: str, *, level: str = "note") -> None:
    """One sentence on standard error; `level` is `note`, `warning` or `error`."""
    style = Style.of(sys.stderr)
    colour = {"error": style.red, "warning": style.yellow}.get(level, style.cyan)
    put(f"{style.bold(colour(level))}: {visible(message)}", sys.stderr)


def progress_bar(total: int, *, done: int = 0, wanted: bool = False, title: str = "") -> tqdm[NoReturn]:
    """A bar of rows on standard error, shown on a terminal, or where it is `wanted` anyway."""
    from tqdm import tqdm

    shown = sys.stderr is not None and (wanted or sys.stderr.isatty())
    return tqdm(
        total=total,
        initial=done,
        desc=title or None,
        disable=not shown,
        unit="row",
        file=sys.stderr,
        dynamic_ncols=True,
    )


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def visible(text: str) -> str:
    """`text` with tabs as spaces and other control characters as pictures, so that none takes effect."""
    return "".join(_visible(character) for character in text)


def width(text: str) -> int:
    """The columns `visible(text)` takes on a terminal."""
    return sum(_columns(character) for character in visible(text))


def _visible(character: str) -> str:
    if character == "\t":
        return " " * _TAB
    code = ord(character)
    if code < 0x20:  # C0 controls, ESC among them.
        return chr(_CONTROL_PICTURES + code)
    # Other controls, surrogates, and line or paragraph separators; format characters that turn text around.
    if (
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
        or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    ):
        return "\N{REPLACEMENT CHARACTER}"
    return character


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Cf", "Me", "Mn"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
