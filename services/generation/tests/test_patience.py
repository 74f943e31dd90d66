"""Each phase of a call has its own time, and what its end proves: nothing begun, nobody knows, or broken midway."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from generation.providers.base import Ask, Broken, Message, NotAccepted, Piece, Unanswered
from generation.providers.openai_api import OpenAiApi
from kit.testing.ports import free_port

ASK = Ask([Message("user", "Say something.")], 50)
CHUNK = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    b'[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}\n\n'
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


@contextlib.asynccontextmanager
async def answering(*pieces: bytes) -> AsyncIterator[str]:
    """A server that says this and then nothing more."""
    stop = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
        await writer.drain()
        await stop.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        stop.set()
        server.close()
        await server.wait_closed()


async def said(url: str) -> list[str]:
    api, came = OpenAiApi("patient", url, "sk-test", between=0.3), []
    try:
        async for piece in api.write("m", ASK):
            came += [piece.text] if isinstance(piece, Piece) else []
    except Broken as broken:
        raise Broken(f"{broken.code} after {''.join(came)}") from None
    finally:
        await api.close()
    return came


async def test_who_cannot_be_connected_to_has_begun_nothing() -> None:
    with pytest.raises(NotAccepted, match="not_reachable"):
        await said(f"http://127.0.0.1:{free_port()}/v1")


async def test_of_who_never_begins_to_answer_nobody_knows() -> None:
    async with answering() as url:
        with pytest.raises(Unanswered, match="no_answer"):
            await said(url)


async def test_who_falls_silent_midway_is_broken_off() -> None:
    async with answering(HEAD, CHUNK) as url:
        with pytest.raises(Broken, match="after Hello"):
            await said(url)
