"""E-mail addresses and phone numbers in a draft: no secrets, but perhaps not the user's to give away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devrouter.core.secrets import Secret
from devrouter.core.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESS = re.compile(r"(?<![\w.+/:-])[\w.+-]{1,64}@(?P<host>(?:[\w-]{1,63}\.){1,4}[A-Za-z]{2,24})(?![\w-])")
_EXAMPLE_HOST = re.compile(
    r"(?:.*\.)?(?:example\.\w+|test|invalid|local|noreply\.github\.com)\Z", re.IGNORECASE
)
_PHONE = re.compile(r"(?<![\w.+-])(?:\+\d{1,3}|\(?0\d{1,4}\)?)(?:[ ./-]?\(?\d{2,5}\)?){2,5}(?![\w.-]?\w)")


def personal_data_in(text: str) -> tuple[Secret, ...]:
    """In the order in which they stand. Addresses that documentation uses are nobody's."""
    return tuple(sorted(_candidates(text), key=lambda found: found.span))


def _candidates(text: str) -> Iterator[Secret]:
    for match in _ADDRESS.finditer(text):
        if not _EXAMPLE_HOST.match(match["host"]):
            yield Secret(Span(*match.span()), "e-mail address")
    for match in _PHONE.finditer(text):
        if 8 <= sum(map(str.isdigit, match[0])) <= 15 and re.search(r"[ ()/+-]", match[0]):
            yield Secret(Span(*match.span()), "phone number")
