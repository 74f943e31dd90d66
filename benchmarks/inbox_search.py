"""How long a search through one organization's messages takes, all of which lie sealed.

The door is the use-case that the endpoint calls: keyed hashes of words are looked up by a function of the loops'
role, what they find is opened, looked at and shown with an excerpt. Words are as frequent as in a language (the n-th
has a share of 1/n); besides each message has two numbers that no other has. `full` has 1,000,000
messages in the organization that searches and 100,000 in another. Plans are printed as they were run.
"""

import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final
from uuid import UUID

import asyncpg

from benchmarks import harness
from benchmarks.bulk import explaining, loading
from benchmarks.harness import Result, Size, percentile
from benchmarks.inbox_lists import Place, people
from inbox import migrations
from inbox.contacts.recognizing import subject
from inbox.messages.content import CONTENT, Sealing, packed
from inbox.messages.model import Content
from inbox.search.repository import FIND
from inbox.search.schemas import Search
from inbox.search.service import SearchService
from inbox.search.tokens import tokens_of
from inbox.search.words import query
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.ids import new_id
from kit.seal import Keyring, LocalMasterKey
from kit.testing.databases import Databases

MESSAGES: Final = {"short": 100_000, "full": 1_000_000}
TEXTS: Final = 10_000
"""Different ones; each stands in several messages."""
WORDS: Final = 20_000
ASKED: Final = {"short": 20, "full": 100}
ROUNDS: Final = 3
PAGE: Final = 25
LIMIT_MS: Final = 100.0


@dataclass(frozen=True, slots=True)
class Filled:
    """Whose messages they are, and a conversation with some of them."""

    place: Place
    conversation_id: UUID


async def measure(size: Size) -> Sequence[Result]:
    """The 95th percentile of each sort of question."""
    databases = Databases()
    try:
        where = await databases.clone({"inbox": migrations})
        database = await Database.open(where.url("inbox"), name="bench", pool_size=4, acquire_within=60)
        try:
            keyring = Keyring(database, LocalMasterKey.from_text("A" * 43))
            large = await filled(where.admin_url, keyring, MESSAGES[size])
            await filled(where.admin_url, keyring, MESSAGES[size] // 10)
            results = await measured(database, keyring, large, ASKED[size])
            await plans(where.admin_url, where.roles("inbox").app, keyring, large)
            return results
        finally:
            await database.close()
    finally:
        await databases.close()


def questions(filled: Filled) -> dict[str, tuple[str, UUID | None]]:
    """What an inbox asks for: the words, and in which conversation."""
    rare = min(Counter(" ".join(texts()).split()).items(), key=lambda each: (each[1], each[0]))[0]
    return {
        "a word in every second message": (f"{word(0)} ", None),
        "a word in one of a hundred": (f"{word(100)} ", None),
        "a rare word": (f"{rare} ", None),
        "a beginning": (word(3_000)[:5], None),
        "a frequent and a rare word": (f"{word(0)} {rare} ", None),
        "three frequent words": (f"{word(0)} {word(1)} {word(2)} ", None),
        "nothing of the kind": ("zzyzx ", None),
        "in one conversation": (f"{word(0)} ", filled.conversation_id),
    }


async def measured(database: Database, keyring: Keyring, filled: Filled, asked: int) -> list[Result]:
    """Each sort of question, asked again and again."""
    search = SearchService(database, Sealing(keyring))
    caller = MemberCaller(new_id(), new_id(), filled.place.organization_id, "admin", 0)
    results = []
    for name, (text, within) in questions(filled).items():
        wanted, late = Search(text=text, conversation_id=within), list[float]()
        for _ in range(ROUNDS):
            took = []
            for _ in range(asked):
                began = time.perf_counter()
                await search.messages(caller, wanted, None, PAGE)
                took.append(1000 * (time.perf_counter() - began))
            late.append(percentile(took, 95))
        results.append(Result(f"search: {name}, p95", "ms", late, [LIMIT_MS], 1.0, less_is_better=True))
    return results


async def plans(url: str, role: str, keyring: Keyring, filled: Filled) -> None:
    """Print how the server looks up each sort of question, as the role that the service has."""
    organization_id = filled.place.organization_id
    tokens = await tokens_of(keyring, organization_id)
    async with explaining(url, role, organization_id) as explained:
        for name, (text, within) in questions(filled).items():
            wanted = tokens.of_query(query(text))
            await explained.show(name, FIND, "message", organization_id, wanted, within, None, None, 100)


def word(rank: int) -> str:
    """The word that is the so-manieth in frequency."""
    chance = random.Random(rank)
    return "".join(chance.choice("bdfgklmnprst") + chance.choice("aeiou") for _ in range(3 + rank % 3))


def texts() -> list[str]:
    """Messages of a dozen words."""
    chance, ranks = random.Random(7), range(WORDS)
    shares = list(accumulate(1 / (1 + rank) for rank in ranks))
    return [" ".join(word(rank) for rank in chance.choices(ranks, cum_weights=shares, k=12)) for _ in range(TEXTS)]


async def filled(url: str, keyring: Keyring, messages: int) -> Filled:
    """An organization with so many messages, a hundred in each conversation, and their index."""
    place, connection = Place(new_id(), [new_id()], [], []), await asyncpg.connect(url)
    organization_id = place.organization_id
    try:
        await connection.execute("SET search_path = inbox, kit")
        await connection.execute("CREATE TEMP TABLE texts (number int PRIMARY KEY, content bytea, tokens bigint[])")
        async with loading(connection, "conversations", "messages", "message_words"):
            contacts = list(await people(connection, keyring, place, messages // 100))
            rows = [row async for row in sealed(keyring, organization_id, contacts)]
            await connection.copy_records_to_table("texts", records=rows)
            await connection.execute(_CONVERSATIONS, organization_id, place.channels[0], contacts)
            await connection.execute(_MESSAGES, organization_id, TEXTS)
            await connection.execute(_INDEX, organization_id)
        conversation_id = await connection.fetchval(
            "SELECT id FROM conversations WHERE organization_id = $1 LIMIT 1", organization_id
        )
    finally:
        await connection.close()
    return Filled(place, conversation_id)


async def sealed(
    keyring: Keyring, organization_id: UUID, contacts: Sequence[UUID]
) -> AsyncIterator[tuple[int, bytes, list[int]]]:
    """Each text with its number, its sealed content and the hashes by which it is found."""
    tokens = await tokens_of(keyring, organization_id)
    for number, text in enumerate(texts()):
        whose = subject(contacts[number % len(contacts)])
        yield (
            number,
            await keyring.seal(organization_id, packed(Content(text)), CONTENT, subject=whose),
            tokens.of_text(text),
        )


_CONVERSATIONS: Final = """
    INSERT INTO conversations (id, organization_id, channel_id, contact_id, last_sequence, last_message_at)
    SELECT overlay(gen_random_uuid()::text PLACING lpad(to_hex(n), 8, '0') FROM 1)::uuid, $1, $2, contact_id, 100,
           now()
    FROM unnest($3::uuid[]) WITH ORDINALITY AS t (contact_id, n)
"""

_MESSAGES: Final = """
    INSERT INTO messages (
        id, organization_id, conversation_id, channel_id, direction, kind, content_sealed, provider_blind,
        provider_time, sequence, status
    )
    SELECT overlay(c.id::text PLACING lpad(to_hex(s), 4, '0') FROM 20)::uuid, $1, c.id, c.channel_id, 'in', 'text',
           t.content, decode(md5(c.id::text || s), 'hex'), c.at - s * interval '1 hour', s, 'received'
    FROM (SELECT id, channel_id, row_number() OVER (ORDER BY id) AS n, now() - random() * interval '90 days' AS at
          FROM conversations WHERE organization_id = $1) AS c
    CROSS JOIN generate_series(1, 100) AS s
    JOIN texts AS t ON t.number = (c.n * 100 + s) * 7919 % $2
"""

_INDEX: Final = """
    INSERT INTO message_words (message_id, organization_id, conversation_id, at, tokens)
    SELECT m.id, $1, m.conversation_id, m.provider_time,
           t.tokens || ARRAY[hashtextextended(m.id::text, 1), hashtextextended(m.id::text, 2)]
    FROM messages AS m JOIN texts AS t ON t.content = m.content_sealed
    WHERE m.organization_id = $1
"""


if __name__ == "__main__":
    harness.run("inbox_search", measure)
