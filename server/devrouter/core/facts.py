"""A fact: something the workspace already knows that a prompt may have left out, and which gap it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from devrouter.core.answered import content_words, is_answered, usual_name
from devrouter.core.kinds import GapKind
from devrouter.core.labels import is_labelled, labels_for, parts_of
from devrouter.core.pieces import Rule, protected_pieces
from devrouter.core.technologies import TECHNOLOGIES, Category, technologies_in
from devrouter.core.text import fence_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devrouter.core.gaps import Gap

MOST_FACTS = 3
"""How many facts may answer one gap: more of them are a guess."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing found in the workspace.

    `kind` is the kind of gap that it can answer, `name` what it is about as a developer would say it
    ("Flask", "operating system", "`src/app.py`"), `value` what was found ("3.0.3", the file's content), and
    `source` where, as a path relative to the workspace ("uv.lock") or a few words ("this machine").
    """

    kind: GapKind
    name: str
    value: str
    source: str


def facts_for(gap: Gap, facts: Sequence[Fact], text: str) -> tuple[Fact, ...]:
    """The facts that together answer a gap of this prompt, at most three; none where that is not plain.

    A wrong offer is worse than none, so a gap that would still be open once they are added gets nothing.
    """
    if is_answered(gap.phrase, gap.kind, text):
        return ()
    match gap.kind:
        case GapKind.VERSION:
            chosen = _versions(gap.phrase, facts, text)
        case GapKind.CODE:
            chosen = _code(gap, facts, text)
        case _:
            chosen = _labelled(gap.phrase, facts, text)
    with_them = "\n".join((text, "", *map(written, chosen)))
    is_filled = 0 < len(chosen) <= MOST_FACTS and is_answered(gap.phrase, gap.kind, with_them)
    return tuple(chosen) if is_filled else ()


def known_for(gaps: Iterable[Gap], facts: Sequence[Fact], text: str) -> tuple[Fact, ...]:
    """What answers any of these gaps, each fact once."""
    return tuple(dict.fromkeys(chain.from_iterable(facts_for(gap, facts, text) for gap in gaps)))


def line_of(fact: Fact) -> str:
    """The fact in one line, without what could end the line: "Flask 3.0.3", "Test framework: pytest 8.3"."""
    name, value = _one_line(fact.name), _one_line(fact.value)
    if fact.kind is GapKind.VERSION:
        return f"{name} {value}"
    is_path = "/" in name or "." in name
    return f"{name if is_path else name[:1].upper() + name[1:]}: {value}"


def heading_of(fact: Fact) -> str:
    """The line over a piece of code: the name as the prompt writes it, and the file if that is another."""
    name, source = _one_line(fact.name), _one_line(fact.source)
    return f"{name}:" if name.strip("`") == source else f"{name} ({source}):"


def written(fact: Fact) -> str:
    """The fact as it will stand in a prompt, for asking what it answers there."""
    if fact.kind is not GapKind.CODE:
        return f"- {line_of(fact)}"
    fence = fence_for(fact.value)
    return f"{heading_of(fact)}\n{fence}\n{fact.value}\n{fence}"


def _one_line(value: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())


# --- By kind


def _versions(phrase: str, facts: Sequence[Fact], text: str) -> list[Fact]:
    """One version for each technology that the phrase names and the text gives none for."""
    named = [technology.name for technology, _ in technologies_in(phrase)]
    words = [word for word in content_words(phrase) if not any(technologies_in(word))]
    named += [usual_name(word) or word for word in words if word not in " ".join(named).split()]
    chosen = []
    for name in dict.fromkeys(named):
        if is_answered(f"{name} version", GapKind.VERSION, text):
            continue
        found = [fact for fact in facts if fact.kind is GapKind.VERSION and _is_called(fact.name, name)]
        # Of several, one for each part of a project, none can be told to be the one that is meant.
        if len({fact.value for fact in found}) != 1 or not re.search(r"\d", found[0].value):
            return []
        chosen.append(found[0])
    return chosen


def _is_called(fact: str, name: str) -> bool:
    """By exact name where a technology is known: the client `redis` is not Redis."""
    return fact == name or (name.lower() not in TECHNOLOGIES and fact.lower() == name.lower())


def _code(gap: Gap, facts: Sequence[Fact], text: str) -> list[Fact]:
    """The code of each thing that the phrase names, else of what the words that it concerns name."""
    by_name: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.kind is GapKind.CODE:
            by_name.setdefault(fact.name.strip("`"), []).append(fact)
    only = {name: found[0] for name, found in by_name.items() if len(found) == 1}
    named = [
        piece.text.partition("(")[0]
        for piece in protected_pieces(gap.phrase)
        if piece.rule not in (Rule.NUMBER, Rule.ERROR)
    ]
    if named:
        return [only[name] for name in named] if all(name in only for name in named) else []
    words = (word for word in content_words(gap.phrase) if not any(technologies_in(word)))
    asked = {_stem(word) for word in words} - set(_PARTS_OF_CODE.split())
    if asked:
        return [fact for name, fact in only.items() if asked <= set(_words_of(name))][:1]
    concerned = text[slice(*gap.anchor)] if gap.anchored else text
    here = [fact for name, fact in only.items() if name in concerned]
    return here if len(here) == 1 else list(only.values()) if len(only) == 1 else []


_PARTS_OF_CODE = "function method class script snippet file query program handler component"


def _words_of(name: str) -> list[str]:
    """ "upload_handler", "UploadHandler" and "upload/handler.py" have the words upload and handler."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", " ", name)
    return [_stem(word) for word in parted.split()]


def _stem(word: str) -> str:
    return word.lower().removesuffix("s")


def _labelled(phrase: str, facts: Sequence[Fact], text: str) -> list[Fact]:
    """For each part of the phrase what a fact says of it; nothing where one part is not known."""
    offered = {technology.name for technology, _ in technologies_in(phrase)}
    if offered:
        # "Vue or React" asks which one.
        stack = (fact for fact in facts if fact.kind is GapKind.STACK)
        return [fact for fact in stack if offered & _technologies(fact)]
    chosen: dict[Fact, None] = {}
    for part in parts_of(phrase):
        labels = [part.lower(), *labels_for(part)]
        if any(is_labelled(label, text) for label in labels):
            continue
        found = next(filter(None, (_called(label, phrase, facts) for label in labels)), None)
        if found is None:
            return []
        chosen |= dict.fromkeys(found)
    return list(chosen)


def _called(label: str, phrase: str, facts: Sequence[Fact]) -> list[Fact]:
    """The facts of this name; of frameworks those on the side that the phrase asks for."""
    found = [fact for fact in facts if fact.name.lower() == label.lower() and fact.kind is not GapKind.CODE]
    side = re.search(r"\b(?:(front-?end|G?UI)|(?:back-?end|web|app|server))\b", phrase, re.IGNORECASE)
    if label != "framework" or side is None:
        return found
    return [fact for fact in found if bool(_IS_FRONT_END & _technologies(fact)) is bool(side[1])]


_FRONT_END = """
React,React Native,Next.js,Vue,Nuxt,Angular,Svelte,SolidJS,Remix,Gatsby,Astro,Ember,WPF,WinForms,MAUI,Xamarin,
Flutter,SwiftUI,UIKit,Jetpack Compose,Electron,Tauri,Qt,Tkinter,Blazor
"""
_IS_FRONT_END = frozenset(_FRONT_END.replace("\n", "").split(","))


def _technologies(fact: Fact) -> set[str]:
    """The technologies of a value: a name that is a word as well is meant as one here."""
    names = {technology.name for technology, _ in technologies_in(fact.value)}
    head = TECHNOLOGIES.get(fact.value.lower()) or TECHNOLOGIES.get(fact.value.rpartition(" ")[0].lower())
    return names | {head.name} if head is not None and head.category is not Category.EDITOR else names
