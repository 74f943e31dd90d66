import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import httpx
import psutil
import pytest

from sandbox.faults import Faults as Rules
from sandbox.mailbox.smtp import Postman, SmtpServer
from sandbox.received import Received

from .conftest import until

Write = Callable[..., EmailMessage]
Inbox = Callable[..., Awaitable[list[dict[str, Any]]]]
Faults = Callable[..., Awaitable[None]]


async def test_a_delayed_mail_is_accepted_late(
    smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox, faults: Faults
) -> None:
    await faults("mailbox", {"kind": "delay", "seconds": 0.4, "times": 1})
    began = time.monotonic()
    await smtp.send_message(write())
    assert 0.4 <= time.monotonic() - began < 30
    assert len(await inbox()) == 1


async def test_a_recipient_is_refused_and_others_are_not(
    smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox, faults: Faults
) -> None:
    refusal = {"kind": "refuse_before_effect", "code": 550, "text": "5.1.1 No such user"}
    await faults("mailbox", refusal | {"match": {"method": "RCPT", "recipient": "gone@example.org"}})
    refused, _ = await smtp.send_message(write(), recipients=["Gone@Example.org", "ann@example.org"])
    assert [(answer.code, answer.message) for answer in refused.values()] == [(550, "5.1.1 No such user")]
    assert [one["to"] for one in await inbox()] == [["ann@example.org"]]


async def test_a_whole_domain_can_be_refused_at_data(
    smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox, faults: Faults, received: Inbox
) -> None:
    rule = {"kind": "refuse_before_effect", "match": {"recipient": "@full.test"}, "code": 452, "text": "Full"}
    await faults("mailbox", rule)
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await smtp.send_message(write(to="ann@full.test"))
    assert (refused.value.code, refused.value.message) == (452, "Full")
    await smtp.send_message(write(to="ann@free.test"))

    assert [one["to"] for one in await inbox()] == [["ann@free.test"]]
    calls = await received("mailbox")
    assert [(call["method"], call["outcome"], call["status"]) for call in calls] == [
        ("DATA", "answered", 250),
        ("DATA", "refused", 452),
    ]
    assert calls[1]["headers"]["rcpt-to"] == "ann@full.test"
    assert "Subject: Hello" in calls[1]["body"]


async def test_a_rule_strikes_only_as_often_as_it_may(
    smtp: aiosmtplib.SMTP, http: httpx.AsyncClient, write: Write, inbox: Inbox, faults: Faults
) -> None:
    await faults("mailbox", {"kind": "refuse_before_effect", "times": 2})
    for _ in range(2):
        with pytest.raises(aiosmtplib.SMTPDataError):
            await smtp.send_message(write())
    await smtp.send_message(write())
    assert len(await inbox()) == 1
    [state] = (await http.get("/control/mailbox/faults")).json()["items"]
    assert (state["struck"], state["remaining"]) == (2, 0)


async def test_a_dropped_answer_leaves_the_mail_stored_and_the_connection_closed(
    smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox, faults: Faults, received: Inbox
) -> None:
    await faults("mailbox", {"kind": "drop_after_effect", "times": 1})
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await smtp.send_message(write())
    assert not smtp.is_connected
    assert len(await inbox()) == 1
    assert [(call["outcome"], call["status"]) for call in await received("mailbox")] == [("dropped", None)]

    await smtp.connect()
    await smtp.send_message(write())
    assert len(await inbox()) == 2


async def test_the_wire_carries_no_byte_after_a_dropped_answer(program: Any, faults: Faults) -> None:
    await faults("mailbox", {"kind": "drop_after_effect"})
    reader, writer = await asyncio.open_connection("127.0.0.1", program.smtp_port)
    await reader.readline()
    for command in (b"HELO x\r\n", b"MAIL FROM:<a@b.test>\r\n", b"RCPT TO:<c@d.test>\r\n", b"DATA\r\n"):
        writer.write(command)
        await reader.readline()
    writer.write(b"Subject: x\r\n\r\nx\r\n.\r\n")
    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()
    await writer.wait_closed()


async def test_a_mail_can_be_stored_and_an_error_be_answered(
    smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox, faults: Faults
) -> None:
    await faults("mailbox", {"kind": "error_after_effect", "code": 451, "text": "4.3.0 Oops", "times": 1})
    with pytest.raises(aiosmtplib.SMTPDataError) as answered:
        await smtp.send_message(write())
    assert (answered.value.code, answered.value.message) == (451, "4.3.0 Oops")
    assert len(await inbox()) == 1


async def test_a_421_is_answered_and_ends_the_connection(
    smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox, faults: Faults
) -> None:
    await faults("mailbox", {"kind": "refuse_before_effect", "code": 421, "text": "4.7.0 Come back later"})
    with pytest.raises((aiosmtplib.SMTPDataError, aiosmtplib.SMTPServerDisconnected)):
        await smtp.send_message(write())
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await smtp.noop()
    assert await inbox() == []


async def test_an_accepted_mail_can_become_visible_later(
    smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox, faults: Faults
) -> None:
    await faults("mailbox", {"kind": "visible_after", "seconds": 1.0, "times": 1})
    began = time.monotonic()
    await smtp.send_message(write(subject="late"))
    await smtp.send_message(write(subject="at once"))
    assert [one["subject"] for one in await inbox()] == ["at once"] or time.monotonic() - began >= 1.0

    async def both_visible() -> bool:
        return len(await inbox()) == 2

    await until(both_visible)
    assert time.monotonic() - began >= 1.0
    assert [one["subject"] for one in await inbox()] == ["at once", "late"]


async def test_chance_with_a_seed_strikes_the_same_mails_each_time(
    smtp: aiosmtplib.SMTP, write: Write, faults: Faults
) -> None:
    async def refused_of_twenty() -> list[int]:
        await faults("mailbox", {"kind": "refuse_before_effect", "probability": 0.5, "seed": 7})
        refused = []
        for number in range(20):
            try:
                await smtp.send_message(write())
            except aiosmtplib.SMTPDataError:
                refused.append(number)
        return refused

    first, second = await refused_of_twenty(), await refused_of_twenty()
    assert first == second
    assert 0 < len(first) < 20


async def test_a_delayed_client_holds_up_nobody_else(
    program: Any, smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox, faults: Faults
) -> None:
    await faults("mailbox", {"kind": "delay", "seconds": 1.0, "match": {"recipient": "slow@example.org"}})
    began = time.monotonic()
    slow = asyncio.create_task(
        aiosmtplib.send(write(to="slow@example.org"), hostname="127.0.0.1", port=program.smtp_port, start_tls=False)
    )
    await smtp.send_message(write(to="fast@example.org"))
    assert [one["to"] for one in await inbox()] == [["fast@example.org"]] or time.monotonic() - began >= 1.0
    await slow
    assert len(await inbox()) == 2


async def test_a_mail_handed_over_is_kept_although_its_client_lost_patience(
    smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox, faults: Faults, received: Inbox
) -> None:
    await faults("mailbox", {"kind": "delay", "seconds": 1.0})
    began = time.monotonic()
    sending = asyncio.create_task(smtp.send_message(write()))

    async def handed_over() -> bool:
        return bool(await received("mailbox"))

    await until(handed_over)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    smtp.close()
    assert await inbox() == [] or time.monotonic() - began >= 1.0
    await until(inbox)
    assert len(await inbox()) == 1


@pytest.mark.parametrize("turns", range(8))
async def test_a_stop_leaves_no_session_open_also_one_that_begins_at_that_moment(turns: int) -> None:
    async def nowhere(*_: object) -> None: ...

    server = SmtpServer("127.0.0.1", 0, Postman(nowhere, Rules(), Received()))
    await server.start()
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port))):
        for _ in range(turns):
            await asyncio.sleep(0)
        await server.stop()
        seen = psutil.Process().net_connections(kind="tcp4")
        assert not [one for one in seen if one.fd >= 0 and one.laddr.port == int(port)]
