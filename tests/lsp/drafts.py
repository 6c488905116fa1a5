"""Prompts that the tests write, and what is known of them whatever the engine says in detail."""

from __future__ import annotations

GAPPY = "My flask app crash when i upload teh big file and it throw some error.\n\nHow do i fix it?\n"
"""A sloppy prompt that lacks the error: it has findings and a rewrite."""

GOOD = "What is the difference between a list and a tuple in Python?\n"
"""Nothing is missing and nothing is to be mended."""

ODD_TEXTS = {
    "emoji": "🎉🎉 My flask app crash 👩‍💻 when i upload teh 🎉 file, it throw some error, how do i fix?\n",
    "crlf": GAPPY.replace("\n", "\r\n"),
    "lone carriage returns": GAPPY.replace("\n", "\r"),
    "line separator U+2028": "Pasted from the web.\u2028My flask app crash.\n" + GAPPY,
    "next line U+0085": "Pasted from a mainframe.\u0085My flask app crash.\n" + GAPPY,
    "form feed": "First page.\n\x0cSecond page.\n" + GAPPY,
    "combining and right-to-left": "e\u0301 שלום עולם\n" + GAPPY,
    "empty": "",
    "blank lines only": "\n\n  \n\t\n",
    "no final newline": GAPPY.rstrip("\n"),
    "front matter only": "---\nmode: agent\nmodel: gpt\n---\n",
    "front matter that never ends": "---\nmode: agent\n" + GAPPY,
    "front matter that is no YAML": "---\n: [}\n---\n" + GAPPY,
    "200 KB": GAPPY + "The log says: connection reset by peer, retrying.\n" * 4_000,
    "one line of 200 KB": "My flask app crash " + "and then it crash again " * 8_300 + "\n",
}
"""Texts that break careless counting of lines and columns."""
