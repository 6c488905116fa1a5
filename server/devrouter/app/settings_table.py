"""The settings as a table: each with its key, type, default, description, scope and limits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any

from devrouter.app.settings import Scope, Settings


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as data. `key` is dotted snake case, such as `model.pause_seconds`."""

    key: str
    type: Any
    default: object
    description: str
    scope: Scope
    limits: Mapping[str, Any]


@cache
def all_settings() -> Mapping[str, Setting]:
    """Every setting by its key, in the order in which they are defined."""
    return {setting.key: setting for setting in _settings_of(Settings, "")}


def settings_from(values: Mapping[str, object]) -> Settings:
    """Settings from checked values by key; a key that is absent keeps its default."""
    made: Settings = _group_from(Settings, "", values)
    return made


def plain(value: object) -> object:
    """A setting's value as JSON has it."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        given = ((item.name, getattr(value, item.name), item.default) for item in fields(value))
        return {name: plain(part) for name, part, default in given if part != default}
    return value


def _settings_of(group: type, prefix: str) -> Iterator[Setting]:
    for item in fields(group):
        key = prefix + item.name
        if is_dataclass(item.type):
            yield from _settings_of(item.type, key + ".")  # type: ignore[arg-type]
        else:
            yield Setting(key=key, type=item.type, default=item.default, **item.metadata)


def _group_from(group: type, prefix: str, values: Mapping[str, object]) -> Any:  # noqa: ANN401
    arguments: dict[str, object] = {}
    for item in fields(group):
        key = prefix + item.name
        if is_dataclass(item.type):
            arguments[item.name] = _group_from(item.type, key + ".", values)  # type: ignore[arg-type]
        elif key in values:
            arguments[item.name] = values[key]
    return group(**arguments)


def value_at(settings: Settings, key: str) -> object:
    value: object = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value
