"""The settings as an editor's manifest describes them: VS Code's `contributes.configuration`."""

from __future__ import annotations

import re
from typing import Annotated, Any, get_args, get_origin

from pydantic import Field, TypeAdapter

from devrouter.app.settings_table import Setting, all_settings, plain


def settings_schema() -> dict[str, Any]:
    """`title` and `properties`, in the order of the settings, under `devrouter.` in camel case.

    Types, defaults, enums and limits are those by which values are checked. `scope` is VS Code's: `machine`
    settings cannot be set by a workspace.
    """
    properties = {
        "devrouter." + _camel(setting.key): _property(setting, order)
        for order, setting in enumerate(all_settings().values())
    }
    return {"title": "DevRouter", "properties": properties}


def _property(setting: Setting, order: int) -> dict[str, Any]:
    checked_by = type_adapter(setting).json_schema()
    value = _inlined(checked_by, checked_by.get("$defs", {}))
    if get_origin(setting.type) is tuple:
        value = {"type": "array", "items": value}
    title = re.sub(r"[._]", " ", setting.key).capitalize()
    return {
        "title": title,
        "markdownDescription": setting.description,
        **value,
        "default": plain(setting.default),
        "scope": setting.scope.value,
        "order": order,
    }


def type_adapter(setting: Setting) -> TypeAdapter[Any]:
    """The type and the limits of a setting as pydantic has them; of a list, of one item."""
    kind = get_args(setting.type)[0] if get_origin(setting.type) is tuple else setting.type
    checked_kind: Any = Annotated[kind, Field(**setting.limits)]
    return TypeAdapter(checked_kind)


def _inlined(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A manifest has no place for references, titles and descriptions of ours, or `anyOf` with null."""
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        value, nothing = (_inlined(part, definitions) for part in schema["anyOf"])
        return {**value, "type": [value["type"], nothing["type"]]}
    kept = {name: part for name, part in schema.items() if name not in {"$defs", "title", "description"}}
    if "properties" in kept:
        kept["properties"] = {name: _inlined(part, definitions) for name, part in kept["properties"].items()}
    return kept


def _camel(key: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match.group(1).upper(), key)
