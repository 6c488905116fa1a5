"""From predicted kinds of gap to the concrete thing that is missing, said with what the draft mentions.

Each kind has one function that yields phrases, the most concrete first; the engine takes the first that the
draft does not answer. A phrase names a thing. It is never advice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from devrouter.core.decision import Intent
from devrouter.core.gaps import GapKind
from devrouter.core.technologies import TECHNOLOGIES, Category, technologies_in
from devrouter.engines.instant.features import FILE_EXTENSIONS, Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from devrouter.core.technologies import Technology


def phrases_for(kind: GapKind, mentions: Mentions) -> Iterator[str]:
    """Phrases for a gap of this kind, the most concrete first."""
    yield from _PHRASES[kind](mentions)


_THINGS = """
function functions method class classes component components hook hooks query queries script scripts
handler controller endpoint route middleware service module page pages form table view modal button dialog
menu sidebar navbar header chart dashboard screen search logic cli slice model schema migration config
configuration regex loop reducer store template parser writer reader loader importer exporter scheduler
serializer validator builder plugin extension bot crawler scraper notebook macro formula makefile
dockerfile test tests workflow pipeline job package library algorithm code app website site game program
project api server client database repo repository request pr branch commit issue ticket
"""
_FILLER = """
following same whole entire above below current new old next last first other right wrong own existing
attached given full actual main and or of in to for with is
"""
_OWNED = re.compile(
    rf"\b(?:my|our|the|this|that)\s+((?:[a-z]+[ -])?(?:{'|'.join(_THINGS.split())}))\b(?!')", re.IGNORECASE
)
_DOCUMENT = re.compile(
    r"\b(?:the|this|that|these|those|all|my|our|your|its)\s+((?:\w+ )?(?:plan|spec|specification|ticket|issue"
    r"|task|comments?|feedback|findings?|review|story|prd|design doc|proposal|requirements|instructions"
    r"|guidelines|checklist|roadmap))\b",
    re.IGNORECASE,
)
_POINTER = re.compile(r"\b(it|this|that|these|those|them)\b", re.IGNORECASE)
_CODE_NAME = re.compile(
    r"`([A-Za-z_@.$][\w.$/@:-]{1,50}(?:\(\))?)`|\b((?:[a-z]+[A-Z]|[A-Z][a-z]+[A-Z])\w*|[a-z]+_\w+)\b"
)
_FOREIGN_ENDINGS = ("error", "exception", "case")  # KeyError, snake_case: whose code is not theirs to show.
_FILE = re.compile(r"(?<![\w/.-])((?:[\w.@~-]+[/\\]){0,8}[\w.@-]{0,60}\.(\w{1,6}))\b(?![/\\(])")


@dataclass(frozen=True)
class Mentions:
    """What a draft mentions. Everything is looked up once, and only where a phrase needs it."""

    text: str
    parts: Parts
    intent: Intent

    @cached_property
    def prose(self) -> str:
        """The prose without its URLs, whose words are nobody's names."""
        return re.sub(r"https?://\S+", " ", self.parts.prose[:3000])

    @cached_property
    def lowered(self) -> str:
        return self.prose.lower()

    def says(self, pattern: str) -> bool:
        """Whether the prose holds one of the words of an alternation, as whole words in any case."""
        return re.search(rf"\b(?:{pattern})\b", self.lowered) is not None

    @cached_property
    def technologies(self) -> tuple[Technology, ...]:
        """Each once, in the order of first mention, in prose and code."""
        return tuple({found.name: found for found, _ in technologies_in(self.text)}.values())

    @cached_property
    def unversioned(self) -> tuple[str, ...]:
        """Technologies that have versions worth asking for and no number behind them."""
        names = [found.name for found in self.technologies if found.category in _VERSIONED]
        return tuple(
            name for name in names if not re.search(rf"(?i){re.escape(name)}[\s/=@:v-]{{0,4}}\d", self.text)
        )

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Names of files in the prose, without what only looks like one."""
        found = (
            name for name, extension in _FILE.findall(self.prose) if extension.lower() in FILE_EXTENSIONS
        )
        return tuple(dict.fromkeys(name for name in found if name.lower() not in TECHNOLOGIES))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Identifiers in the prose that are no technology and do not stand in the code of the draft."""
        found = (marked or bare for marked, bare in _CODE_NAME.findall(self.prose))
        return tuple(dict.fromkeys(name for name in found if self._is_own_name(name)))

    def _is_own_name(self, name: str) -> bool:
        foreign = name.lower() in TECHNOLOGIES or "." in name or name.lower().endswith(_FOREIGN_ENDINGS)
        return not foreign and name not in self.parts.code

    @cached_property
    def things(self) -> tuple[str, ...]:
        """What the draft calls its own: "upload handler", "query"."""
        found = (_without_filler(match.lower()) for match in _OWNED.findall(self.prose))
        return tuple(dict.fromkeys(found))

    @cached_property
    def thing(self) -> str | None:
        return self.things[0] if self.things else None

    @cached_property
    def document(self) -> str | None:
        """A plan, ticket or review that the draft speaks of."""
        found = _DOCUMENT.search(self.prose)
        return _without_filler(found.group(1).lower()) if found else None

    @cached_property
    def pointer(self) -> str | None:
        """The first "it" or "this" of the draft."""
        found = _POINTER.search(self.prose)
        return found.group(1).lower() if found else None


_VERSIONED = (
    Category.FRAMEWORK, Category.LIBRARY, Category.LANGUAGE, Category.DATABASE, Category.TOOL,
    Category.TESTING, Category.PLATFORM,
)  # fmt: skip


def _without_filler(thing: str) -> str:
    words = thing.split()
    return " ".join(words[1:]) if len(words) > 1 and words[0] in _FILLER.split() else thing


def _error(mentions: Mentions) -> Iterator[str]:
    if mentions.says(r"tests?|specs?|pytest|jest|vitest|e2e") and mentions.says(
        r"fail\w*|red|broken|flaky|pass(?:es|ing)?"
    ):
        yield "output of the failing test"
    if mentions.says(r"ci|pipeline|workflow|actions?|job") and mentions.says(r"fail\w*|red|broken|breaks"):
        yield "log of the failing job"
    if mentions.says(r"builds?|compil\w*|install\w*|deploy\w*") and mentions.says(
        r"fail\w*|errors?|broken|breaks"
    ):
        yield "full build output"
    if mentions.says(r"crash\w*|exception|stack ?trace|traceback|panic\w*|segfault\w*"):
        yield "full stack trace"
    if mentions.says(r"server|container|pod|service|deploy\w*|500|502|503|504"):
        yield "server log at the time of the failure"
    yield "exact error message"
    yield "full stack trace"


def _code(mentions: Mentions) -> Iterator[str]:
    files = [f"`{name}`" for name in mentions.files[:2]]
    if files:
        yield f"content of {' and '.join(files)}"
    if mentions.names:
        yield f"code of `{mentions.names[0].removesuffix('()')}`"
    for thing in mentions.things:
        if phrase := _code_of(thing):
            yield phrase
    if mentions.says(r"quer(?:y|ies)|sql|select|join"):
        yield "the query and the table definitions"
    if mentions.says(r"docker\w*|compose|container"):
        yield "the Dockerfile or compose file"
    if mentions.says(r"css|styl\w+|layout|responsive"):
        yield "the HTML and CSS concerned"
    if mentions.parts.code:
        yield "rest of the code that this calls"
    if mentions.intent is Intent.ARCHITECTURE:
        yield "current structure of the code"
    framework = next(
        (item.name for item in mentions.technologies if item.category is Category.FRAMEWORK), None
    )
    yield f"the {framework} code concerned" if framework else "the code concerned"


def _code_of(thing: str) -> str | None:
    """What to show of a thing: "the upload handler's code"; nothing of a thing that is no code."""
    last = thing.rsplit(" ", 1)[-1]
    if last in {
        "query",
        "regex",
        "schema",
        "migration",
        "dockerfile",
        "makefile",
        "formula",
        "macro",
        "loop",
        "code",
    }:
        return f"the {thing}"
    if last in {"config", "configuration", "workflow", "pipeline", "job"}:
        return f"the {thing} file" if last != "configuration" else f"the {thing}"
    if last in {
        "tests",
        "form",
        "table",
        "view",
        "page",
        "modal",
        "dialog",
        "button",
        "menu",
        "sidebar",
        "navbar",
    }:
        return f"code of the {thing}"
    if last in {
        "app",
        "website",
        "site",
        "game",
        "program",
        "project",
        "api",
        "server",
        "client",
        "database",
        "repo",
    }:
        return None
    if last in {"repository", "request", "pr", "branch", "commit", "issue", "ticket", "library", "package"}:
        return "the diff" if last in {"request", "pr", "branch", "commit"} else None
    return f"the {thing}'s code"


def _version(mentions: Mentions) -> Iterator[str]:
    names = sorted(mentions.unversioned, key=lambda name: _ask_first(name, mentions))
    if len(names) > 1:
        yield f"{names[0]} and {names[1]} versions"
    if names:
        yield f"{names[0]} version"
    if not mentions.technologies:
        yield "version of the library or tool used"


def _ask_first(name: str, mentions: Mentions) -> int:
    """A framework's version decides more often than its language's."""
    order = (Category.FRAMEWORK, Category.LIBRARY, Category.DATABASE, Category.TESTING, Category.PLATFORM)
    category = next(item.category for item in mentions.technologies if item.name == name)
    return order.index(category) if category in order else len(order)


def _environment(mentions: Mentions) -> Iterator[str]:
    if mentions.says(r"browsers?|safari|chrome|firefox|css|scroll\w*"):
        yield "browser and its version"
    if mentions.says(r"gpu|cuda|vram|train\w*"):
        yield "GPU model and driver version"
    if mentions.says(r"docker\w*|container|kubernetes|k8s|pods?|deploy\w*|prod(?:uction)?|server|host\w*"):
        yield "where it runs and how it is deployed"
    if mentions.says(r"editor|ide|keybinding|shortcut|extension|lint\w*"):
        yield "editor and its version"
    if mentions.says(r"install\w*|command|terminal|shell|path|script|permission\w*"):
        yield "operating system and shell"
    yield "operating system and how it is run"


def _stack(mentions: Mentions) -> Iterator[str]:
    categories = {item.category for item in mentions.technologies}
    if Category.TESTING not in categories and mentions.says(r"tests?|testing|coverage|mock\w*"):
        yield "test framework"
    if Category.DATABASE not in categories and mentions.says(
        r"database|tables?|schema|quer(?:y|ies)|sql|index\w*|rows"
    ):
        yield "database engine"
    framework = Category.FRAMEWORK in categories
    if not framework and mentions.says(
        r"page|button|modal|form|components?|navbar|sidebar|css|ui|frontend|website|menu"
    ):
        yield "frontend framework"
    if not framework and mentions.says(
        r"api|endpoints?|rest|backend|server|login|auth\w*|jwt|webhook|upload\w*"
    ):
        yield "backend language and framework" if Category.LANGUAGE not in categories else "backend framework"
    if not framework and mentions.says(r"app|mobile|game|desktop|gui|window"):
        yield "platform and framework" if Category.LANGUAGE in categories else "language and platform"
    if Category.LANGUAGE in categories and not framework:
        yield "frameworks and libraries in use"
    elif categories.isdisjoint({Category.FRAMEWORK, Category.LIBRARY, Category.TOOL}):
        yield "programming language"


def _behaviour(mentions: Mentions) -> Iterator[str]:
    if mentions.says(r"page|button|modal|layout|screen|display\w*|show\w*|image|render\w*|css|animation"):
        yield "what is shown and what should be shown"
    if mentions.says(r"sometimes|intermittent\w*|randomly|flaky|occasionally|once in a while"):
        yield "when it happens and how to reproduce it"
    if mentions.says(
        r"pars\w+|regex|format\w*|convert\w*|extract\w*|sort\w*|filter\w*|split\w*|calculat\w*|comput\w*"
    ):
        yield "a sample input with its expected output"
    if mentions.intent is Intent.DEBUG:
        yield "expected and actual behaviour"
    yield "a sample input with its expected output"


def _requirements(mentions: Mentions) -> Iterator[str]:
    if mentions.document:
        yield f"content of the {mentions.document}"
    if mentions.says(r"login|log in|sign ?in|auth|authentication|oauth|sso|passwords?"):
        yield "sign-in methods, user roles and session rules"
    if mentions.says(r"emails?|notifications?|alerts?|reminders?"):
        yield "who is notified, when and with what text"
    if mentions.says(r"export\w*|csv|pdf|excel|report"):
        yield "columns, format and which records to include"
    if mentions.says(r"migrat\w+ (?:from|to|off|away)|upgrad\w*"):
        yield "what must keep working meanwhile"
    if mentions.intent in _REQUIREMENTS_BY_INTENT:
        yield _REQUIREMENTS_BY_INTENT[mentions.intent]
    yield (
        f"what the {mentions.thing} must do" if mentions.thing else "exact behaviour wanted, with edge cases"
    )


_REQUIREMENTS_BY_INTENT: Mapping[Intent, str] = {
    Intent.ARCHITECTURE: "main use cases, constraints and team size",
    Intent.DEBUG: "what should happen instead",
    Intent.REFACTOR: "what should change and what must stay as it is",
    Intent.DOCUMENTATION: "what the text must cover",
    Intent.REVIEW: "what to judge: correctness, security, style or speed",
    Intent.OPTIMIZE: "limits on memory, cost and changes allowed",
    Intent.BOILERPLATE: "fields, options and names to include",
    Intent.OTHER: "the task itself",
}


def _target(mentions: Mentions) -> Iterator[str]:
    for word, which in (
        (r"function|method", "function"), (r"tests?", "test"), (r"files?", "file"), (r"page|screen", "page"),
        (r"component", "component"), (r"buttons?", "button"), (r"pr|pull request", "pull request"),
        (r"branch", "branch"), (r"endpoint|api", "endpoint"), (r"bug|issue|error|problem", "issue"),
    ):  # fmt: skip
        if mentions.says(rf"(?:the|this|that|a) (?:{word})"):
            yield f"which {which} is meant"
    if mentions.pointer:
        verb = "are" if mentions.pointer in {"these", "those", "them"} else "is"
        yield f'what "{mentions.pointer}" {verb}'
    yield "which part of the project is meant"


def _scale(mentions: Mentions) -> Iterator[str]:
    if mentions.intent is Intent.ARCHITECTURE:
        yield "expected users, load and data volume"
    if mentions.says(r"quer(?:y|ies)|sql|database|tables?|index\w*|postgres|mysql"):
        yield "row counts and the query plan"
    if mentions.says(r"bundle|page load|lighthouse|frontend|render\w*|react"):
        yield "profiler or bundle report"
    if mentions.says(r"memory|ram|leak|heap"):
        yield "memory profile and data sizes"
    if mentions.says(r"bill|costs?|expensive|budget"):
        yield "current cost and usage figures"
    yield "measured times and data sizes"


def _acceptance(mentions: Mentions) -> Iterator[str]:
    if mentions.says(r"tests?"):
        yield "cases that the tests must cover"
    yield "an example input with its expected output"


def _audience(mentions: Mentions) -> Iterator[str]:
    if mentions.says(r"commit"):
        yield "commit message convention"
    if mentions.says(r"pr|pull request"):
        yield "pull request template"
    if mentions.says(r"comments?|docstrings?"):
        yield "docstring or comment style of the project"
    yield "who will read it"


_PHRASES: Mapping[GapKind, Callable[[Mentions], Iterator[str]]] = {
    GapKind.ERROR: _error,
    GapKind.CODE: _code,
    GapKind.VERSION: _version,
    GapKind.ENVIRONMENT: _environment,
    GapKind.STACK: _stack,
    GapKind.BEHAVIOUR: _behaviour,
    GapKind.REQUIREMENTS: _requirements,
    GapKind.TARGET: _target,
    GapKind.SCALE: _scale,
    GapKind.ACCEPTANCE: _acceptance,
    GapKind.AUDIENCE: _audience,
}
