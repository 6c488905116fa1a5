"""The protocol's own errors, as handlers raise them."""

from __future__ import annotations

from lsprotocol import types
from pygls.exceptions import JsonRpcException


def content_modified() -> JsonRpcException:
    """The text has changed since; clients drop the answer in silence."""
    code = types.LSPErrorCodes.ContentModified.value
    return JsonRpcException("The text has changed since this was offered.", code)
