import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import aiosmtplib
import httpx
import pytest

Inbox = Callable[..., Awaitable[list[dict[str, Any]]]]

MALFORMED = {
    "empty": b"",
    "no headers at all": b"\r\njust a body\r\n",
    "no body at all": b"Subject: x\r\n",
    "unknown charset": b"Content-Type: text/plain; charset=klingon-8\r\n\r\nqapla\r\n",
    "charset of hostile name": b"Content-Type: text/plain; charset=\x00\xff/..\r\n\r\nx\r\n",
    "8-bit junk": bytes(range(128, 256)) + b": \xff\xfe\r\n\r\n" + bytes(range(128, 256)) + b"\r\n",
    "NUL bytes": b"Subject: a\x00b\r\n\r\n\x00\x00\r\n",
    "broken base64": b"Content-Transfer-Encoding: base64\r\n\r\n!!!not base64===\r\n",
    "broken encoded words": b"Subject: =?utf-8?b?////?= =?x?q?=ff?= =?utf-8?z?a?=\r\n\r\nx\r\n",
    "multipart without boundary": b"Content-Type: multipart/mixed\r\n\r\nx\r\n",
    "unclosed multipart": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nx\r\n',
    "message inside broken": b"Content-Type: message/rfc822\r\n\r\n\xff\xff\r\n",
    "hostile filename": b"Content-Type: x/y; name*=utf-9''%ff%zz\r\nContent-Disposition: attachment;"
    b" filename*0*=koi8'';%00\r\n\r\nx\r\n",
    "folded for ever": b"Subject: a\r\n" + b" b\r\n" * 20_000 + b"\r\nx\r\n",
    "ten thousand headers": b"X-A: b\r\n" * 10_000 + b"\r\nx\r\n",
    "uuencoded nothing": b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n\xff\r\n",
    "lone surrogate": b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xed\xa0\x80\r\n",
    "utf-7": b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA-\r\n",
    "idna as charset": b"Content-Type: text/plain; charset=idna\r\n\r\n" + b"a" * 900 + b"\r\n",
    "rot13 as charset": b"Content-Type: text/plain; charset=rot13\r\n\r\nabc\r\n",
    "zip as charset": b"Subject: =?zip?b?AAAA?=\r\nContent-Type: text/plain; charset=zip\r\n\r\nabc\r\n",
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_mail_is_kept_and_can_be_listed(
    raw: bytes, smtp: aiosmtplib.SMTP, http: httpx.AsyncClient
) -> None:
    await smtp.sendmail("a@example.org", ["b@example.org"], raw)
    response = await http.get("/mailbox/messages")
    assert response.status_code == 200
    [kept] = response.json()["items"]
    assert kept["to"] == ["b@example.org"]
    assert (await http.get("/control/mailbox/received")).status_code == 200


async def test_thousands_of_nested_parts_are_kept_unread_and_harm_nobody(smtp: aiosmtplib.SMTP, inbox: Inbox) -> None:
    nested = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (depth, depth) for depth in range(5_000)
    )
    await smtp.sendmail("a@example.org", ["b@example.org"], b"Subject: deep\r\n" + nested)
    [kept] = await inbox()
    assert kept["subject"] == "deep"
    assert kept["defects"] == ["too many parts"]


EXPENSIVE = {
    "very many headers": (b"A:\r\n" * 200_000 + b"\r\nx\r\n", "headers too long"),
    "very many parameters": (b"Content-Type: a/b;" + b" a=b;\r\n" * 200_000 + b"\r\nx\r\n", "headers too long"),
    "very many parts": (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\n" * 100_000,
        "too many parts",
    ),
    "a part with very many parameters": (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: multipart/x;'
        + b" a=b;\r\n" * 200_000
        + b"\r\nx\r\n--b--\r\n",
        None,
    ),
}


@pytest.mark.parametrize(("raw", "defect"), EXPENSIVE.values(), ids=EXPENSIVE.keys())
async def test_a_mail_made_to_cost_time_costs_little(
    raw: bytes, defect: str | None, smtp: aiosmtplib.SMTP, inbox: Inbox
) -> None:
    async with asyncio.timeout(20):
        await smtp.sendmail("a@example.org", ["b@example.org"], raw)
    [kept] = await inbox()
    assert defect is None or defect in kept["defects"]


async def test_the_size_limit_is_announced_and_kept_at_mail(smtp: aiosmtplib.SMTP) -> None:
    await smtp.ehlo()
    assert smtp.esmtp_extensions["size"] == str(10 * 1024 * 1024)
    with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
        await smtp.mail("a@example.org", options=[f"SIZE={11 * 1024 * 1024}"])
    assert refused.value.code == 552


async def test_a_mail_larger_than_the_limit_is_refused_even_if_it_lied(smtp: aiosmtplib.SMTP, inbox: Inbox) -> None:
    line = b"x" * 70 + b"\r\n"
    await smtp.mail("a@example.org")
    await smtp.rcpt("b@example.org")
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await smtp.data(line * (11 * 1024 * 1024 // len(line)))
    assert refused.value.code == 552
    assert await inbox() == []

    await smtp.sendmail("a@example.org", ["b@example.org"], b"Subject: small\r\n\r\nx\r\n")
    assert len(await inbox()) == 1


async def test_a_mail_just_below_the_limit_is_kept(smtp: aiosmtplib.SMTP, inbox: Inbox) -> None:
    line = b"x" * 70 + b"\r\n"
    raw = b"Subject: large\r\n\r\n" + line * (9 * 1024 * 1024 // len(line))
    await smtp.sendmail("a@example.org", ["b@example.org"], raw)
    [kept] = await inbox()
    assert kept["size"] == len(raw)


async def test_a_mail_has_at_most_a_hundred_recipients(smtp: aiosmtplib.SMTP, inbox: Inbox) -> None:
    refused, _ = await smtp.sendmail(
        "a@example.org", [f"user{number}@example.org" for number in range(102)], b"Subject: x\r\n\r\nx\r\n"
    )
    assert {answer.code for answer in refused.values()} == {452}
    [kept] = await inbox()
    assert len(kept["to"]) == 100


async def test_noise_on_the_wire_ends_in_an_error_or_the_connection_and_the_next_client_is_served(
    program: Any, smtp: aiosmtplib.SMTP, inbox: Inbox
) -> None:
    for noise in (
        b"\xff\xfe\x00\r\n" * 20,
        b"A" * 100_000 + b"\r\n",
        b"EHLO \xff\r\nMAIL FROM:<\xff@\xff>\r\nRCPT TO:<\xff>\r\nVRFY \xff\r\nHELP \xff\r\n",
        b"EHLO x\r\nAUTH PLAIN \xff\r\nAUTH LOGIN\r\n\xff\r\n",
        b"EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nhalf a mail",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", program.smtp_port)
        writer.write(noise)
        writer.write_eof()
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 60)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    await smtp.sendmail("a@example.org", ["b@example.org"], b"Subject: after\r\n\r\nx\r\n")
    assert [one["subject"] for one in await inbox()] == ["after"]
