import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest

from kit.ledger.model import NotAccepted, Receipt, Refused, Unanswered
from kit.mail import SmtpServer
from kit.mail.lines import AT_ONCE, SPARED
from kit.testing.programs import eventually


@dataclass
class Office:
    """A mail server that counts its visitors; what it does at which word is said by `answers`."""

    answers: dict[bytes, bytes] = field(default_factory=dict)
    mails_per_visit: int = 1000
    hangs_up_after: int = 1000
    """Mails of a visit, of which the next is taken and not answered."""
    visits: int = 0
    now: int = 0
    most: int = 0
    taken: list[str] = field(default_factory=list)
    keeps_waiting: str = ""
    """Whose mails are taken only once `opens` is set."""
    opens: asyncio.Event = field(default_factory=asyncio.Event)

    async def is_full(self) -> bool:
        return self.now == AT_ONCE - SPARED

    async def is_empty(self) -> bool:
        return self.now == 0

    async def visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.serve(reader, writer)
        finally:
            self.now -= 1
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 office\r\n")
        recipient, mails = "", 0
        while line := await reader.readline():
            word = line[:4].upper().strip()
            if word == b"MAIL" and mails >= self.mails_per_visit:
                writer.write(b"421 enough for today\r\n")
                return
            if word == b"RCPT":
                recipient = line.partition(b"<")[2].partition(b">")[0].decode()
            if word == b"DATA" and word not in self.answers:
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                if recipient == self.keeps_waiting:
                    await self.opens.wait()
                mails += 1
                self.taken.append(recipient)
                if mails > self.hangs_up_after:
                    return
            answer = self.answers.get(word, b"250 fine")
            if not answer:
                return
            writer.write(answer + b"\r\n")
            if word == b"QUIT":
                return


@asynccontextmanager
async def opened(office: Office) -> AsyncIterator[SmtpServer]:
    server = await asyncio.start_server(office.visited, "127.0.0.1", 0)
    try:
        yield SmtpServer.at(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        server.close()
        await server.wait_closed()


async def send(smtp: SmtpServer, recipient: str, *, urgent: bool = True) -> Receipt:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@rostrum.test", recipient, "A greeting"
    message.set_content("Hello")
    return await smtp.send(message, "a@rostrum.test", recipient, urgent=urgent)


def people(number: int) -> list[str]:
    return [f"p{at}@example.com" for at in range(number)]


async def test_many_mails_share_a_few_connections_and_leave_none_open() -> None:
    office = Office()
    async with opened(office) as smtp:
        await asyncio.gather(*(send(smtp, each) for each in people(100)))
        assert sorted(office.taken) == sorted(people(100))
        assert office.most <= AT_ONCE
        assert office.visits < 100
        await eventually(office.is_empty)


async def test_what_goes_to_many_leaves_connections_to_mails_that_somebody_waits_for() -> None:
    office = Office(keeps_waiting="many@example.com")
    async with opened(office) as smtp:
        many = [asyncio.create_task(send(smtp, office.keeps_waiting, urgent=False)) for _ in range(AT_ONCE * 3)]
        await eventually(office.is_full)
        await asyncio.gather(*(send(smtp, each) for each in people(SPARED * 3)))
        assert sorted(office.taken) == sorted(people(SPARED * 3)), "not one of the others was taken before"
        office.opens.set()
        await asyncio.gather(*many)
        assert office.taken.count(office.keeps_waiting) == AT_ONCE * 3
        assert office.most <= AT_ONCE
        await eventually(office.is_empty)


async def test_who_waits_no_more_takes_no_turn_from_others() -> None:
    office = Office(keeps_waiting="many@example.com")
    async with opened(office) as smtp:
        many = [asyncio.create_task(send(smtp, office.keeps_waiting, urgent=False)) for _ in range(AT_ONCE * 2)]
        await eventually(office.is_full)
        for each in many[AT_ONCE:]:
            each.cancel()
        office.opens.set()
        await asyncio.gather(*many, return_exceptions=True)
        await asyncio.gather(*(send(smtp, each, urgent=False) for each in people(AT_ONCE * 2)))
        assert len([each for each in office.taken if each != office.keeps_waiting]) == AT_ONCE * 2


async def test_a_server_that_takes_few_mails_a_visit_gets_each_of_them_once() -> None:
    office = Office(mails_per_visit=3)
    async with opened(office) as smtp:
        await asyncio.gather(*(send(smtp, each) for each in people(60)))
    assert sorted(office.taken) == sorted(people(60))


async def test_each_of_those_that_come_one_by_one_has_a_connection_of_its_own() -> None:
    office = Office()
    async with opened(office) as smtp:
        for each in people(3):
            await send(smtp, each)
    assert office.visits == 3


@pytest.mark.parametrize(
    ("answers", "meant"),
    [
        ({b"RCPT": b"550 5.1.1 nobody"}, Refused),
        ({b"RCPT": b"451 later"}, NotAccepted),
        ({b"MAIL": b"550 not from you"}, NotAccepted),
        ({b"MAIL": b""}, NotAccepted),
        ({b"DATA": b""}, Unanswered),
    ],
)
async def test_what_goes_wrong_means_the_same_for_each_of_many(
    answers: dict[bytes, bytes], meant: type[Exception]
) -> None:
    office = Office(answers)
    async with opened(office) as smtp:
        came = await asyncio.gather(*(send(smtp, each) for each in people(AT_ONCE * 3)), return_exceptions=True)
    assert all(isinstance(each, meant) for each in came)
    assert office.taken == []


async def test_a_mail_after_whose_end_the_line_breaks_is_unanswered_though_others_used_it() -> None:
    """The server hangs up instead of answering: what was handed over may have been taken, and goes nowhere else."""
    office = Office(mails_per_visit=2, hangs_up_after=1)
    async with opened(office) as smtp:
        came = await asyncio.gather(*(send(smtp, each) for each in people(AT_ONCE * 3)), return_exceptions=True)
    assert len(office.taken) == len(set(office.taken)) == AT_ONCE * 3, "none was handed over twice"
    assert {type(each) for each in came} <= {Receipt, Unanswered}
    assert Unanswered in {type(each) for each in came}
