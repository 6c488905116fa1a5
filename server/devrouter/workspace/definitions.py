"""Where functions, classes and types are defined, and the lines that a definition takes.

Python is parsed. Of other languages a definition is known by the keyword it starts with, or as a method
by its modifiers or its brace, and its end by the indentation that every formatter gives it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

_NAME = r"(?P<name>[A-Za-z_$][\w$]{1,80})"
_WORDS = r"(?:(?:{})[ ]+){{0,4}}"
_SCRIPT = _WORDS.format("export|default|declare|abstract|async")
_METHOD = _WORDS.format("public|private|protected|static|async|override|readonly|get|set")
_RUST = _WORDS.format(r"pub|pub\([^)\n]{1,40}\)|default|async|unsafe|const|extern|extern[ ]+\"\w+\"")
_MEMBER = r"(?:public|private|protected|internal|static|final|abstract|override|virtual|async)"
_GENERAL = (
    r"(?:class|interface|struct|enum|trait|record|object|protocol|module|fun|func|def|function|extension)"
)
_C_TYPE = r"(?:typedef[ ]+)?(?:class|struct|enum|enum[ ]+class|union|namespace)"
_PATTERNS = {
    "py pyi": (f"(?:async[ ]+def|def|class)[ ]+{_NAME}",),
    "js mjs cjs jsx ts tsx mts cts vue svelte": (
        rf"{_SCRIPT}(?:function\b[ ]*\*?|class|interface|type|enum|namespace)[ ]+{_NAME}",
        rf"(?:export[ ]+)?(?:const|let|var)[ ]+{_NAME}[ ]*(?::[^=\n]{{1,200}})?=(?!=)",
        rf"{_METHOD}[*#]?{_NAME}[ ]*(?:<[^>\n]{{1,80}}>)?\([^\n]{{0,300}}\{{[ ]*$",
    ),
    "go": (rf"func[ ]+(?:\([^)\n]{{1,100}}\)[ ]*)?{_NAME}[ ]*[\[(]", f"type[ ]+{_NAME}[ ]"),
    "rs": (f"{_RUST}(?:fn|struct|enum|trait|union|type|mod|const|static|macro_rules!)[ ]+{_NAME}",),
    "java kt kts cs scala swift php rb dart": (
        rf"(?:(?:[a-z]+|@\w+)[ ]+){{0,6}}{_GENERAL}[ ]+(?:self\.)?{_NAME}",
        rf"(?:{_MEMBER}[ ]+){{1,6}}[\w<>\[\],.? ]{{1,80}}[ ]{_NAME}[ ]*\(",
    ),
    "c h cc cpp cxx hpp hh": (
        rf"{_C_TYPE}[ ]+{_NAME}[ ]*(?:[:{{]|$)",
        rf"(?:(?!return|else)\w[\w:<>,]{{0,60}}[ *&]+){{1,5}}(?:\w{{1,60}}::)?{_NAME}[ ]*\([^;\n]{{0,300}}$",
        rf"\#define[ ]+{_NAME}",
    ),
}
_KEYWORDS = """
    if for while switch catch return else do try with function constructor new await
"""
_NOT_NAMES = frozenset(_KEYWORDS.split())
_LONGEST_LINE = 400


@cache
def _pattern(extension: str) -> re.Pattern[str] | None:
    """One pattern with a group for each way to define something. Every part of it is bounded."""
    for extensions, patterns in _PATTERNS.items():
        if extension in extensions.split():
            numbered = (
                pattern.replace("?P<name>", f"?P<name{number}>") for number, pattern in enumerate(patterns)
            )
            return re.compile(rf"[ \t]{{0,40}}(?:{'|'.join(numbered)})")
    return None


def is_code(path: str) -> bool:
    """Whether definitions can be found in a file of this name."""
    return _pattern(_extension(path)) is not None


def defined_names(path: str, text: str) -> frozenset[str]:
    """The names that the file may define: a quick look, line by line."""
    return frozenset(name for name, _ in _candidates(path, text.splitlines()))


def definition(path: str, text: str, symbol: str) -> tuple[int, int] | None:
    """The first and last line, from one, of what `symbol` ("save", "UserService.save") names, or None.

    A symbol with an owner is only found in it.
    """
    *owners, name = re.split(r"\.|::|#", symbol)
    owner = owners[-1] if owners and owners[-1] not in ("self", "this", "cls") else None
    if _extension(path) in ("py", "pyi"):
        return _python_definition(text, name, owner)
    lines = text.splitlines()
    found = [number for candidate, number in _candidates(path, lines) if candidate == name]
    if owner is not None:
        owned = [number for number in found if _is_inside(lines, number, owner)]
        found = (
            owned
            if _extension(path) != "go"
            else [n for n in found if re.search(rf"\b{owner}\)", lines[n - 1])]
        )
    return (found[0], _last_line(lines, found[0])) if found else None


def _candidates(path: str, lines: list[str]) -> Iterator[tuple[str, int]]:
    pattern = _pattern(_extension(path))
    if pattern is None:
        return
    for number, line in enumerate(lines, 1):
        if len(line) <= _LONGEST_LINE and (match := pattern.match(line)):
            name = next(filter(None, match.groups()))
            if name not in _NOT_NAMES:
                yield name, number


def _is_inside(lines: list[str], number: int, owner: str) -> bool:
    """Whether a line above that is less indented opens `owner`: a class, or `impl Owner`."""
    indentation = _indentation(lines[number - 1])
    for line in reversed(lines[: number - 1]):
        if line.strip() and _indentation(line) < indentation:
            if re.search(rf"(?<![\w$]){re.escape(owner)}(?![\w$])", line[:_LONGEST_LINE]):
                return True
            indentation = _indentation(line)
    return False


def _last_line(lines: list[str], first: int) -> int:
    """What is indented more than the first line belongs to it, and so do the brackets that close it."""
    indentation = _indentation(lines[first - 1])
    last = first
    for number, line in enumerate(lines[first:], first + 1):
        written = line.strip()
        if not written or _indentation(line) > indentation:
            last = number if written else last
        elif _indentation(line) < indentation:
            break
        elif written.startswith(("}", ")", "]", "{", "end")):
            last = number
            if not written.endswith(("{", "(", "[")):
                break
        else:
            break
    return last


def _indentation(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())


def _python_definition(text: str, name: str, owner: str | None) -> tuple[int, int] | None:
    import ast
    import warnings

    # Invalid escapes in somebody's code are not for our standard error.
    warnings.filterwarnings("ignore", module="devrouter_workspace_file")
    try:
        tree = ast.parse(text, "devrouter_workspace_file.py")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node, parents in _python_definitions(tree):
        if node.name == name and (owner is None or owner in parents):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return first, node.end_lineno or node.lineno
    return None


def _python_definitions(
    tree: ast.Module,
) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, tuple[str, ...]]]:
    """Every definition with the names around it, outer ones first."""
    import ast

    waiting: list[tuple[ast.AST, tuple[str, ...]]] = [(tree, ())]
    for node, parents in waiting:
        inside = parents
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node, parents
            inside = (*parents, node.name)
        if not isinstance(node, ast.expr):
            waiting += [(child, inside) for child in ast.iter_child_nodes(node)]


def _extension(path: str) -> str:
    return path.rpartition(".")[2].lower()
