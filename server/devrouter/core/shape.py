"""Whether a rewrite has the shape of one: neither empty nor bloated, no template, no code of its own."""

from __future__ import annotations

import re

from devrouter.core.pieces import fenced_blocks

# Each check returns what is wrong, to follow "the rewrite" in a sentence.


def is_empty(_original: str, rewrite: str) -> str | None:
    return None if rewrite.strip() else "is empty"


def is_too_long(original: str, rewrite: str) -> str | None:
    # Two and a half times the draft; a short one may gain a few words more. The two meet at 128 characters.
    length = len(original.strip())
    limit = max(2.5 * length, min(2.5 * length + 120, 320))
    return "is much longer than the draft" if len(rewrite.strip()) > limit else None


def is_too_short(original: str, rewrite: str) -> str | None:
    # Tidying rambling speech can halve it; less than a quarter has dropped part of the request.
    length = len(original.strip())
    return "drops most of the draft" if length > 40 and len(rewrite.strip()) < length / 4 else None


_TEMPLATE_TOKEN = re.compile(
    r"<\|[\w ]{1,40}\|>|<\uff5c[^>]{1,40}\uff5c>|\[/?INST\]|<</?SYS>>|</?s>|</?think>|<(?:start|end)_of_turn>"
    r'|^[ \t]{0,20}\{\s*"rewrite"\s*:|^#{2,3} (?:Response|Instruction):?\s*$',
    re.MULTILINE,
)


def leaks_template(original: str, rewrite: str) -> str | None:
    for match in _TEMPLATE_TOKEN.finditer(rewrite):
        if match.group() not in original:
            return "holds parts of the model's template"
    return None


def adds_block(original: str, rewrite: str) -> str | None:
    return "adds a code block" if len(fenced_blocks(rewrite)) > len(fenced_blocks(original)) else None
