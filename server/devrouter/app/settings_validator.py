"""What checks the value of a setting: pydantic's core, told the types by ourselves.

The rest of pydantic takes three times as long to import, and whoever has a configuration would wait for it at
each start: an editor once, a terminal agent at every prompt.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from devrouter.app.settings_table import all_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import SchemaValidator


@cache
def validator(key: str) -> SchemaValidator:
    """Checks the value of a setting; of a list, one item."""
    from pydantic_core import SchemaValidator

    setting = all_settings()[key]
    kind = get_args(setting.type)[0] if get_origin(setting.type) is tuple else setting.type
    return SchemaValidator(_schema(kind, setting.limits))


def _schema(kind: Any, limits: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """What pydantic makes of the types that settings have."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"type": "literal", "expected": list(arguments)}
    if origin is UnionType:  # With None, and nothing else.
        return {"type": "nullable", "schema": _schema(arguments[0], limits)}
    if origin is tuple:  # Of any length.
        return {"type": "tuple", "items_schema": [_schema(arguments[0], limits)], "variadic_item_index": 0}
    if issubclass(kind, StrEnum):
        return {"type": "enum", "cls": kind, "members": list(kind), "sub_type": "str"}
    if is_dataclass(kind):
        return _dataclass_schema(kind)
    return {"type": kind.__name__, **limits}


def _dataclass_schema(kind: Any) -> dict[str, Any]:  # noqa: ANN401
    config = dict(kind.__pydantic_config__)
    return {
        "type": "dataclass",
        "cls": kind,
        "slots": True,
        "fields": [item.name for item in fields(kind)],
        "schema": {
            "type": "dataclass-args",
            "dataclass_name": kind.__name__,
            "fields": [
                {"type": "dataclass-field", "name": item.name, "schema": _field_schema(item)}
                for item in fields(kind)
            ],
        },
        "config": {"extra_fields_behavior": config.pop("extra"), **config},
    }


def _field_schema(item: Field[Any]) -> dict[str, Any]:
    schema: dict[str, Any] = _schema(item.type, {})
    return (
        schema if item.default is MISSING else {"type": "default", "schema": schema, "default": item.default}
    )
