"""The VS Code client mirrors what the server says of itself: its settings, its version, its messages."""

from __future__ import annotations

import json
import re
import types
from typing import Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

import pytest

import generate_manifest
from devrouter.lsp import protocol

PROTOCOL_TS = generate_manifest.MANIFEST.parent / "src" / "protocol.ts"
SERVER = {name: value for name, value in vars(protocol).items() if name.isupper()}
MESSAGES = {name: value for name, value in vars(protocol).items() if is_typeddict(value)}


def test_the_manifest_is_what_the_settings_make_of_it() -> None:
    written = generate_manifest.MANIFEST.read_text(encoding="utf-8")
    assert generate_manifest.generated(written) == written, "run python scripts/generate_manifest.py"


def test_a_changed_setting_makes_the_manifest_stale() -> None:
    written = generate_manifest.MANIFEST.read_text(encoding="utf-8")
    stale = written.replace('"devrouter.ollama.host"', '"devrouter.ollama.address"')
    assert stale != written
    assert generate_manifest.generated(stale) == written


def test_every_setting_of_scope_machine_is_restricted_in_an_untrusted_workspace() -> None:
    package = json.loads(generate_manifest.MANIFEST.read_text(encoding="utf-8"))
    restricted = package["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    assert {"devrouter.server.path", "devrouter.interpreter", "devrouter.ollama.host"} <= set(restricted)


def test_methods_and_commands_have_the_same_names() -> None:
    assert _constants() == SERVER


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_has_the_same_fields(name: str) -> None:
    assert _interfaces().get(name) == _fields(MESSAGES[name])


def test_there_are_no_other_messages() -> None:
    assert set(_interfaces()) == set(MESSAGES)


def _constants() -> dict[str, str]:
    return dict(
        re.findall(
            r"^export const (\w+) = '([^']*)';$", PROTOCOL_TS.read_text(encoding="utf-8"), re.MULTILINE
        )
    )


def _interfaces() -> dict[str, dict[str, str]]:
    """The fields of each interface with their types; an optional field's name ends in `?`."""
    text = PROTOCOL_TS.read_text(encoding="utf-8")
    bodies = re.findall(r"^export interface (\w+) \{\n(.*?)^\}$", text, re.MULTILINE | re.DOTALL)
    return {name: dict(re.findall(r"^  (\w+\??): (.+);$", body, re.MULTILINE)) for name, body in bodies}


def _fields(message: Any) -> dict[str, str]:
    hints = get_type_hints(message, include_extras=True)
    fields = {}
    for name, hint in hints.items():
        optional = get_origin(hint) is NotRequired
        fields[f"{name}?" if optional else name] = _typescript(get_args(hint)[0] if optional else hint)
    return fields


def _typescript(hint: Any) -> str:
    """A Python type as TypeScript writes it."""
    simple = {
        str: "string",
        int: "number",
        float: "number",
        bool: "boolean",
        Any: "unknown",
        type(None): "null",
    }
    if hint in simple:
        return simple[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is list:
        return f"{_typescript(arguments[0])}[]"
    if origin is dict:
        return f"Record<{', '.join(map(_typescript, arguments))}>"
    if origin is types.UnionType:
        return " | ".join(map(_typescript, arguments))
    return str(hint.__name__)
