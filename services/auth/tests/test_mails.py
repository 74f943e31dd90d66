import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from kit.ledger.model import NotAccepted, Refused, Unanswered
from kit.mail import BadSmtpUrl, SmtpServer

from .conftest import Forward
from .story import Story

ADA = "ada@example.com"


async def statuses(story: Story) -> list[tuple[str, int, str]]:
    rows = await story.admin("SELECT status, tries, code FROM outgoing_mails ORDER BY id")
    return [(row["status"], row["tries"], row["code"]) for row in rows]


async def test_a_mail_row_holds_neither_address_nor_secret(story: Story) -> None:
    await story.sign_up(ADA)
    await story.deliver()
    token = story.postbox.token(ADA)
    tables = ("outgoing_mails", "ledger_entries", "ledger_attempts", "challenges", "users", "outbox", "seal_keys")
    for table in tables:
        for row in await story.admin(f"SELECT t::text AS row FROM {table} AS t"):
            assert token not in row["row"]
            assert ADA not in row["row"]


async def test_many_workers_send_each_mail_once(story: Story) -> None:
    await asyncio.gather(*(story.sign_up(f"p{at}@example.com") for at in range(30)))
    await story.deliver(workers=5)
    assert sorted(to for to, _ in story.postbox.taken) == sorted(f"p{at}@example.com" for at in range(30))


async def killed(story: Story) -> None:
    """A worker ends after the server has the mail and before it could note so."""
    story.postbox.holds = asyncio.Event()
    sending = asyncio.create_task(story.delivering.worker().run(asyncio.Event()))
    async with asyncio.timeout(60):
        await story.postbox.first.wait()
    while not sending.done():
        sending.cancel()
        await asyncio.sleep(0)
    story.postbox.holds = None
    await story.delivering.lapse()


async def test_a_mail_whose_sender_died_is_sent_again_once_with_the_same_name_and_link(
    story: Story, forward: Forward
) -> None:
    """The server has it, our note of it is missing: it comes twice, and is recognisable."""
    await story.sign_up(ADA)
    await killed(story)
    await story.deliver()
    assert (await statuses(story))[0][:2] == ("unknown", 1)
    assert len(story.postbox.to(ADA)) == 1, "it is looked for first"
    for _ in range(3):
        await forward(16)
        await story.deliver()
    first, second = story.postbox.to(ADA)
    assert first["message-id"] == second["message-id"]
    assert first.get_body(("plain",)).get_content() == second.get_body(("plain",)).get_content()  # type: ignore[union-attr] # both have one
    assert await statuses(story) == [("sent", 2, "")]


async def test_a_mail_that_is_lost_twice_is_not_sent_a_third_time(story: Story, forward: Forward) -> None:
    await story.sign_up(ADA)
    await killed(story)
    for _ in range(4):
        await forward(16)
        story.postbox.trouble = Unanswered("nobody knows")
        await story.deliver()
    assert (await statuses(story))[0][:2] == ("unknown", 2)
    story.postbox.trouble = None
    for _ in range(4):
        await forward(400)
        await story.deliver()
    assert (await statuses(story))[0][:2] == ("unconfirmed", 2)
    assert len(story.postbox.to(ADA)) == 1


async def test_an_invitation_whose_fate_is_unknown_is_not_sent_again(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    await ada.invite(await ada.create(), "bob@example.com")
    story.postbox.first.clear()
    await killed(story)
    for _ in range(4):
        await forward(120)
        await story.deliver()
    assert len(story.postbox.to("bob@example.com")) == 1
    assert (await statuses(story))[-1][:2] == ("unconfirmed", 1)


async def test_a_slow_sender_cannot_overwrite_what_another_has_recorded(story: Story, forward: Forward) -> None:
    await story.sign_up(ADA)
    story.postbox.holds, stop = asyncio.Event(), asyncio.Event()
    late = asyncio.create_task(story.delivering.worker().run(stop))
    async with asyncio.timeout(60):
        await story.postbox.first.wait()
    release, story.postbox.holds = story.postbox.holds, None
    await story.delivering.lapse()
    for _ in range(4):
        await forward(120)
        await story.deliver()
    assert await statuses(story) == [("sent", 2, "")]
    release.set()
    stop.set()
    await late
    assert await statuses(story) == [("sent", 2, "")]


async def wait_of(story: Story) -> float:
    """Seconds from the last try of the one mail to the next."""
    (row,) = await story.admin("SELECT extract(epoch FROM due_at - called_at)::float AS wait FROM ledger_entries")
    return float(row["wait"])


async def test_a_mail_that_was_not_taken_is_tried_again_ever_later(story: Story, forward: Forward) -> None:
    await story.sign_up(ADA)
    story.postbox.trouble = NotAccepted("busy", code="451")
    await story.deliver()
    assert await statuses(story) == [("pending", 1, "451")]
    assert await wait_of(story) >= 7.5
    await forward(-3600)
    await story.deliver()
    assert (await statuses(story))[0][1] == 1, "not before it is due"
    await forward(3600 + 16)
    await story.deliver()
    assert (await statuses(story))[0][1] == 2
    assert await wait_of(story) >= 15, "the second wait is longer"
    await forward(24 * 3600)
    await story.http.post("/v1/accounts/verification-mails", json={"email": ADA})
    await story.deliver()
    first, second = await statuses(story)
    assert (first[0], second[0]) == ("withdrawn", "pending"), "the first one's link has expired meanwhile"
    story.postbox.trouble = None
    await forward(60)
    await story.deliver()
    assert (await story.verify(story.postbox.token(ADA))).status_code == 200


async def test_a_mail_that_is_never_taken_is_given_up(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    await ada.invite(await ada.create(), "bob@example.com")
    story.postbox.trouble = NotAccepted("away", code="SMTPConnectError")
    await story.deliver()
    await forward(24 * 3600 + 1)
    await story.deliver()
    assert (await statuses(story))[-1] == ("refused", 2, "SMTPConnectError")


async def test_a_mail_that_was_refused_is_not_tried_again(story: Story, forward: Forward) -> None:
    await story.sign_up(ADA)
    story.postbox.trouble = Refused("spam", code="554")
    await story.deliver()
    await forward(3600)
    await story.deliver()
    assert await statuses(story) == [("refused", 1, "554")]


async def test_a_mail_that_has_become_pointless_is_not_sent(story: Story) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create()
    invitation_id = (await ada.invite(organization_id, "bob@example.com")).json()["id"]
    await ada.call("DELETE", f"/v1/organizations/{organization_id}/invitations/{invitation_id}")
    await story.deliver()
    assert story.postbox.to("bob@example.com") == []
    assert (await statuses(story))[-1][0] == "withdrawn"


@dataclass
class Mailbox:
    """What a real SMTP server does with a mail."""

    taken: list[Envelope] = field(default_factory=list)
    rcpt: str = "250 OK"
    data: str = "250 OK"
    answers_after: float = 0.0

    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(each.original_content or b"", policy=policy.default) for each in self.taken]

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        del server, session, options
        if self.rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        del server, session
        if self.data.startswith("2"):
            self.taken.append(envelope)
        await asyncio.sleep(self.answers_after)
        return self.data


class MailHost(Controller):
    """A real SMTP server; its port is its own before it starts."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        port = self.listening.getsockname()[1]
        super().__init__(mailbox, hostname="127.0.0.1", port=port, enable_SMTPUTF8=True, ready_timeout=60)

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.listening)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def smtp(mailbox: Mailbox) -> Iterator[SmtpServer]:
    host = MailHost(mailbox)
    host.start()
    try:
        yield SmtpServer.at(f"smtp://127.0.0.1:{host.port}")
    finally:
        host.stop()


@pytest.fixture
def posting(story: Story, smtp: SmtpServer) -> Story:
    """Mails go to a real server."""
    story.postbox.real = smtp
    return story


async def test_a_mail_reaches_a_real_server_whole(posting: Story, mailbox: Mailbox) -> None:
    await posting.sign_up(ADA)
    await posting.deliver()
    (envelope,), (message,) = mailbox.taken, mailbox.messages()
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@rostrum.test", [ADA])
    assert (message["to"], message["from"]) == (ADA, "Rostrum <no-reply@rostrum.test>")
    assert message["subject"] == "Confirm your e-mail address"
    assert message["auto-submitted"] == "auto-generated"
    text = message.get_body(("plain",))
    assert text is not None
    assert "https://app.test/verify#token=" in text.get_content()
    assert await statuses(posting) == [("sent", 1, "")]


async def test_an_address_of_any_language_is_mailed(posting: Story, mailbox: Mailbox) -> None:
    await posting.sign_up("адам@bücher.de")
    await posting.deliver()
    assert mailbox.taken[0].rcpt_tos == ["адам@xn--bcher-kva.de"]


@pytest.mark.parametrize(
    ("rcpt", "data", "outcome", "code"),
    [
        ("550 no such user", "250 OK", "refused", "no-such-mailbox"),
        ("450 later", "250 OK", "pending", "450"),
        ("250 OK", "554 spam", "refused", "554"),
        ("250 OK", "451 busy", "pending", "451"),
    ],
)
async def test_what_the_server_says_decides(
    rcpt: str, data: str, outcome: str, code: str, posting: Story, mailbox: Mailbox
) -> None:
    mailbox.rcpt, mailbox.data = rcpt, data
    await posting.sign_up(ADA)
    await posting.deliver()
    assert await statuses(posting) == [(outcome, 1, code)]


async def test_a_server_that_is_away_costs_nothing_but_time(story: Story) -> None:
    await story.sign_up(ADA)
    story.postbox.real = SmtpServer.at("smtp://127.0.0.1:1")
    await story.deliver()
    assert [each[0] for each in await statuses(story)] == ["pending"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1:1025", (1025, None, False, None)),
        ("smtp://mail.test", (25, None, False, None)),
        ("smtp://mail.test:587?starttls=required", (587, None, False, True)),
        ("smtp://u%40x:p%2Fw@mail.test:587", (587, "u@x", False, True)),
        ("smtp://u:p@127.0.0.1:2525", (2525, "u", False, None)),
        ("smtps://u:p@mail.test", (465, "u", True, False)),
    ],
)
def test_a_password_travels_encrypted_only(url: str, expected: tuple[object, ...]) -> None:
    server = SmtpServer.at(url)
    assert (server.port, server.username, server.use_tls, server.start_tls) == expected


@pytest.mark.parametrize("url", ["", "http://mail.test", "smtp://", "mail.test:25"])
def test_what_is_no_smtp_address_is_refused(url: str) -> None:
    with pytest.raises(BadSmtpUrl):
        SmtpServer.at(url)
