"""The formats of manifests and lock files, parsed so that no file can hold the program or fill its memory.

Whatever is wrong with a file, it is then empty: half-written files are common while a tool runs.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Table = dict[str, Any]

_TOML_STRING = re.compile(r'"(?:[^"\\\r\n]|\\.)*+"|\'[^\'\r\n]*+\'')
_MOST_DOTS = 50  # of one line, outside of strings
_GO_REQUIREMENT = re.compile(
    r"(?:require[ \t]+)?([^\s()]{1,200})[ \t]+(v\d[^\s/]{0,100})([ \t]*//[ \t]*indirect)?"
)


def toml(text: str | None) -> Table:
    """The file as a table; empty where it is broken or would take too long."""
    # A key of many dots takes tomllib the square of their number, and again for each line below such a
    # header. Strings of several lines could hide the dots, and no lock file has them.
    plain = text or ""
    if '"""' not in plain and "'''" not in plain:
        plain = _TOML_STRING.sub('""', plain)
    elif plain.count(".") * plain.count("\n") > 1_000_000:
        return {}
    if any(line.count(".") > _MOST_DOTS for line in plain.splitlines()):
        return {}
    try:
        return tomllib.loads(text or "")
    except (ValueError, RecursionError):
        return {}


def json_table(text: str | None) -> Table:
    """The file as a table; empty where it is broken."""
    try:
        return table(json.loads(text or "{}"))
    except (ValueError, RecursionError):
        return {}


def yaml_table(text: str | None) -> Table:
    """The file as a table with every scalar as it is written ("1.10" stays so); empty where it is broken.

    Merge keys are not merged, which is what makes a small file large.
    """
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    if loader is yaml.BaseLoader and len(text or "") > 300_000:
        return {}  # Without libyaml this would take a minute.
    try:
        return table(yaml.load(text or "", Loader=loader))  # noqa: S506  (builds only text, lists and tables)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return {}


def yarn_lock(text: str | None) -> Iterator[tuple[str, str]]:
    """Each pattern that is asked for ("react@^18.2.0") with its version, from yarn's own format or its YAML.

    In berry's lock files a pattern has its protocol ("react@npm:^18.2.0").
    """
    patterns: list[str] = []
    for line in (text or "").splitlines():
        if line[:1] not in ("", " ", "#") and line.endswith(":"):
            patterns = [pattern.strip(" \"'") for pattern in line[:2000].rstrip(":").split(",")]
        elif match := re.match(r" {2}version:? \"?([^\s\"]{1,100})", line):
            yield from ((pattern, match[1]) for pattern in patterns)
            patterns = []


def go_mod(text: str | None) -> tuple[dict[str, str], dict[str, tuple[str, bool]]]:
    """The directives "module", "go" and "toolchain", and each required module's version, true if direct."""
    directives: dict[str, str] = {}
    required: dict[str, tuple[str, bool]] = {}
    block = ""
    for raw in (text or "").splitlines():
        line = raw.strip()
        if line.endswith("(") and not block:
            block = line.split("(")[0].strip()
        elif line.startswith(")"):
            block = ""
        elif block in ("", "require") and (match := _GO_REQUIREMENT.match(line)):
            if block or line.startswith("require"):
                required[match[1].strip('"')] = (match[2], match[3] is None)
        elif not block and (match := re.match(r"(module|go|toolchain)[ \t]+([^\s]{1,200})", line)):
            directives[match[1]] = match[2].strip('"')
    return directives, required


def table(value: object) -> Table:
    """The value if it is a table with names, else an empty one."""
    return (
        {key: item for key, item in value.items() if isinstance(key, str)} if isinstance(value, dict) else {}
    )


def tables(value: object) -> list[Table]:
    """The tables of a list."""
    return [table(item) for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def at(value: object, *keys: str) -> Table:
    """The table at a path of keys, empty where there is none."""
    for key in keys:
        value = table(value).get(key)
    return table(value)


def string(value: object) -> str:
    """The value if it is text, else empty."""
    return value if isinstance(value, str) else ""


def strings(value: object) -> list[str]:
    """The texts of a list, of at most 500 characters each."""
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str) and len(item) <= 500]
