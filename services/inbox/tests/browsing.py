"""A real browser before a real gateway: pages of a customer, in Chromium, spoken to by its debugging protocol."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect

from kit.testing.listening import listening
from kit.testing.programs import eventually

WITHIN: Final = 60.0
PROGRAM: Final = Path(__file__).with_name("browser_program.py")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@dataclass
class Tab:
    """One page in a browser; what is typed and pressed reaches it as a person's would."""

    connection: ClientConnection
    _number: int = 0
    _waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)

    async def listen(self) -> None:
        async for said in self.connection:
            told = orjson.loads(said)
            waiting = self._waiting.pop(told.get("id", 0), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(told)

    async def command(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        waiting = self._waiting[self._number] = asyncio.get_running_loop().create_future()
        await self.connection.send(
            orjson.dumps({"id": self._number, "method": method, "params": parameters}).decode()
        )
        async with asyncio.timeout(WITHIN):
            told = await waiting
        assert "error" not in told, told
        return told["result"]

    async def run(self, expression: str) -> Any:
        """What an expression of JavaScript comes to in the page."""
        told = await self.command("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression is true; one that cannot be asked yet is asked again."""

        async def holds() -> bool:
            return bool(await self.run(f"(() => {{ try {{ return {expression} }} catch (e) {{ return false }} }})()"))

        await eventually(holds, within=WITHIN)

    async def write(self, text: str) -> None:
        await self.command("Input.insertText", text=text)

    async def press(self, key: str, code: int) -> None:
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code}
        text = {"text": "\r"} if key == "Enter" else {}
        await self.command("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        await self.command("Input.dispatchKeyEvent", type="keyUp", **about)


@asynccontextmanager
async def browser(address: str, folder: Path) -> AsyncIterator[Tab]:
    """Chromium on a page, with a profile of its own."""
    port = free_port()
    told = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QTWEBENGINE_DISABLE_SANDBOX": "1",
        "QTWEBENGINE_REMOTE_DEBUGGING": f"127.0.0.1:{port}",
        "QTWEBENGINE_CHROMIUM_FLAGS": "--no-sandbox --disable-gpu --remote-allow-origins=* --disable-dev-shm-usage",
        "XDG_DATA_HOME": str(folder),
        "XDG_CACHE_HOME": str(folder),
    }
    with (folder / "browser.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), address, env=told, stdout=log, stderr=log
        )
    try:
        found: list[str] = []

        async def there() -> bool:
            assert process.returncode is None, (folder / "browser.log").read_text()
            with contextlib.suppress(httpx.HTTPError):
                async with httpx.AsyncClient(timeout=5) as client:
                    pages = (await client.get(f"http://127.0.0.1:{port}/json")).json()
                found.extend(each["webSocketDebuggerUrl"] for each in pages if each["type"] == "page")
            return bool(found)

        await eventually(there, within=WITHIN)
        async with connect(found[0], max_size=2**24, open_timeout=WITHIN, ping_interval=None) as connection:
            tab = Tab(connection)
            listener = asyncio.create_task(tab.listen())
            try:
                yield tab
            finally:
                listener.cancel()
                await asyncio.gather(listener, return_exceptions=True)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@asynccontextmanager
async def pages(content: str, policy: str) -> AsyncIterator[str]:
    """A customer's site, with a strict policy for content; its origin."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            body = content.encode()
            head = (
                f"HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
                f"content-security-policy: {policy}\r\nconnection: close\r\n\r\n"
            )
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()

    async with listening(handle) as port:
        yield f"http://localhost:{port}"


@asynccontextmanager
async def gateway(
    inbox_port: int, folder: Path, redis_url: str, broker_url: str, namespace: str
) -> AsyncIterator[str]:
    """The real gateway as a program, before this inbox; where it is reached."""
    port, admin = free_port(), free_port()
    async with listening(_auth) as auth:
        given = dict.fromkeys(
            ("AUTH", "BILLING", "COMPLIANCE", "PUBLISHER", "GENERATION"), f"http://127.0.0.1:{auth}"
        )
        told = {
            **os.environ,
            **{f"GATEWAY_{name}_URL": url for name, url in given.items()},
            "GATEWAY_INBOX_URL": f"http://127.0.0.1:{inbox_port}",
            "GATEWAY_JWKS_URL": f"http://127.0.0.1:{auth}/.well-known/jwks.json",
            "GATEWAY_HTTP_PORT": str(port),
            "GATEWAY_ADMIN_PORT": str(admin),
            "GATEWAY_REDIS_URL": redis_url,
            "GATEWAY_BROKER_URL": broker_url,
            "GATEWAY_NAMESPACE": namespace,
        }
        with (folder / "gateway.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", env=told, stdout=log, stderr=log
            )
        try:

            async def answers() -> bool:
                assert process.returncode is None, (folder / "gateway.log").read_text()
                with contextlib.suppress(httpx.HTTPError):
                    async with httpx.AsyncClient(timeout=5) as client:
                        return (await client.get(f"http://127.0.0.1:{port}/v1/chat/widget.js")).status_code == 200
                return False

            await eventually(answers, within=WITHIN)
            yield f"http://127.0.0.1:{port}"
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _auth(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Keys, revocations and plans, of which there are none."""
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            target = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
            body = orjson.dumps({"keys": []})
            if target == b"/internal/revocations":
                body = orjson.dumps({"now": datetime.now(UTC), "revocations": []})
            elif target.startswith(b"/internal/plans"):
                body = b'{"plans": [], "next": null}'
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()
    writer.close()
