"""Documents, and the prompts that stand in them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devrouter.core.text import Span


class Destination(StrEnum):
    """Who will read the prompt. An agent can look things up in the repository; a chat cannot."""

    CHAT = "chat"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Document:
    """A snapshot of what the editor holds, taken before any await. `name` is the path or URI's last parts."""

    uri: str
    language_id: str
    version: int
    text: str


@dataclass(frozen=True, slots=True)
class Region:
    """One prompt in a document: `span` holds the prompt's characters, without front matter or fence lines."""

    span: Span
    destination: Destination


@dataclass(frozen=True, slots=True)
class Draft:
    """What an engine is asked about. `language` is `en`, another ISO 639-1 code, or `und` for undetermined."""

    text: str
    version: int
    language: str
    destination: Destination
