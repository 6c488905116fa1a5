"""Whether two texts say the same, so that offering one for the other would only be a matter of taste.

The line is the same for every engine. Nothing is gained by white space, letter case, punctuation at the end
of a line, the style of quotation marks, courtesy and sounds of hesitation. Something is gained by a word that
is spelled right, a word more or less, punctuation that parts sentences, a list that gets lines of its own.
"""

from __future__ import annotations

import re
import unicodedata

_MARKS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\xab\xbb", '"'),
        **dict.fromkeys("\u2013\u2014", "-"),
        "\u2026": "...",
    }
)
_LINE = re.compile(r"[^\r\n]+")
# What starts a line of its own: an item, a heading, a quotation, a fence.
_STARTS = re.compile(r"(?:[-*+\u2022>#|]|```|~~~|\(?\d{1,3}[.)])(?=\s|\Z|[`~\w])")
_FILLER = re.compile(
    r"(?<![\w'-])(?:please|pls|plz|kindly|thanks?(?: you| u)?|thx|ty|hi|hey|hello|ok|okay|um+|uh+m*|hmm+)"
    r"(?![\w'-])[,.!]*"
)
_QUOTES = re.compile(r"(?<!\w)['\"`]|['\"`](?!\w)")


def says_the_same(left: str, right: str) -> bool:
    """Never raises, linear in the length of both."""
    return left == right or _normal(left) == _normal(right)


def _normal(text: str) -> list[str]:
    """The words of each paragraph or item, without what does not count."""
    folded = unicodedata.normalize("NFC", text).translate(_MARKS).casefold()
    lines: list[str] = []
    for match in _LINE.finditer(folded):
        line = match.group().strip()
        plain = _QUOTES.sub("'", _FILLER.sub(" ", line))
        words = " ".join(plain.split()).strip(" ,").rstrip(".,;:!?\u3002\uff01\uff1f ")
        if not words:
            continue
        if lines and not _STARTS.match(line):
            lines[-1] = f"{lines[-1]} {words}"
        else:
            lines.append(words)
    return lines
