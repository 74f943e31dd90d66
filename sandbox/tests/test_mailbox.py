import asyncio
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import httpx

Write = Callable[..., EmailMessage]
Inbox = Callable[..., Awaitable[list[dict[str, Any]]]]


async def test_a_sent_mail_can_be_read_whole(smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox) -> None:
    message = write(subject="Grüße — bitte bestätigen", text="Open https://app.test/verify?token=a-b_c.\n")
    message.add_alternative('<a href="https://app.test/x?a=1&amp;b=2">Übung</a>', subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="räumung.pdf")
    await smtp.send_message(message)

    [kept] = await inbox()
    assert kept["from"] == "no-reply@rostrum.test"
    assert kept["to"] == ["ann@example.org"]
    assert kept["subject"] == "Grüße — bitte bestätigen"
    assert kept["text"] == "Open https://app.test/verify?token=a-b_c.\n"
    assert "Übung" in kept["html"]
    assert kept["links"] == ["https://app.test/verify?token=a-b_c", "https://app.test/x?a=1&b=2"]
    assert dict(kept["headers"])["From"] == "Rostrum <no-reply@rostrum.test>"
    assert kept["message_id"] == message["Message-ID"]
    assert kept["size"] > 200
    assert kept["received_at"].endswith("Z")
    assert kept["attachments"][0]["content_type"] == "application/pdf"
    assert kept["attachments"][0]["size"] == 4
    assert kept["defects"] == []


async def test_messages_are_found_by_recipient_newest_first(
    smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox
) -> None:
    for number in range(3):
        await smtp.send_message(write(to="ann@example.org", subject=f"to Ann {number}"))
    await smtp.send_message(write(to="bob@example.org", subject="to Bob"))

    to_ann = await inbox(to="ANN@example.org", limit="2")
    assert [one["subject"] for one in to_ann] == ["to Ann 2", "to Ann 1"]
    assert [one["subject"] for one in await inbox(to="bob@example.org")] == ["to Bob"]
    assert await inbox(to="nobody@example.org") == []


async def test_pages_lead_to_the_oldest_message(http: httpx.AsyncClient, smtp: aiosmtplib.SMTP, write: Write) -> None:
    for number in range(5):
        await smtp.send_message(write(subject=str(number)))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await http.get("/mailbox/messages", params=query)).json()
        seen += [one["subject"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["4", "3", "2", "1", "0"]


async def test_one_message_is_read_by_its_id(
    http: httpx.AsyncClient, smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox
) -> None:
    await smtp.send_message(write())
    [kept] = await inbox()
    assert (await http.get(f"/mailbox/messages/{kept['id']}")).json() == kept

    missing = await http.get("/mailbox/messages/none")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert missing.json()["title"] == "There is no such message."


async def test_messages_can_be_deleted_all_or_by_recipient(
    http: httpx.AsyncClient, smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox
) -> None:
    await smtp.send_message(write(to="ann@example.org"))
    await smtp.send_message(write(to="bob@example.org"))
    assert (await http.delete("/mailbox/messages", params={"to": "ann@example.org"})).status_code == 204
    assert [one["to"] for one in await inbox()] == [["bob@example.org"]]
    assert (await http.delete("/mailbox/messages")).status_code == 204
    assert await inbox() == []


async def test_all_envelope_recipients_are_kept_blind_copies_too(
    smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox
) -> None:
    await smtp.send_message(write(), recipients=["ann@example.org", "hidden@example.org"])
    [kept] = await inbox(to="hidden@example.org")
    assert kept["to"] == ["ann@example.org", "hidden@example.org"]


async def test_a_client_may_sign_in(smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox) -> None:
    await smtp.login("any", "secret")
    await smtp.send_message(write())
    assert len(await inbox()) == 1


async def test_an_address_of_any_script_is_accepted(smtp: aiosmtplib.SMTP, write: Write, inbox: Inbox) -> None:
    await smtp.send_message(write(), recipients=["käthe@bücher.example"], mail_options=["SMTPUTF8"])
    [kept] = await inbox(to="käthe@bücher.example")
    assert kept["to"] == ["käthe@bücher.example"]


async def test_many_clients_at_once_lose_nothing(program: Any, write: Write, inbox: Inbox) -> None:
    async def send(number: int) -> None:
        message = write(to=f"user{number}@example.org", subject=str(number))
        await aiosmtplib.send(message, hostname="127.0.0.1", port=program.smtp_port, start_tls=False)

    await asyncio.gather(*(send(number) for number in range(60)))
    kept = await inbox(limit="200")
    assert sorted(int(one["subject"]) for one in kept) == list(range(60))
