"""Which words joined by hyphens are names ("data-testid", "my-app") and which are English ("error-prone")."""

from __future__ import annotations

import re

_KEBAB = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)+\Z")
_HEADS = """
    data aria my app btn nav col row ng vue npm eslint babel webpack vite http x git svc
"""
_HEADER_HEADS = """
    content accept user x set cache if access etag retry transfer referrer strict cross
"""
_PARTS = """
    a the and or of in on off to up down out by for from with at as over under self non anti multi
    pre post re co sub semi cross inter intra well high low long short full half open close hard
    soft end real wide deep large small big one two three four first second third last left right
    top bottom front back side single double triple many based driven like specific aware free ready
    friendly related level only heavy style less able oriented facing prone safe sensitive
    insensitive independent dependent agnostic time line date day year month week size scale code
    text word world case class step read write built grained defined made known used shot hosted
    owned managed encoded formatted separated delimited coded wise proof intensive compatible backed
    bound native party person page screen click drag drop log sign check start stop run test best
    good new old custom
"""
_NAME_HEADS, _HEADERS, _ENGLISH_PARTS = (
    frozenset(words.split()) for words in (_HEADS, _HEADER_HEADS, _PARTS)
)
_NAMED = re.compile(
    r"(?:\b(?:called|named|name(?: is)?|package|repo|repository|branch|attribute|class|element"
    r"|component|container|image"
    r"|service|header|library|crate|module|command|script|project|tag|prop|property|selector"
    r"|namespace|pod|secret)\s+)\Z",
    re.IGNORECASE,
)
_IS_NAMED = re.compile(
    r"\s+(?:attribute|package|branch|repo|repository|element|header|crate|pod|image|class name"
    r"|custom element|tag|prop)\b",
    re.IGNORECASE,
)


def is_kebab_name(word: str, *, before: str, after: str) -> bool:
    """Whether a word with hyphens is clearly a name. `before` and `after` are the text around it.

    English joins words by hyphens too, and a rewrite may part or join those, so in doubt it is none.
    """
    if not _KEBAB.match(word):
        return False
    parts = word.split("-")
    lowered = [part.lower() for part in parts]
    if not _ENGLISH_PARTS.isdisjoint(lowered[1:]) or (
        lowered[0] in _ENGLISH_PARTS and lowered[0] not in _HEADERS
    ):
        return False
    if word.islower():
        return lowered[0] in _NAME_HEADS or bool(_NAMED.search(before) or _IS_NAMED.match(after))
    return all(part[0].isupper() for part in parts) and (
        lowered[0] in _HEADERS or (word.isupper() and len(parts) > 2)
    )
