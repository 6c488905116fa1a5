"""Labelled lines, "Test framework: pytest": which of them answer a phrase such as "test runner used"."""

from __future__ import annotations

import re

_LABELS = {
    r"(?:(?:programming|implementation|back-?end) )?languages?": ("programming language",),
    r"(?:(?:web|app|web app|G?UI|front-?end|back-?end) )?frameworks?|libraries": ("framework",),
    r"(?:unit )?test(?:ing)? (?:framework|runner|library)": ("test framework",),
    r"(?:which )?database(?: (?:system|engine|product))?|SQL dialect": ("database",),
    r"package manager": ("package manager",),
    r"(?:operating systems?|OS)": ("operating system",),
    # A container says more of how a program runs than the machine that it is written on.
    r"how it (?:runs|is run)|shell": ("container image", "compose services", "operating system"),
    r"(?:how|where) it (?:runs|is (?:deployed|hosted))": ("container image", "compose services"),
    r"CI(?:/CD)?(?: system)?": ("CI",),
    r"commit (?:message )?conventions?": ("commit message convention",),
    r"(?:which |git )*branch(?: is meant| name)?": ("git branch",),
    r"which (?:files|changes) (?:are meant|changed)|(?:changed|modified) files": ("changed files",),
    r"(?:how |which |what )?tests? (?:command|are run)|how to run the tests": ("test command",),
}
"""Part of a phrase to the labels that answer it, the most telling first."""


def is_labelled(label: str, text: str) -> bool:
    """Whether a line of the text gives a value to the label: "- Flask version: 3.0". Linear in the text."""
    words = re.sub(r"\A(?:the|an?)\s+", "", label.strip(), flags=re.IGNORECASE).split()
    if not words or len(label) > 200:
        return False
    written = r"[ \t]".join(map(re.escape, words))
    line = rf"(?:\A|[\r\n])[ \t>]*(?:[-*+][ \t]+)?{written}[ \t]?:[^\w\r\n]{{0,20}}\w"
    return re.search(line, text, re.IGNORECASE) is not None


def parts_of(phrase: str) -> list[str]:
    """The things that a phrase asks for: "language and test framework used" asks for two."""
    bare = re.sub(r"\s+(?:used|in use)\Z|\A(?:the|an?)\s+", "", phrase.strip(), flags=re.IGNORECASE)
    return re.split(r"\s+and\s+|\s+or\s+|,\s*", bare)


def labels_for(part: str) -> tuple[str, ...]:
    """The labels whose value answers one part of a phrase; none where the part is not understood."""
    for pattern, labels in _LABELS.items():
        if re.fullmatch(pattern, part, re.IGNORECASE):
            return labels
    return ()


def parts_are_labelled(phrase: str, text: str) -> bool:
    """Whether each part of the phrase has a labelled line."""
    return all(any(is_labelled(label, text) for label in labels_for(part)) for part in parts_of(phrase))
