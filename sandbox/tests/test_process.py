import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import aiosmtplib
import httpx
import orjson
import pytest

from .conftest import until

IDLE = 60.0  # seconds for which a connection may be idle, and for which calls are held here


async def test_it_is_ready_while_mail_is_accepted(http: httpx.AsyncClient, program: Any) -> None:
    assert (await http.get("/livez")).json()["status"] == "live"
    ready = await http.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["servers"] == {f"127.0.0.1:{program.smtp_port}": True}


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_cleanly_and_quickly(own_program: Callable[..., Any], stop: int) -> None:
    own = own_program()
    smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=own.smtp_port, start_tls=False)
    async with httpx.AsyncClient(base_url=own.http_url, timeout=60) as idle:
        await idle.get("/livez")
        await smtp.connect()
        began = time.monotonic()
        own.process.send_signal(stop)
        assert await asyncio.to_thread(own.process.wait, 60) == 0
        assert time.monotonic() - began < IDLE / 2
    smtp.close()


async def test_calls_and_mails_that_wait_do_not_hold_up_the_stop(own_program: Callable[..., Any]) -> None:
    own = own_program()
    delay = [{"kind": "delay", "seconds": IDLE}]
    async with httpx.AsyncClient(base_url=own.http_url, timeout=300) as client:
        await client.put("/control/otlp/faults", json=delay)
        await client.put("/control/mailbox/faults", json=delay)
        waiting = asyncio.create_task(client.get("/v1/traces"))
        smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=own.smtp_port, start_tls=False)
        await smtp.connect()
        mailing = asyncio.create_task(smtp.sendmail("a@b.test", ["c@d.test"], b"x\r\n"))
        for member in ("otlp", "mailbox"):

            async def waits(member: str = member) -> bool:
                return bool((await client.get(f"/control/{member}/received")).json()["items"])

            await until(waits)
        began = time.monotonic()
        own.process.terminate()
        assert await asyncio.to_thread(own.process.wait, 60) == 0
        assert time.monotonic() - began < IDLE / 2
        results = await asyncio.gather(waiting, mailing, return_exceptions=True)
    assert isinstance(results[0], httpx.RemoteProtocolError | httpx.ReadError)
    assert isinstance(results[1], aiosmtplib.SMTPServerDisconnected)


async def test_it_logs_json_lines_only(own_program: Callable[..., Any]) -> None:
    own = own_program()
    smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=own.smtp_port, start_tls=False)
    async with smtp:
        await smtp.sendmail("a@b.test", ["c@d.test"], b"Subject: x\r\n\r\nx\r\n")
    own.process.terminate()
    assert await asyncio.to_thread(own.process.wait, 60) == 0

    async def said() -> bool:
        return any(b"stopped" in line for line in own.lines)

    await until(said)
    assert [orjson.loads(line)["event"] for line in own.lines] == ["stopping", "stopped"]


def run(**settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox"],
        env={**os.environ, "SANDBOX_HTTP_PORT": "0", "SANDBOX_SMTP_PORT": "0", **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_taken_address_is_said_and_ends_in_an_error(program: Any) -> None:
    ended = run(SANDBOX_SMTP_PORT=str(program.smtp_port))
    assert ended.returncode == 1
    assert ended.stderr.startswith("The sandbox cannot listen: ")
    assert "Traceback" not in ended.stderr

    ended = run(SANDBOX_HTTP_PORT=program.http_url.rsplit(":", 1)[1])
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr


def test_settings_that_are_wrong_are_named() -> None:
    ended = run(SANDBOX_HTTP_PORT="many")
    assert ended.returncode == 2
    assert "http_port" in ended.stderr
    assert "Traceback" not in ended.stderr
