"""Values that the user says are no secrets, on this machine, in whatever draft they stand.

Of such a value a keyed hash is kept beside the ignored findings, with the kind `secret` and no place. The
key is random, made here and readable by the user alone: without it, nobody can try out passwords on the
hashes. No setting of any file can do the same, so no repository can switch a warning off.
"""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING

from devrouter.app.ignores import Ignored, IgnoreError
from devrouter.app.secrets import secrets_in

if TYPE_CHECKING:
    from devrouter.app.ignores import Ignores
    from devrouter.core.secrets import Secret

KIND = "secret"
_KEY_BYTES = 32


class Dismissed:
    """The values dismissed, kept in `ignores`."""

    def __init__(self, ignores: Ignores) -> None:
        self._ignores = ignores
        self._file = ignores.file.with_name("secrets.key")
        self._key: bytes | None = None

    def secrets_in(self, text: str) -> tuple[Secret, ...]:
        """The secrets of a draft, less those that were dismissed."""
        found = secrets_in(text)
        if not found or (key := self._read_key()) is None:
            return found
        return tuple(
            secret for secret in found if not self._ignores.keeps(_hash(key, text[slice(*secret.span)]))
        )

    def dismiss(self, value: str) -> None:
        """Never warn of this value again. Raises `IgnoreError` where that cannot be kept."""
        key = self._read_key() or self._make_key()
        self._ignores.keep(Ignored(_hash(key, value), KIND, "", time.time()))

    def _read_key(self) -> bytes | None:
        """None where nothing was ever dismissed, or the key is lost and with it all that was."""
        if self._key is None:
            try:
                key = self._file.read_bytes()
            except OSError:
                return None
            self._key = key if len(key) == _KEY_BYTES else None
        return self._key

    def _make_key(self) -> bytes:
        key = os.urandom(_KEY_BYTES)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
            with os.fdopen(os.open(self._file, flags, 0o600), "wb") as stream:
                stream.write(key)
        except OSError as error:
            raise IgnoreError(f"{self._file}: cannot be written ({error.strerror}).") from None
        self._key = key
        return key


def _hash(key: bytes, value: str) -> str:
    return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), key=key, digest_size=32).hexdigest()
