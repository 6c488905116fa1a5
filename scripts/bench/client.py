"""A language client as thin as can be, so that what is measured is the server."""

from __future__ import annotations

import asyncio
import json
import subprocess
from time import perf_counter
from typing import Any

PATIENCE_SECONDS = 60.0


class Client:
    """One server process over stdio. Requests of the server to the client are answered with null."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._next_id = 0
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._published: dict[int, asyncio.Future[float]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, command: tuple[str, ...], folder: str, options: dict[str, Any]) -> Client:
        """Start a server and initialise it for a client that takes pushed diagnostics with versions."""
        process = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        client = cls(process)
        capabilities = {"textDocument": {"publishDiagnostics": {"versionSupport": True}}}
        root = {"rootUri": folder, "workspaceFolders": [{"uri": folder, "name": "bench"}]}
        params = {"processId": None, "capabilities": capabilities, "initializationOptions": options, **root}
        await client.request("initialize", params)
        client.notify("initialized", {})
        return client

    async def request(self, method: str, params: object) -> Any:  # noqa: ANN401
        self._next_id += 1
        reply = asyncio.get_running_loop().create_future()
        self._replies[self._next_id] = reply
        self._send({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        return await asyncio.wait_for(reply, PATIENCE_SECONDS)

    def notify(self, method: str, params: object) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def open(self, uri: str, language: str, text: str) -> None:
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, uri: str, version: int, text: str) -> asyncio.Future[float]:
        """Send a whole new text. The future holds the time at which diagnostics for this version came."""
        published = asyncio.get_running_loop().create_future()
        self._published[version] = published
        document = {"uri": uri, "version": version}
        params = {"textDocument": document, "contentChanges": [{"text": text}]}
        self.notify("textDocument/didChange", params)
        return published

    def resident_megabytes(self) -> float:
        """The server's resident memory."""
        command = ["ps", "-o", "rss=", "-p", str(self._process.pid)]
        return int(subprocess.run(command, capture_output=True, check=True).stdout) / 1024

    async def stop(self) -> None:
        await self.request("shutdown", None)
        self.notify("exit", None)
        await asyncio.wait_for(self._process.wait(), PATIENCE_SECONDS)
        await self._reader

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None  # noqa: S101
        body = json.dumps(message).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None  # noqa: S101
        while header := await stream.readline():
            length = int(header.split(b":")[1])
            while (await stream.readline()).strip():
                pass
            self._take(json.loads(await stream.readexactly(length)))

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            self._replies.pop(message["id"]).set_result(message.get("result"))
        elif "id" in message:
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": None})
        elif message["method"] == "textDocument/publishDiagnostics":
            self._settle(message["params"].get("version", 0), perf_counter())

    def _settle(self, version: int, now: float) -> None:
        """Diagnostics for a version settle it and every older one: those were superseded."""
        for older in [key for key in self._published if key <= version]:
            self._published.pop(older).set_result(now)
