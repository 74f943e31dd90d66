"""A person is handed over, and forgotten: every table that the data map names, every column, every file."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import orjson
import pytest

from contracts.inbox import (
    ContactErased,
    ConversationErased,
    InboxErasureAnswered,
    InboxExportPartReady,
)
from kit.db.database import Transaction
from kit.intake.desk import Choice, Desk
from kit.privacy.holding import Erased, File, Holding, Rows
from kit.privacy.person import Person
from kit.testing.handing_over import by_table

from .house import House, texts, value
from .lives import (
    BOB,
    KEPT,
    MAP,
    NAMING,
    SHEENA,
    Asking,
    answered,
    conversation_of,
    first_place,
    folder,
    live,
    photograph,
    second_place,
    send_document,
    twin,
)


@pytest.fixture
def asking(house: House) -> Asking:
    return Asking(house)


def tables_about(kind: str) -> set[str]:
    """Tables that the data map says lead to such people."""
    return {name for name, table in MAP.tables.items() if any(subject == kind for subject, _ in table.leads)}


def bodies(photo: dict[str, Counter[str]]) -> int:
    """How many deliveries still have their body."""
    return sum(1 for row in photo["intake_deliveries"] if ',"\\\\x",' not in row)


async def test_what_is_kept_of_a_contact_is_handed_over_from_every_table(house: House, asking: Asking) -> None:
    ours, theirs = await first_place(house), await second_place(house)
    for place, person, name in ((ours, BOB, "Bob"), (theirs, SHEENA, "Sheena elsewhere")):
        await live(house, place, person, name)
    life = await live(house, ours, SHEENA, "Sheena")
    await twin(house, ours, life, SHEENA)
    export_id = await asking.export(life.contact)
    await asking.work()
    lines = await asking.lines(life.contact, export_id, 1)
    rows = by_table(lines)
    missing = tables_about("contact") - {name for name, found in rows.items() if found}
    assert not missing, f"the holdings of the inbox hand nothing over of {missing}"
    (answer,) = await asking.answers(life.contact.organization_id)
    assert isinstance(answer, InboxExportPartReady)
    assert (answer.export_id, answer.attempt, answer.version) == (export_id, 1, 1)
    assert answer.pieces == len(asking.collected.pieces)
    assert answer.rows == {name: len(found) for name, found in rows.items()} | {
        name: 0 for name in answer.rows if name not in rows
    }
    assert [each["name"] for each in rows["contacts"]] == ["Sheena", "Sheena"]
    assert {each["value"] for each in rows["contact_identities"]} == {
        SHEENA,
        "16505551230",
        "165055512301",
        "a browser",
    }
    of_both = {"words of Sheena", None, "answer to Sheena", "words of a twin", "changed", "more"}
    assert {each["text"] for each in rows["messages"]} == of_both
    assert [each["status"] for each in rows["message_receipts"]] == ["delivered", "read"]
    assert [each["kind"] for each in rows["message_marks"]] == ["reaction", "reaction"]
    assert [each["filename"] for each in rows["media"]] == ["Sheena.pdf"]
    assert {each["kind"] for each in rows["ledger_entries"]} == {"inbox.send", "inbox.media", "inbox.read_mark"}
    assert any(
        each["content"]["message"].get("group_id") for each in rows["intake_items"] if each["kind"] == "message"
    )
    files = [each for each in lines if "file" in each]
    assert {(each["file"], each["media_type"]) for each in files} == {
        (f"media/{rows['media'][0]['id']}", "application/pdf")
    }
    whole = orjson.dumps(lines)
    for foreign in ("Bob", BOB, "elsewhere"):
        assert foreign.encode() not in whole, foreign


@pytest.mark.parametrize("shred", [False, True], ids=["key there", "key destroyed"])
async def test_after_an_erasure_it_is_as_though_the_contact_had_never_been(
    house: House, asking: Asking, tmp_path: Path, *, shred: bool
) -> None:
    ours, theirs = await first_place(house), await second_place(house)
    for place, person, name in ((ours, BOB, "Bob"), (theirs, SHEENA, "Sheena elsewhere")):
        await live(house, place, person, name)
    before, files = await photograph(house), folder(tmp_path / "media")
    life = await live(house, ours, SHEENA, "Sheena")
    await twin(house, ours, life, SHEENA)
    members = (await house.get(f"/v1/contacts/{life.contact.id}"))["members"]
    with_them = await photograph(house)
    for name in tables_about("contact"):
        assert with_them[name] - before[name], f"let somebody's life fill {name}, so that this test sees it go"
    if shred:  # by an erasure before: nothing can be opened, and the rows go even so
        async with house.database.transaction(ours.organization_id) as tx:
            await asking.keyring.shred(tx, ours.organization_id, life.contact.key_owner)
    await asking.erasure(life.contact)
    await asking.work()
    after = await photograph(house)
    for name, rows in after.items():
        if name not in KEPT and not (shred and name == "intake_items"):
            assert rows - before[name] == Counter(), f"something of {name} is left"
            assert before[name] - rows == Counter(), f"something of another is gone from {name}"
        if name not in NAMING:
            assert not any(each in row for row in rows for each in (str(life.contact.id), *members)), name
    assert folder(tmp_path / "media") == files
    if not shred:
        assert bodies(after) == bodies(before)
    assert await asking.rows_of(life.contact, ours.organization_id) == {}
    (answer,) = await asking.answers(ours.organization_id)
    assert isinstance(answer, InboxErasureAnswered)
    assert (answer.outcome, answer.anonymised, answer.kept) == ("done", {}, {})
    assert answer.keys == [f"{ours.organization_id}/contact:{each}" for each in members]
    gone = {name: (with_them[name] - after[name]).total() for name in answer.removed}
    assert answer.removed == gone


async def test_the_world_is_told_of_a_contact_who_was_erased(house: House, asking: Asking) -> None:
    life = await live(house, await first_place(house), SHEENA, "Sheena")
    told = len(await house.told())
    await asking.erasure(life.contact)
    await asking.work()
    erased, contact, _answer = (await house.told())[told:]
    assert isinstance(erased, ConversationErased)
    assert (erased.conversation_id, erased.contact_id) == (life.conversation_id, life.contact.id)
    assert isinstance(contact, ContactErased)
    assert contact.contact_id == life.contact.id
    for path in (
        f"conversations/{life.conversation_id}",
        f"contacts/{life.contact.id}",
        f"messages/{life.message_id}",
    ):
        assert (await house.ask("GET", f"/v1/{path}")).status_code == 404, path


async def test_anonymised_rows_stay_with_counts_and_times_and_nothing_that_names_anybody(
    house: House, asking: Asking, tmp_path: Path
) -> None:
    ours = await first_place(house)
    await live(house, ours, BOB, "Bob")
    before, files = await photograph(house), folder(tmp_path / "media")
    life = await live(house, ours, SHEENA, "Sheena")
    shown = await house.messages(str(life.conversation_id))
    sealed = await _sealed(house, life.contact)
    assert len(sealed) > 10
    await asking.erasure(life.contact, "anonymise")
    await asking.work()
    after = await photograph(house)
    for name in set(after) - set(KEPT) - {"contacts", "conversations", "messages", "conversation_participants"}:
        assert after[name] == before[name], name
    for name in ("contacts", "conversations", "messages"):
        assert before[name] - after[name] == Counter(), f"something of another is gone from {name}"
    everything = "\n".join(row for rows in after.values() for row in rows)
    assert not [each for each in sealed if each in everything]
    assert folder(tmp_path / "media") == files
    now = await house.messages(str(life.conversation_id))
    still = ("id", "direction", "type", "provider_time", "sequence", "status", "status_at", "created_at", "author_id")
    assert [{name: each[name] for name in still} for each in now] == [
        {name: each[name] for name in still} for each in shown
    ]
    assert {(each["text"], str(each["detail"]), each["reaction"]) for each in now} == {(None, "{}", None)}
    contact = await house.get(f"/v1/contacts/{life.contact.id}")
    assert (contact["name"], contact["identities"]) == (None, [])
    (answer,) = await asking.answers(ours.organization_id)
    assert isinstance(answer, InboxErasureAnswered)
    assert answer.anonymised == {"contacts": 1, "conversations": 1, "messages": len(shown)}
    assert await asking.rows_of(life.contact, ours.organization_id) == answer.anonymised
    names = await house.names_told()
    assert "ContactErased" in names
    assert "ConversationErased" not in names
    await asking.erasure(life.contact)  # and later they want even that to go
    await asking.work()
    assert await asking.rows_of(life.contact, ours.organization_id) == {}


async def _sealed(house: House, contact: Person) -> set[str]:
    """All hashes and sealed values of a contact's rows, as they stand in the text of a row."""
    found: set[str] = set()
    for table, columns, way in (
        ("contacts", "name_sealed", "id = $1"),
        ("contact_identities", "blind, sealed", "contact_id = $1"),
        (
            "messages",
            "content_sealed, provider_blind, provider_sealed, fingerprint",
            "conversation_id IN (SELECT id FROM conversations WHERE contact_id = $1)",
        ),
        (
            "message_marks",
            "content_sealed, provider_blind, target_blind",
            "conversation_id IN (SELECT id FROM conversations WHERE contact_id = $1)",
        ),
    ):
        for row in await house.rows(f"SELECT {columns} FROM {table} WHERE {way}", contact.id):
            found |= {each.hex() for each in row.values() if each}
    return found


async def test_what_came_with_others_in_one_delivery_stays_theirs(house: House, asking: Asking) -> None:
    """The body goes with the first who is forgotten; the items of the others can be applied again."""
    ours = await first_place(house)
    said = [
        {
            "from": person,
            "id": f"wamid.{person}",
            "timestamp": str(house.now()),
            "type": "text",
            "text": {"body": text},
        }
        for person, text in ((SHEENA, "from Sheena"), (BOB, "from Bob"))
    ]
    profiles = [{"wa_id": SHEENA, "profile": {"name": "Sheena"}}, {"wa_id": BOB, "profile": {"name": "Bob"}}]
    await house.hook(value(messages=said, contacts=profiles))
    await house.reduce()
    sheena = await conversation_of(house, ours, "Sheena")
    await asking.erasure(Person("contact", UUID(sheena["contact_id"]), ours.organization_id))
    await asking.work()
    (item,) = await house.rows("SELECT id, delivery_id FROM intake_items")
    (delivery,) = await house.rows("SELECT id, body, items FROM intake_deliveries")
    assert (item["delivery_id"], delivery["body"], delivery["items"]) == (delivery["id"], b"", 1)
    await house.rows("DELETE FROM messages")
    assert await Desk(house.database).replay(Choice(ids=[item["id"]])) == 1
    await house.reduce()
    bob = await conversation_of(house, ours, "Bob")
    assert texts(await house.messages(bob["id"])) == ["from Bob"]


async def test_who_writes_again_is_somebody_new_and_stays(house: House, asking: Asking) -> None:
    ours = await first_place(house)
    life = await live(house, ours, SHEENA, "Sheena")
    await asking.erasure(life.contact)
    await asking.work()
    await house.say("me again", person=SHEENA, name="Sheena")
    await house.reduce()
    again = await conversation_of(house, ours, "Sheena")
    assert again["contact_id"] != str(life.contact.id)
    assert texts(await house.messages(again["id"])) == ["me again"]


async def test_what_is_sent_in_while_the_erasure_goes_on_is_either_erased_or_somebody_elses(
    house: House, asking: Asking
) -> None:
    """Before each step somebody writes, from the same number."""
    ours = await first_place(house)
    life = await live(house, ours, SHEENA, "Sheena")
    erasure_id = await asking.erasure(life.contact)

    async def write() -> None:
        await house.say("in between", person=SHEENA, name="Sheena")
        await house.reduce()

    holdings = house.parts.holdings
    meddled = replace(holdings, holdings=[Before(each, write) for each in holdings.holdings])
    while await asking.answering(meddled).work():
        pass
    await _through(house, asking, erasure_id)
    assert await asking.rows_of(life.contact, ours.organization_id) == {}
    again = await conversation_of(house, ours, "Sheena")
    assert again["contact_id"] != str(life.contact.id)
    written = len(holdings.holdings) - 1  # what came before the first step went with the rest
    assert len(await house.messages(again["id"])) == written


@dataclass(slots=True)
class Before:
    """A holding before each step of which something else happens, once."""

    holding: Holding
    what: Any
    done: bool = False
    tables: ClassVar[frozenset[str]] = frozenset()

    def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        return self.holding.export(person, organization_ids)

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        if not self.done:
            self.done = True
            await self.what()
        return await self.holding.erase(tx, person, way)


class Killed(BaseException):
    """The process is gone."""


@dataclass(slots=True)
class Dying:
    """A holding whose process dies in its first step, when all was done and nothing committed."""

    holding: Holding
    tables: ClassVar[frozenset[str]] = frozenset()

    def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        return self.holding.export(person, organization_ids)

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        await self.holding.erase(tx, person, way)
        raise Killed


async def _through(house: House, asking: Asking, erasure_id: UUID) -> None:
    """Let time pass and work until the erasure is done."""
    for _ in range(10):
        await asking.work()
        if await house.count("SELECT count(*) FROM privacy_tasks WHERE id = $1 AND state = 'done'", erasure_id):
            return
        await house.forward(400)
    raise AssertionError("the erasure does not end")


@pytest.mark.parametrize("way", ["erase", "anonymise"])
async def test_killed_in_any_step_it_goes_on_and_the_counts_are_right(
    house: House, asking: Asking, tmp_path: Path, way: str
) -> None:
    ours = await first_place(house)
    await live(house, ours, BOB, "Bob")
    before, files = await photograph(house), folder(tmp_path / "media")
    life = await live(house, ours, SHEENA, "Sheena")
    with_them = await photograph(house)
    erasure_id = await asking.erasure(life.contact, way)
    holdings = house.parts.holdings
    for place in range(len(holdings.holdings)):
        dying = [Dying(each) if at == place else each for at, each in enumerate(holdings.holdings)]
        with pytest.raises(Killed):
            await asking.answering(replace(holdings, holdings=dying)).work()
        assert not await asking.answering().work(), "its lease goes on for a while"
        await house.forward(301)
    await _through(house, asking, erasure_id)
    after = await photograph(house)
    (answer,) = await asking.answers(ours.organization_id)
    assert isinstance(answer, InboxErasureAnswered)
    assert folder(tmp_path / "media") == files
    assert answer.removed == {name: (with_them[name].total() - after[name].total()) for name in answer.removed}
    if way == "erase":
        assert all(after[name] == before[name] for name in after if name not in KEPT)
    else:
        assert answer.anonymised == await asking.rows_of(life.contact, ours.organization_id)


async def test_a_reply_that_is_due_never_leaves_and_one_under_way_is_waited_for(house: House, asking: Asking) -> None:
    ours = await first_place(house)
    life = await live(house, ours, SHEENA, "Sheena")
    left = len(await house.left())
    conversation = await conversation_of(house, ours, "Sheena")
    due = await answered(house, ours, conversation, "not any more")
    called = await answered(house, ours, await conversation_of(house, ours, "Sheena"), "under way")
    await house.rows(
        """
        UPDATE ledger_entries SET status = 'calling', attempt = 1, called_at = now(),
            leased_until = now() + interval '1 hour'
        WHERE subject_id = $1::uuid
        """,
        called,
    )
    erasure_id = await asking.erasure(life.contact)
    await asking.work()
    assert await house.count("SELECT count(*) FROM messages WHERE id = $1::uuid", due) == 1
    assert await house.count("SELECT failures FROM privacy_tasks WHERE id = $1", erasure_id) >= 1
    await house.rows("UPDATE ledger_entries SET leased_until = now() - interval '1s' WHERE status = 'calling'")
    async with house.working():
        await _through(house, asking, erasure_id)
    assert len(await house.left()) == left
    assert await house.count("SELECT count(*) FROM ledger_entries WHERE kind <> 'inbox.channel_check'") == 0
    assert (
        await house.count(
            "SELECT count(*) FROM ledger_attempts WHERE entry_id NOT IN (SELECT id FROM ledger_entries)"
        )
        == 0
    )
    assert await house.count("SELECT count(*) FROM dead_letters") == 0


@pytest.mark.parametrize("way", ["erase", "anonymise"])
async def test_a_report_that_comes_late_brings_nothing_back(house: House, asking: Asking, way: str) -> None:
    ours = await first_place(house)
    life = await live(house, ours, SHEENA, "Sheena")
    (left,) = await house.left()
    await asking.erasure(life.contact, way)
    await asking.work()
    for status in ("read", "failed", "delivered"):
        await house.report(left["id"], status, ours=str(life.message_id), recipient_id=SHEENA)
    await house.reduce()
    assert await house.count("SELECT count(*) FROM message_receipts") == 0
    assert await house.count("SELECT count(*) FROM messages WHERE provider_blind IS NOT NULL") == 0
    assert await house.count("SELECT count(*) FROM intake_items WHERE verdict IS DISTINCT FROM 'applied'") == 0


async def test_what_waits_to_be_fetched_is_forgotten_and_leaves_no_file(
    house: House, asking: Asking, tmp_path: Path
) -> None:
    ours = await first_place(house)
    await house.person(SHEENA, name="Sheena")
    await house.say("words", person=SHEENA, name="Sheena")
    await send_document(house, ours, SHEENA, "Sheena")
    await house.reduce()
    conversation = await conversation_of(house, ours, "Sheena")
    await asking.erasure(Person("contact", UUID(conversation["contact_id"]), ours.organization_id))
    await asking.work()
    await house.work()
    assert folder(tmp_path / "media") == {}
    assert await house.count("SELECT count(*) FROM ledger_entries WHERE kind <> 'inbox.channel_check'") == 0
    assert await house.count("SELECT count(*) FROM media") == 0


async def test_more_than_a_batch_goes_step_by_step(house: House, asking: Asking) -> None:
    ours = await first_place(house)
    life = await live(house, ours, SHEENA, "Sheena")
    await house.rows(
        """
        INSERT INTO messages (id, organization_id, conversation_id, channel_id, direction, kind, content_sealed,
            provider_time, sequence, status)
        SELECT gen_random_uuid(), organization_id, conversation_id, channel_id, 'in', kind, content_sealed,
            provider_time, 1000 + n, 'received'
        FROM messages, generate_series(1, 1234) AS n WHERE id = $1
        """,
        life.message_id,
    )
    export_id = await asking.export(life.contact)
    await asking.work()
    rows = by_table(await asking.lines(life.contact, export_id, 1))
    assert len({each["id"] for each in rows["messages"]}) == 1234 + 3
    await asking.erasure(life.contact)
    await asking.work()
    assert await asking.rows_of(life.contact, ours.organization_id) == {}
    (_, answer) = await asking.answers(ours.organization_id)
    assert isinstance(answer, InboxErasureAnswered)
    assert answer.removed["messages"] == 1234 + 3


async def test_a_contact_of_another_organization_is_out_of_reach(house: House, asking: Asking) -> None:
    ours, theirs = await first_place(house), await second_place(house)
    life = await live(house, theirs, SHEENA, "Sheena")
    before = await photograph(house)
    foreign = replace(life.contact, organization_id=ours.organization_id)
    export_id = await asking.export(foreign)
    await asking.erasure(foreign)
    await asking.work()
    after = await photograph(house)
    assert all(
        after[name] == before[name]
        for name in after
        if name not in ("outbox", "privacy_tasks", "seal_keys", "processed_messages")
    )
    assert not by_table(await asking.lines(foreign, export_id, 1))
