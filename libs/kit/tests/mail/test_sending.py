"""Mails from the queue to a mail server that goes wrong on demand."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
import pytest

from kit.db.database import Transaction
from kit.ids import new_id
from kit.mail import Letter, Outgoing, Reason
from kit.mail.mailer import KEEP_FOR

from .conftest import ACCOUNT, DIGESTS, NEWS, Sandbox, Write, Writing, greeting

NO_SUCH = {"kind": "refuse_before_effect", "match": {"method": "RCPT"}, "code": 550, "text": "5.1.1 No such user"}
POLICY = {"kind": "refuse_before_effect", "match": {"method": "RCPT"}, "code": 550, "text": "5.7.1 Not from you"}
LOST = {"kind": "drop_after_effect", "times": 1}


async def test_a_mail_arrives_once_with_its_headers_however_often_it_is_queued(
    writing: Writing, sandbox: Sandbox
) -> None:
    assert await writing.queue(greeting("one"), greeting("one")) == [True, False]
    assert await writing.queue(greeting("one")) == [False]
    await writing.delivering.work(workers=3)
    (mail,) = await sandbox.messages()
    headers = {name.lower(): value for name, value in mail["headers"]}
    assert (mail["to"], mail["subject"]) == (["ada@example.com"], "A greeting from Ada")
    assert headers["from"] == "Rostrum <no-reply@rostrum.test>"
    assert headers["auto-submitted"] == "auto-generated"
    assert headers["message-id"].endswith("@rostrum.test>")
    assert "date" in headers
    assert "Hello from Ada." in mail["text"]
    assert "<p>Ada</p>" in mail["html"]
    assert await writing.states() == [("sent", "")]


async def test_neither_address_nor_text_stands_in_the_database(writing: Writing) -> None:
    await writing.queue(greeting("one", organization_id=new_id(), subject=f"contact:{new_id()}"))
    await writing.delivering.work()
    for table in ("outgoing_mails", "ledger_entries", "ledger_attempts", "mail_suppressions", "seal_keys"):
        for row in await writing.delivering.ask(f"SELECT t::text AS row FROM {table} AS t"):
            for secret in ("ada@example.com", "Ada", "x.test"):
                assert secret.encode().hex() not in row["row"]
                assert secret not in row["row"]


async def test_two_tenants_have_mails_of_their_own(writing: Writing, sandbox: Sandbox) -> None:
    ours, theirs = new_id(), new_id()
    mails = [greeting("same", organization_id=each, to=f"{each}@example.com") for each in (ours, theirs)]
    assert await writing.queue(*mails, greeting("same")) == [True, True, True]
    async with writing.mailer.database.transaction(ours) as tx:
        seen = {row["organization_id"] for row in await tx.fetch("SELECT organization_id FROM outgoing_mails")}
        assert seen == {ours, None}
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with writing.mailer.database.transaction(ours) as tx:
            await writing.mailer.queue(tx, greeting("forged", organization_id=theirs))
    await writing.delivering.work()
    assert len(await sandbox.messages()) == 3


async def test_what_is_rolled_back_is_not_sent(writing: Writing, sandbox: Sandbox) -> None:
    with pytest.raises(ZeroDivisionError):
        async with writing.mailer.database.transaction() as tx:
            await writing.mailer.queue(tx, greeting("one"))
            raise ZeroDivisionError
    await writing.delivering.work()
    assert await sandbox.calls() == 0


@pytest.mark.parametrize(("locale", "subject"), [("de", "Ein Gruß von Ada"), ("fr", "A greeting from Ada")])
async def test_a_mail_speaks_the_language_it_was_queued_for_or_english(
    locale: str, subject: str, writing: Writing, sandbox: Sandbox
) -> None:
    await writing.queue(greeting("one", locale=locale))
    await writing.delivering.work()
    assert [mail["subject"] for mail in await sandbox.messages()] == [subject]


async def test_a_dead_mailbox_is_not_tried_again_for_a_month(writing: Writing, sandbox: Sandbox) -> None:
    await sandbox.goes_wrong(NO_SUCH)
    await writing.queue(greeting("one", ACCOUNT))
    await writing.delivering.work()
    assert await writing.states() == [("refused", "no-such-mailbox")]
    offered = await sandbox.calls()
    await sandbox.goes_wrong()
    await writing.queue(greeting("two", ACCOUNT, to="ADA@Example.COM"), greeting("three", to="bob@example.com"))
    await writing.delivering.work()
    assert (await writing.states())[1:] == [("refused", "suppressed"), ("sent", "")]
    assert await sandbox.calls() == offered + 1, "the suppressed one was not offered"
    await writing.delivering.forward(days=31)
    await writing.queue(greeting("four", ACCOUNT))
    await writing.delivering.work()
    assert (await writing.states())[-1] == ("sent", "")


async def test_a_refusal_by_policy_says_nothing_about_the_mailbox(writing: Writing, sandbox: Sandbox) -> None:
    await sandbox.goes_wrong(POLICY)
    await writing.queue(greeting("one"))
    await writing.delivering.work()
    await sandbox.goes_wrong()
    await writing.queue(greeting("two"))
    await writing.delivering.work()
    assert await writing.states() == [("refused", "550"), ("sent", "")]


@pytest.mark.parametrize("method", ["RCPT", "DATA"])
async def test_a_busy_server_is_asked_again(method: str, writing: Writing, sandbox: Sandbox) -> None:
    await sandbox.goes_wrong(
        {"kind": "refuse_before_effect", "match": {"method": method}, "code": 451, "text": "Later", "times": 1}
    )
    await writing.queue(greeting("one"))
    await writing.delivering.work()
    assert await writing.states() == [("pending", "451")]
    await writing.delivering.forward(seconds=16)
    await writing.delivering.work()
    assert await writing.states() == [("sent", "")]
    assert len(await sandbox.messages()) == 1


async def test_a_server_that_is_away_has_taken_nothing(write: Write) -> None:
    writing = write("smtp://127.0.0.1:1")
    await writing.queue(greeting("one"))
    await writing.delivering.work()
    assert [status for status, _ in await writing.states()] == ["pending"]


async def test_a_lost_answer_is_never_repeated_but_shown(writing: Writing, sandbox: Sandbox) -> None:
    """The server has the mail, and said so to nobody."""
    await sandbox.goes_wrong(LOST)
    await writing.queue(greeting("one"))
    await writing.delivering.work()
    assert [status for status, _ in await writing.states()] == ["unknown"]
    for _ in range(3):
        await writing.delivering.forward(seconds=61)
        await writing.delivering.work()
    assert [status for status, _ in await writing.states()] == ["unconfirmed"]
    assert len(await sandbox.messages()) == 1


async def test_a_lost_answer_of_an_essential_mail_is_repeated_once_under_the_same_name(
    writing: Writing, sandbox: Sandbox
) -> None:
    await sandbox.goes_wrong(LOST | {"times": 5})
    await writing.queue(greeting("one", ACCOUNT))
    for _ in range(8):
        await writing.delivering.work()
        await writing.delivering.forward(seconds=31)
    await writing.delivering.forward(seconds=901)
    await writing.delivering.work()
    assert [status for status, _ in await writing.states()] == ["unconfirmed"]
    first, second = await sandbox.messages()
    assert first["message_id"] == second["message_id"]


async def test_who_does_not_want_a_category_gets_the_others(writing: Writing, sandbox: Sandbox) -> None:
    await writing.queue(greeting("one"))
    await writing.delivering.work()
    (mail,) = await sandbox.messages()
    headers = {name.lower(): value for name, value in mail["headers"]}
    assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    link = headers["list-unsubscribe"].strip("<>")
    assert link.startswith("https://api.rostrum.test/v1/unsubscribe?token=")
    said = await writing.mailer.read_link(link.split("token=")[1])
    async with writing.mailer.database.transaction() as tx:
        assert await writing.mailer.unsubscribe(tx, said)
        assert not await writing.mailer.unsubscribe(tx, said), "twice is once"
    await writing.queue(greeting("two"), greeting("three", DIGESTS), greeting("four", ACCOUNT))
    await writing.delivering.work()
    assert (await writing.states())[1:] == [("refused", "suppressed"), ("sent", ""), ("sent", "")]
    async with writing.mailer.database.transaction() as tx:
        await writing.mailer.resubscribe(tx, ["ada@example.com"], NEWS.name)
    await writing.queue(greeting("five"))
    await writing.delivering.work()
    assert (await writing.states())[-1] == ("sent", "")


async def test_who_complained_gets_what_they_ask_for_and_nothing_else(writing: Writing, sandbox: Sandbox) -> None:
    async with writing.mailer.database.transaction() as tx:
        await writing.mailer.suppress(tx, "ada@example.com", Reason.COMPLAINT)
    await writing.queue(greeting("one"), greeting("two", DIGESTS), greeting("three", ACCOUNT))
    await writing.delivering.work()
    assert await writing.states() == [("refused", "suppressed"), ("refused", "suppressed"), ("sent", "")]
    (mail,) = await sandbox.messages()
    assert "list-unsubscribe" not in {name.lower() for name, _ in mail["headers"]}, "it is essential"


async def test_whoever_was_forgotten_gets_no_mail(writing: Writing, sandbox: Sandbox) -> None:
    organization, subject = new_id(), f"contact:{new_id()}"
    await writing.queue(greeting("one", organization_id=organization, subject=subject))
    async with writing.mailer.database.transaction(organization) as tx:
        await writing.mailer.keyring.shred(tx, organization, subject)
    await writing.delivering.work()
    assert await writing.states() == [("refused", "forgotten")]
    assert await sandbox.calls() == 0


async def test_a_mail_that_cannot_be_written_was_not_sent_and_holds_up_no_other(
    writing: Writing, sandbox: Sandbox
) -> None:
    await writing.queue(greeting("one", parameters={"name": "Ada"}), greeting("two", to="bob@example.com"))
    await writing.delivering.work()
    assert await writing.states() == [("pending", "UndefinedError"), ("sent", "")]
    assert [mail["to"] for mail in await sandbox.messages()] == [["bob@example.com"]]


class Composing:
    """Says what mails are about when they leave; about some there is nothing to say any more."""

    def __init__(self, void: set[UUID]) -> None:
        self.void = void

    async def compose(self, tx: Transaction, mails: Sequence[Outgoing]) -> Mapping[UUID, Letter]:
        assert await tx.fetchval("SELECT 1") == 1
        return {
            mail.id: Letter(f"{mail.about}@example.com", {"name": "Composed", "link": "https://x.test/"})
            for mail in mails
            if mail.about not in self.void
        }


async def test_what_has_nothing_to_say_any_more_when_its_turn_comes_is_withdrawn(
    write: Write, sandbox: Sandbox
) -> None:
    pointless, good = new_id(), new_id()
    writing = write(composer=Composing({pointless}))
    await writing.queue(
        greeting("one", to=None, about=pointless), greeting("two", to=None, about=good), greeting("three")
    )
    await writing.delivering.work()
    assert await writing.states() == [("withdrawn", ""), ("sent", ""), ("sent", "")]
    assert sorted(mail["subject"] for mail in await sandbox.messages()) == [
        "A greeting from Ada",
        "A greeting from Composed",
    ]


async def test_a_composed_mail_finds_dead_mailboxes_too(write: Write, sandbox: Sandbox) -> None:
    writing, about = write(composer=Composing(set())), new_id()
    await sandbox.goes_wrong(NO_SUCH)
    await writing.queue(greeting("one", to=None, about=about))
    await writing.delivering.work()
    await writing.queue(greeting("two", to=f"{about}@example.com"))
    await writing.delivering.work()
    assert await writing.states() == [("refused", "no-such-mailbox"), ("refused", "suppressed")]


async def test_old_mails_of_all_tenants_are_forgotten_and_waiting_ones_are_not(write: Write) -> None:
    writing = write("smtp://127.0.0.1:1")
    await writing.queue(greeting("one", organization_id=new_id()), greeting("two"))
    await writing.delivering.work()
    await writing.delivering.forward(hours=25)
    await writing.delivering.work()
    await writing.queue(greeting("three"))
    await writing.delivering.forward(days=31)
    await writing.mailer.forget(KEEP_FOR)
    assert [status for status, _ in await writing.states()] == ["pending"]


async def test_what_somebody_waits_for_does_not_stand_behind_what_goes_to_many(
    writing: Writing, sandbox: Sandbox
) -> None:
    """Four hundred news are due before it."""
    news = [greeting(f"news-{number}", NEWS, to=f"reader.{number}@example.com") for number in range(400)]
    await writing.queue(*news)
    await writing.queue(greeting("link", ACCOUNT))
    await writing.delivering.work()
    order = [mail["to"] for mail in await sandbox.messages()]
    assert len(order) == 401
    assert order.index(["ada@example.com"]) < 200


async def test_nor_behind_what_is_essential_and_goes_to_many(writing: Writing, sandbox: Sandbox) -> None:
    """As when something has happened to many accounts: each is told of it, and some want a link at once."""
    notices = [greeting(f"notice-{at}", ACCOUNT, to=f"member.{at}@example.com", for_many=True) for at in range(400)]
    await writing.queue(*notices)
    await writing.queue(greeting("link", ACCOUNT))
    await writing.delivering.work()
    order = [mail["to"] for mail in await sandbox.messages()]
    assert len(order) == 401
    assert order.index(["ada@example.com"]) < 200
