"""A model server by hand: it answers exactly as told, records what it got, notices a client that leaves."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    Answer = Callable[["Connection"], Awaitable[None]]

DIGEST = "a" * 64
DECISION = {
    "rewrite": "Why does my Flask app return a 500 error?",
    "intent": "debug",
    "complexity": "low",
    "route": "small_local",
    "missing": ["full stack trace"],
}
BORROWED = {"rewrite": DECISION["rewrite"], "missing": DECISION["missing"]}


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Connection:
    """The answering end of one request."""

    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def whole(self, body: str, status: int = 200, headers: str = "") -> None:
        data = body.encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\nConnection: close\r\n{headers}\r\n"
        await self._send(head.encode() + data)

    async def begin(self) -> None:
        await self._send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")

    async def piece(self, text: str) -> None:
        data = text.encode()
        await self._send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def end(self) -> None:
        await self._send(b"0\r\n\r\n")

    async def client_leaves(self) -> None:
        while await self.reader.read(1 << 16):
            pass

    def kill(self) -> None:
        self.writer.transport.abort()

    async def _send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


@dataclass(slots=True)
class FakeServer:
    """`answers` maps a path to what is done for it; anything else is a 404."""

    url: str
    answers: dict[str, Answer]
    requests: list[Request] = field(default_factory=list)
    client_left: asyncio.Event = field(default_factory=asyncio.Event)

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]


@asynccontextmanager
async def fake_server(answers: dict[str, Answer], port: int = 0) -> AsyncIterator[FakeServer]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read(reader)
            fake.requests.append(request)
            connection = Connection(request, reader, writer)
            answer = answers.get(request.path)
            if answer is None:
                await connection.whole("not found", 404)
            else:
                await answer(connection)
        except (ConnectionError, asyncio.IncompleteReadError):
            fake.client_left.set()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    fake = FakeServer(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", answers)
    try:
        yield fake
    finally:
        server.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


def whole(body: object, status: int = 200, headers: str = "") -> Answer:
    """The same answer every time; a string is sent as it is, anything else as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)

    async def answer(connection: Connection) -> None:
        await connection.whole(text, status, headers)

    return answer


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between the two kinds of servers: their paths, and how they stream."""

    name: str
    chat_path: str
    list_path: str
    models: object
    others: Mapping[str, Answer]

    def part(self, text: str) -> str:
        """One streamed piece of the reply."""
        if self.name == "ollama":
            return json.dumps({"message": {"role": "assistant", "content": text}, "done": False}) + "\n"
        return f"data: {json.dumps({'choices': [{'delta': {'content': text}, 'finish_reason': None}]})}\n\n"

    def last(self, *, cut: bool = False, prompt_tokens: int = 20) -> str:
        """What ends the stream."""
        reason = "length" if cut else "stop"
        if self.name == "ollama":
            end = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": reason}
            return json.dumps(end | {"prompt_eval_count": prompt_tokens}) + "\n"
        end = {"choices": [{"delta": {}, "finish_reason": reason}], "usage": {"prompt_tokens": prompt_tokens}}
        return f"data: {json.dumps(end)}\n\ndata: [DONE]\n\n"

    def replies(self, reply: object, *, cut: bool = False, prompt_tokens: int = 20) -> Answer:
        """Stream a reply in small pieces."""
        text = reply if isinstance(reply, str) else json.dumps(reply)

        async def answer(connection: Connection) -> None:
            await connection.begin()
            for start in range(0, len(text), 7):
                await connection.piece(self.part(text[start : start + 7]))
            await connection.piece(self.last(cut=cut, prompt_tokens=prompt_tokens))
            await connection.end()

        return answer

    def answers(self, chat: Answer, models: Answer | None = None) -> dict[str, Answer]:
        return {**self.others, self.list_path: models or whole(self.models), self.chat_path: chat}


OLLAMA = Kind(
    name="ollama",
    chat_path="/api/chat",
    list_path="/api/tags",
    models={"models": [{"name": "devrouter:latest", "digest": DIGEST}]},
    others={"/api/show": whole({"template": "{{ .Prompt }}", "modelfile": "", "model_info": {}})},
)
OPENAI = Kind(
    name="openai",
    chat_path="/v1/chat/completions",
    list_path="/v1/models",
    models={"object": "list", "data": [{"id": "devrouter", "owned_by": "someone"}]},
    others={},
)
