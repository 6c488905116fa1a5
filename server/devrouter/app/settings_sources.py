"""Where settings come from: files and editors are read, checked key by key, and laid over each other.

A value that is refused is named with its source, and the next lower source's value stays. Only a trusted
source, one that the user alone writes, may set a setting of scope `machine`.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_origin

from devrouter.app.settings import Scope, Settings
from devrouter.app.settings_table import Setting, all_settings, plain, settings_from, value_at
from devrouter.app.settings_validator import validator
from devrouter.core.tiers import Route

PROJECT_FILE = ".devrouter.toml"
USER_OPTIONS = "command line or editor"
WORKSPACE_OPTIONS = "editor's workspace settings"

_LARGEST_FILE = 1_000_000  # bytes
_MOST_ITEMS = 1000  # of a list; a repository must not make every keystroke slow
_MOST_PROBLEMS = 40  # named of one source; the rest is counted
_ADDED_UP = ("ignore", "tiers.rules")  # lists of which no source replaces another's
_TIER_ORDER: list[object] = list(Route)


class SourceError(Exception):
    """A configuration file that cannot be used. `str(error)` is the sentence for the user, with its path."""


@dataclass(frozen=True, slots=True)
class Source:
    """What one source says. `values` are known keys with unchecked values, in the order they stand there."""

    name: str
    values: tuple[tuple[str, object], ...]
    problems: tuple[str, ...]
    trusted: bool
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, and where each came from.

    `sources` maps every key to `default`, a file's path, or the name of an editor source. `problems` are
    sentences for the user. `files` are the configuration files that are there, readable or not.
    """

    settings: Settings
    sources: Mapping[str, str]
    problems: tuple[str, ...]
    files: tuple[Path, ...]


def load_settings(
    path: Path | None,
    *,
    user_options: Mapping[str, object] | None = None,
    workspace_options: Mapping[str, object] | None = None,
    user_config: Path | None = None,
) -> LoadedSettings:
    """The settings for the document at `path` (None: one without a file). Never raises.

    `user_options` are the user's own: initializationOptions, the command line. `workspace_options` are the
    answer to workspace/configuration, which a repository's editor folder can fill. `user_config` replaces
    the user's config.toml.
    """
    sources = read_sources(path, user_options, workspace_options, user_config)
    return merge(sources, user_config_path(user_config))


def describe(loaded: LoadedSettings) -> tuple[tuple[str, str, str], ...]:
    """(key, value as JSON, source) of every setting, in order."""
    return tuple(
        (key, json.dumps(plain(value_at(loaded.settings, key)), ensure_ascii=False), loaded.sources[key])
        for key in all_settings()
    )


def user_config_path(user_config: Path | None = None) -> Path:
    """The user's configuration: as given, else as DEVROUTER_CONFIG names it, else in the platform's place."""
    if user_config is not None:
        return user_config.absolute()
    if named := os.environ.get("DEVROUTER_CONFIG"):
        return Path(os.path.expanduser(named)).absolute()  # noqa: PTH111  (Path.expanduser raises)
    from platformdirs import user_config_path as platform_path

    return platform_path("devrouter", appauthor=False) / "config.toml"


def project_folders(path: Path) -> Iterator[Path]:
    """The folders where `.devrouter.toml` is looked for, nearest first, up to the user's home or the root."""
    start = Path(os.path.abspath(path))  # noqa: PTH100  (Path.resolve would follow links)
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  (Path.home raises where there is none)
    for folder in [start, *start.parents] if os.path.isdir(start) else start.parents:  # noqa: PTH112
        yield folder
        if folder == home:
            return


def project_file(path: Path) -> Path | None:
    """The nearest `.devrouter.toml` for the file or folder at `path`, readable or not."""
    candidates = (folder / PROJECT_FILE for folder in project_folders(path))
    # A link that leads nowhere is found too, so that its problem is told.
    return next((file for file in candidates if os.path.lexists(file)), None)


def read_sources(
    path: Path | None, user_options: object, workspace_options: object, user_config: Path | None
) -> list[Source]:
    """All sources that say something, lowest first."""
    config = user_config_path(user_config)
    project = project_file(path) if path is not None else None
    sources = []
    if os.path.lexists(config):
        sources.append(_file_source(config, trusted=True))
    elif user_config is not None or "DEVROUTER_CONFIG" in os.environ:
        problem = f"{config}: there is no such configuration file; defaults are used."
        sources.append(Source(str(config), (), (problem,), trusted=True))
    if project is not None and project != config:
        sources.append(_file_source(project, trusted=False))
    sources.append(_source(USER_OPTIONS, user_options, trusted=True))
    sources.append(_source(WORKSPACE_OPTIONS, workspace_options, trusted=False))
    return sources


def merge(sources: list[Source], config: Path) -> LoadedSettings:
    """Lay the sources over the defaults, lowest first. `config` is where machine settings are to be put."""
    layers = _Layers(config)
    for source in sources:
        layers.add(source)
    return LoadedSettings(
        settings=settings_from(layers.values),
        sources=layers.sources,
        problems=tuple(layers.problems),
        files=tuple(source.file for source in sources if source.file is not None),
    )


def read_file(path: Path) -> str:
    """The text of a configuration file with its own line ends. Raises `SourceError`."""
    try:
        state = path.stat()
        # A repository can hold a link to a device that never ends.
        if not stat.S_ISREG(state.st_mode):
            raise SourceError(
                f"{path}: this is not a regular file; move it away to use that name for settings."
            )
        if state.st_size > _LARGEST_FILE:
            raise SourceError(f"{path}: {state.st_size:,} bytes is too large; 1 MB is the most that is read.")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: is not UTF-8 at byte {error.start}; save it as UTF-8.") from None


def parse_toml(path: Path, text: str) -> dict[str, Any]:
    """The file's values. Raises `SourceError` with the line of a syntax error."""
    import tomllib

    # tomllib takes time by the product of these; a hostile file of 40 kB could hold it for minutes.
    dots = text.count(".")
    if dots * (dots + text.count("\n")) > 1_000_000:
        raise SourceError(f"{path}: has {dots:,} dots, which would take too long to read; shorten it.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"{path}: is not valid TOML: {error}.") from None
    except (ValueError, RecursionError):
        raise SourceError(f"{path}: holds a number too large or a list too deep to read.") from None


class _Layers:
    """Values by key while sources are laid over each other."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.values: dict[str, object] = {key: setting.default for key, setting in all_settings().items()}
        self.sources = dict.fromkeys(self.values, "default")
        self.problems: list[str] = []

    def add(self, source: Source) -> None:
        before, sources_before = dict(self.values), dict(self.sources)
        problems = list(source.problems)
        for key, raw in source.values:
            problems += self._set(source, all_settings()[key], raw)
        floor, ceiling = self.values["tiers.floor"], self.values["tiers.ceiling"]
        if _TIER_ORDER.index(floor) > _TIER_ORDER.index(ceiling):
            for key in ("tiers.floor", "tiers.ceiling"):
                self.values[key], self.sources[key] = before[key], sources_before[key]
            problems.append(
                f"{source.name}: tiers.floor ({floor}) is above tiers.ceiling ({ceiling}); "
                f"{before['tiers.floor']} and {before['tiers.ceiling']} stay in force."
            )
        self.problems += _bounded(source.name, problems)

    def _set(self, source: Source, setting: Setting, raw: object) -> list[str]:
        key = setting.key
        value, problems = checked(setting, raw)
        if setting.scope is Scope.MACHINE and not source.trusted:
            # Editors answer workspace/configuration with the user's own settings as well.
            if source.file is None and value == self.values[key]:
                return []
            return [f"{source.name}: {key} is ignored: only you may set it: put it in {self.config}."]
        if value is None:
            in_force = json.dumps(plain(self.values[key]), ensure_ascii=False)
            return [f"{source.name}: {problem}; {in_force} stays in force." for problem in problems]
        name, old = source.name, self.values[key]
        if key in _ADDED_UP and old and isinstance(old, tuple) and isinstance(value, tuple):
            # What the user ignores everywhere stays ignored in a project that ignores something else, and
            # the user's rules are asked before a repository's.
            value = (*value, *old) if source.trusted else (*old, *value)
            name = f"{self.sources[key]}, {name}"
        self.values[key], self.sources[key] = value, name
        return [f"{source.name}: {problem}; it is left out." for problem in problems]


def checked(setting: Setting, raw: object) -> tuple[object, list[str]]:
    """The value as its type has it, or None; and what is wrong with it. Of a list the good items count."""
    if get_origin(setting.type) is not tuple:
        try:
            return _parsed(setting.key, raw), []
        except ValueError as error:
            return None, [f"{setting.key} {error}"]
    if not isinstance(raw, list | tuple):
        return None, [f"{setting.key} should be a list"]
    items, problems = [], []
    for number, item in enumerate(raw[:_MOST_ITEMS], 1):
        try:
            items.append(_parsed(setting.key, item))
        except ValueError as error:
            problems.append(f"{setting.key}, item {number}, {error}")
    if len(raw) > _MOST_ITEMS:
        problems.append(f"{setting.key}, what follows item {_MOST_ITEMS}, is too much")
    return tuple(items), problems


def _parsed(key: str, raw: object) -> object:
    """Raises `ValueError` with the end of a sentence that begins with the key. Never repeats the value."""
    from pydantic_core import ValidationError

    try:
        # As JSON, because pydantic is then strict about types and still takes an enum's word for the enum.
        return validator(key).validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "".join(f"{part} " for part in first["loc"])
        raise ValueError(place + _predicate(first["msg"])) from None
    except (TypeError, ValueError, RecursionError):
        raise ValueError("has a value that no setting can have") from None


def _predicate(message: str) -> str:
    """pydantic's message as the rest of a sentence: "should be greater than 0"."""
    if message == "Field required":
        return "is missing"
    message = message.removeprefix("Input ").removeprefix("String ")
    return message[0].lower() + message[1:]


def _file_source(path: Path, *, trusted: bool) -> Source:
    try:
        source = _source(str(path), parse_toml(path, read_file(path)), trusted=trusted)
    except SourceError as error:
        source = Source(str(path), (), (str(error),), trusted)
    return replace(source, file=path)


def _source(name: str, tree: object, *, trusted: bool) -> Source:
    values: list[tuple[str, object]] = []
    problems: list[str] = []
    if isinstance(tree, Mapping):
        _flatten(tree, "", values, problems)
    elif tree is not None:
        problems.append("should be an object with settings")
    return Source(name, tuple(values), tuple(f"{name}: {problem}." for problem in problems), trusted)


def _flatten(
    tree: Mapping[Any, object], prefix: str, values: list[tuple[str, object]], problems: list[str]
) -> None:
    """Nested or dotted, snake or camel case, with or without `devrouter.` in front: all are the same key."""
    for name, value in tree.items():
        path = prefix + _snake(str(name))
        key = path.removeprefix("devrouter.")
        if value is None:  # How editors write a setting that is not set.
            continue
        if key in all_settings():
            values.append((key, value))
        elif key not in _groups() and path != "devrouter":
            # The search for the nearest key is slow, and only so many problems are shown.
            problems.append(_unknown(key) if len(problems) < _MOST_PROBLEMS else "")
        elif isinstance(value, Mapping):
            _flatten(value, path + ".", values, problems)
        else:
            problems.append(f"{key} should be a table of settings")


def _unknown(key: str) -> str:
    key = "".join(character if character.isprintable() else "?" for character in key[:80])
    near = difflib.get_close_matches(key, all_settings(), 1)
    return f"{key} is not a setting" + (f"; the nearest is {near[0]}" if near else "")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])[A-Z]+", lambda match: "_" + match.group().lower(), name)


@cache
def _groups() -> frozenset[str]:
    return frozenset(key[:end] for key in all_settings() for end, mark in enumerate(key) if mark == ".")


def _bounded(name: str, problems: list[str]) -> list[str]:
    rest = len(problems) - _MOST_PROBLEMS
    return problems if rest <= 0 else [*problems[:_MOST_PROBLEMS], f"{name}: {rest} more problems."]
