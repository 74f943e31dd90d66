"""How long a page of conversations and the numbers beside the views take, with one tenant that holds nearly all rows.

The door is the use-case that the endpoints call: rows, names and excerpts are read in one snapshot under row-level
security, and opened. Pages are asked for at random places of each shape of list, so that none is the first one alone.
`full` has 1,000,000 conversations with 10,000,000 messages, of which one tenant holds 90 %; a tenth is not resolved.
The plans of all shapes are printed beside the table, as the server ran them.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import orjson
from rich.console import Console

from benchmarks import harness
from benchmarks.harness import Result, Size, percentile
from inbox import migrations
from inbox.contacts.recognizing import NAME, subject
from inbox.conversations.counts.service import CountService
from inbox.conversations.lists.model import Filter
from inbox.conversations.lists.repository import question
from inbox.conversations.model import ConversationState, Priority
from inbox.conversations.service import ConversationService
from inbox.messages.content import CONTENT, Sealing
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.seal import Keyring, LocalMasterKey
from kit.testing.databases import Databases

CONVERSATIONS: Final = {"short": 100_000, "full": 1_000_000}
MESSAGES: Final = {"short": 2, "full": 10}
ASKED: Final = {"short": 20, "full": 100}
ROUNDS: Final = 3
PAGE: Final = 50
CHANNELS, TEAMS, AGENTS = 10, 5, 50
LIMIT_MS: Final = 100.0
CHUNK: Final = 50_000


@dataclass(frozen=True, slots=True)
class Place:
    """Whose rows they are, and what lists of them can be narrowed to."""

    organization_id: UUID
    channels: Sequence[UUID]
    teams: Sequence[UUID]
    agents: Sequence[UUID]


async def measure(size: Size) -> Sequence[Result]:
    """The 95th percentile of each shape, and of the counts."""
    databases = Databases()
    try:
        where = await databases.clone({"inbox": migrations})
        database = await Database.open(where.url("inbox"), name="bench", pool_size=4, acquire_within=60)
        try:
            keyring = Keyring(database, LocalMasterKey.from_text("A" * 43))
            place = await filled(where.admin_url, keyring, size)
            results = await measured(database, keyring, place, size)
            await plans(where.admin_url, place)
            return results
        finally:
            await database.close()
    finally:
        await databases.close()


async def measured(database: Database, keyring: Keyring, place: Place, size: Size) -> list[Result]:
    """Pages of all shapes in turns, then the counts with many changes that are not added up yet, and without."""
    conversations = ConversationService(database, Ledger(database, ()), Sealing(keyring), {})
    counts = CountService(database)
    caller = MemberCaller(place.agents[0], new_id(), place.organization_id, "agent", 0)
    results = []
    for name, wanted in shapes(place, database.clock.now()).items():
        runs = [await pages(conversations, caller, wanted, ASKED[size]) for _ in range(ROUNDS)]
        late = [percentile(run, 95) for run in runs]
        results.append(Result(f"page of {PAGE}: {name}, p95", "ms", late, [LIMIT_MS], 1.0, less_is_better=True))
    for name in ("counts, p95", "counts after adding up, p95"):
        runs = [await counted(counts, caller, ASKED[size]) for _ in range(ROUNDS)]
        late = [percentile(run, 95) for run in runs]
        results.append(Result(name, "ms", late, [LIMIT_MS], 1.0, less_is_better=True))
        while await counts.fold():
            continue
    return results


def shapes(place: Place, now: datetime) -> dict[str, Filter]:
    """What an inbox asks for."""
    is_open, me = ConversationState.OPEN, place.agents[0]
    return {
        "all": Filter(),
        "open": Filter(state=is_open),
        "resolved": Filter(state=ConversationState.RESOLVED),
        "mine, open": Filter(state=is_open, by_assignee=True, assignee_id=me),
        "mine": Filter(by_assignee=True, assignee_id=me),
        "unassigned, open": Filter(state=is_open, by_assignee=True),
        "team, open": Filter(state=is_open, by_team=True, team_id=place.teams[0]),
        "channel, open": Filter(state=is_open, channel_id=place.channels[0]),
        "unread, open": Filter(state=is_open, unread=True),
        "urgent": Filter(priority=Priority.URGENT),
        "waiting longest": Filter(state=is_open, order="waiting"),
        "waiting longest, mine": Filter(by_assignee=True, assignee_id=me, order="waiting"),
        "of this week": Filter(since=now - timedelta(days=7)),
    }


async def pages(
    conversations: ConversationService, caller: MemberCaller, wanted: Filter, asked: int
) -> Sequence[float]:
    """Milliseconds of as many pages, each beyond a random row of the one before or from the beginning."""
    chance, after, took = random.Random(7), None, []
    for _ in range(asked):
        began = time.perf_counter()
        shown = await conversations.page(caller, wanted, after, PAGE)
        took.append(1000 * (time.perf_counter() - began))
        after = None
        if len(shown) == PAGE:
            last = chance.choice(shown).conversation
            at = last.waiting_since if wanted.order == "waiting" else last.last_message_at
            after = None if at is None else (at, last.id)
    return took


async def counted(counts: CountService, caller: MemberCaller, asked: int) -> Sequence[float]:
    """Milliseconds of as many readings of all counts."""
    took = []
    for _ in range(asked):
        began = time.perf_counter()
        await counts.read(caller)
        took.append(1000 * (time.perf_counter() - began))
    return took


async def filled(url: str, keyring: Keyring, size: Size) -> Place:
    """Two tenants with contacts, conversations and messages, the larger one with nine tenths of them."""
    large, small = (
        Place(new_id(), *([new_id() for _ in range(n)] for n in (CHANNELS, TEAMS, AGENTS))) for _ in range(2)
    )
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET search_path = inbox, kit; SET synchronous_commit = off")
        for place, share in ((large, 0.9), (small, 0.1)):
            await fill(connection, keyring, place, round(CONVERSATIONS[size] * share), MESSAGES[size])
        await connection.execute("VACUUM ANALYZE conversations")
        await connection.execute("VACUUM ANALYZE messages")
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    return large


async def fill(connection: asyncpg.Connection, keyring: Keyring, place: Place, many: int, messages: int) -> None:
    """One tenant: a hundred conversations with each contact, of which ten, one on each channel, are not resolved."""
    contacts = [new_id() for _ in range(many // 100)]
    organization_id = place.organization_id
    words = orjson.dumps({"text": "Good morning, is the blue one still there? " * 3, "detail": {}})
    sealed = [
        (
            each,
            await keyring.seal(organization_id, b"Somebody", NAME, subject=subject(each)),
            await keyring.seal(organization_id, words, CONTENT, subject=subject(each)),
        )
        for each in contacts
    ]
    await connection.execute(
        """
        INSERT INTO channels (id, organization_id, kind, phone_number_id, waba_id, rate)
        SELECT id, $1, 'whatsapp', id::text, 'bench', 80 FROM unnest($2::uuid[]) AS t (id)
        """,
        organization_id,
        place.channels,
    )
    await connection.execute(
        """
        INSERT INTO contacts (id, organization_id, name_sealed)
        SELECT id, $1, sealed FROM unnest($2::uuid[], $3::bytea[]) AS t (id, sealed)
        """,
        organization_id,
        contacts,
        [name for _, name, _ in sealed],
    )
    for begin in range(0, many, CHUNK):
        numbers = (begin, min(many, begin + CHUNK) - 1)
        lists = (contacts, place.channels, place.teams, place.agents)
        await connection.execute(_CONVERSATIONS, organization_id, *numbers, many // 10, *lists)
    contents = [content for _, _, content in sealed]
    for begin in range(0, len(contacts), 100):
        some = slice(begin, begin + 100)
        await connection.execute(_MESSAGES, organization_id, contacts[some], contents[some], messages)


_CONVERSATIONS: Final = """
    INSERT INTO conversations (
        id, organization_id, channel_id, contact_id, state, assignee_id, team_id, priority, unread_count,
        last_sequence, last_message_at, waiting_since, snoozed_until, queued_at
    )
    SELECT gen_random_uuid(), $1, channel_id, contact_id, state, assignee_id, team_id, priority, unread, 10, at,
           CASE WHEN state <> 'resolved' AND unread > 0 THEN at END,
           CASE WHEN state = 'snoozed' THEN now() + interval '1 day' END,
           CASE WHEN state = 'open' AND assignee_id IS NULL THEN at END
    FROM (
        SELECT ($5::uuid[])[1 + n % cardinality($5)] AS contact_id,
               ($6::uuid[])[1 + (n / cardinality($5)) % cardinality($6)] AS channel_id,
               CASE WHEN n >= $4 THEN 'resolved' WHEN n % 20 < 14 THEN 'open' WHEN n % 20 < 17 THEN 'pending'
                    ELSE 'snoozed' END AS state,
               CASE WHEN n % 10 < 7 THEN ($8::uuid[])[1 + n % cardinality($8)] END AS assignee_id,
               CASE WHEN n % 3 > 0 THEN ($7::uuid[])[1 + n % cardinality($7)] END AS team_id,
               CASE WHEN n % 50 = 0 THEN 4 WHEN n % 10 = 0 THEN 2 ELSE 0 END AS priority,
               CASE WHEN n < $4 AND n % 5 < 2 THEN 1 + n % 4 ELSE 0 END AS unread,
               now() - make_interval(secs => random() * CASE WHEN n < $4 THEN 2e6 ELSE 3e7 END) AS at
        FROM generate_series($2::int, $3::int) AS n
    ) AS made
"""

_MESSAGES: Final = """
    INSERT INTO messages (
        id, organization_id, conversation_id, channel_id, direction, kind, content_sealed, provider_time, sequence,
        status
    )
    SELECT gen_random_uuid(), $1, c.id, c.channel_id, CASE WHEN s % 2 = 0 THEN 'in' ELSE 'out' END, 'text', t.content,
           c.last_message_at - make_interval(mins => ($4 - s)), s, CASE WHEN s % 2 = 0 THEN 'received' ELSE 'read' END
    FROM unnest($2::uuid[], $3::bytea[]) AS t (contact_id, content)
    JOIN conversations AS c ON c.contact_id = t.contact_id
    CROSS JOIN generate_series(1, $4::int) AS s
"""


async def plans(url: str, place: Place) -> None:
    """Print how the server answers each shape, as the role that the service has."""
    console = Console(width=200)
    connection = await asyncpg.connect(url)
    try:
        role = await connection.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'conversations'")
        await connection.execute(f"SET ROLE {str(role).removesuffix('_owner')}_app; SET search_path = inbox, kit")
        await connection.execute("SELECT set_config('app.orgs', $1, false)", f"{{{place.organization_id}}}")
        for name, wanted in shapes(place, await connection.fetchval("SELECT kit_now()")).items():
            sql, arguments = question(place.organization_id, wanted, None, PAGE)
            lines = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {sql}", *arguments)
            console.print(f"[bold]{name}[/]")
            console.print("\n".join(f"    {line[0]}" for line in lines), markup=False, highlight=False)
    finally:
        await connection.close()


if __name__ == "__main__":
    harness.run("inbox_lists", measure)
