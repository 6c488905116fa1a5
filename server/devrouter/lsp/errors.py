"""The protocol's own errors, as handlers raise them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from devrouter.engines.engine import EngineError


def content_modified() -> JsonRpcException:
    """The text has changed since; clients drop the answer in silence."""
    code = types.LSPErrorCodes.ContentModified.value
    return JsonRpcException("The text has changed since this was offered.", code)


def request_failed(error: EngineError) -> JsonRpcException:
    """What the engine could not do, with the command that helps in `data.mend`."""
    return JsonRpcException(str(error), types.LSPErrorCodes.RequestFailed.value, {"mend": error.mend})
