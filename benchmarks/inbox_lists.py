"""How long a page of conversations and the numbers beside the views take, with one tenant that holds nearly all rows.

The door is the use-case that the endpoints call: rows, names and excerpts are read in one snapshot under row-level
security, and opened. Pages are asked for at random places of each shape of list, so that none is the first one alone.
`full` has 1,000,000 conversations with 10,000,000 messages, of which one tenant holds 90 %; a tenth is not resolved.
Messages of a contact have one sealed content. One agent sees one channel of ten. Plans are printed as they were run.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from benchmarks import harness
from benchmarks.bulk import explaining, loading
from benchmarks.harness import Result, Size, percentile
from inbox import migrations
from inbox.channels.viewing.narrowing import looking, statement
from inbox.contacts.recognizing import NAME, subject
from inbox.conversations.counts.repository import ALL_COUNTS, NOBODY
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
            await plans(where.admin_url, where.roles("inbox").app, place)
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
    database.narrowed = statement
    for name in ("all", "open", "resolved", "unread, open", "waiting longest"):
        wanted = shapes(place, database.clock.now())[name]
        with looking(caller):
            runs = [await pages(conversations, caller, wanted, ASKED[size]) for _ in range(ROUNDS)]
        late = [percentile(run, 95) for run in runs]
        results.append(
            Result(f"who sees one channel of ten: {name}, p95", "ms", late, [LIMIT_MS], 1.0, less_is_better=True)
        )
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
        await connection.execute("SET search_path = inbox, kit")
        async with loading(connection, "conversations", "messages"):
            for place, share in ((large, 0.9), (small, 0.1)):
                many = round(CONVERSATIONS[size] * share)
                contents = await people(connection, keyring, place, many // 100)
                lists = (list(contents), place.channels, place.teams, place.agents)
                await connection.execute(_CONVERSATIONS, place.organization_id, many, many // 10, *lists)
                await connection.execute(_MESSAGES, list(contents), list(contents.values()), MESSAGES[size])
                await connection.execute(_COUNTS, place.organization_id, NOBODY)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    return large


async def people(connection: asyncpg.Connection, keyring: Keyring, place: Place, many: int) -> dict[UUID, bytes]:
    """Channels and so many contacts; what each of them writes, sealed under their own key."""
    organization_id, contacts = place.organization_id, [new_id() for _ in range(many)]
    words = orjson.dumps({"text": "Good morning, is the blue one still there?", "detail": {}})
    names, contents = list[bytes](), dict[UUID, bytes]()
    for begin in range(0, many, 500):
        some = {each: subject(each) for each in contacts[begin : begin + 500]}
        await keyring.prepare(organization_id, some.values())
        for each, whose in some.items():
            names.append(await keyring.seal(organization_id, b"Somebody", NAME, subject=whose))
            contents[each] = await keyring.seal(organization_id, words, CONTENT, subject=whose)
    await connection.execute(
        """
        INSERT INTO channels (id, organization_id, kind, phone_number_id, waba_id, rate, visible_to)
        SELECT id, $1, 'whatsapp', id::text, 'bench', 80, CASE WHEN n = 1 THEN 'everyone' ELSE 'chosen' END
        FROM unnest($2::uuid[]) WITH ORDINALITY AS t (id, n)
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
        names,
    )
    return contents


_CONVERSATIONS: Final = """
    INSERT INTO conversations (
        id, organization_id, channel_id, contact_id, state, assignee_id, team_id, priority, unread_count,
        last_sequence, last_message_at, waiting_since, snoozed_until, queued_at
    )
    SELECT overlay(gen_random_uuid()::text PLACING lpad(to_hex(n), 8, '0') FROM 1)::uuid,
           $1, channel_id, contact_id, state, assignee_id, team_id, priority, unread, 10, at,
           CASE WHEN state <> 'resolved' AND unread > 0 THEN at END,
           CASE WHEN state = 'snoozed' THEN now() + interval '1 day' END,
           CASE WHEN state = 'open' AND assignee_id IS NULL THEN at END
    FROM (
        SELECT n, ($4::uuid[])[1 + n % cardinality($4)] AS contact_id,
               ($5::uuid[])[1 + (n / cardinality($4)) % cardinality($5)] AS channel_id,
               CASE WHEN n >= $3 THEN 'resolved' WHEN n % 20 < 14 THEN 'open' WHEN n % 20 < 17 THEN 'pending'
                    ELSE 'snoozed' END AS state,
               CASE WHEN n % 10 < 7 THEN ($7::uuid[])[1 + n % cardinality($7)] END AS assignee_id,
               CASE WHEN n % 3 > 0 THEN ($6::uuid[])[1 + n % cardinality($6)] END AS team_id,
               CASE WHEN n % 50 = 0 THEN 4 WHEN n % 10 = 0 THEN 2 ELSE 0 END AS priority,
               CASE WHEN n < $3 AND n % 5 < 2 THEN 1 + n % 4 ELSE 0 END AS unread,
               now() - make_interval(secs => random() * CASE WHEN n < $3 THEN 2e6 ELSE 3e7 END) AS at
        FROM generate_series(0, $2::int - 1) AS n
    ) AS made
"""
"""Ids rise as those of the service do."""

_MESSAGES: Final = """
    INSERT INTO messages (
        id, organization_id, conversation_id, channel_id, direction, kind, content_sealed, provider_blind,
        provider_time, sequence, status
    )
    SELECT overlay(c.id::text PLACING lpad(to_hex(s), 4, '0') FROM 20)::uuid, c.organization_id, c.id, c.channel_id,
           CASE WHEN s % 2 = 0 THEN 'in' ELSE 'out' END, 'text', t.content, decode(md5(c.id::text || s), 'hex'),
           c.last_message_at - make_interval(mins => ($3 - s)), s, CASE WHEN s % 2 = 0 THEN 'received' ELSE 'read' END
    FROM unnest($1::uuid[], $2::bytea[]) AS t (contact_id, content)
    JOIN conversations AS c ON c.contact_id = t.contact_id
    CROSS JOIN generate_series(1, $3::int) AS s
"""

_COUNTS: Final = """
    INSERT INTO conversation_counts (organization_id, channel_id, assignee_id, team_id, state, unread, n)
    SELECT organization_id, channel_id, coalesce(assignee_id, $2), coalesce(team_id, $2), state, unread_count > 0,
           count(*)
    FROM conversations WHERE organization_id = $1 AND state <> 'resolved'
    GROUP BY 1, 2, 3, 4, 5, 6, hashtext(id::text) % 20
"""
"""As twenty statements have changed them, not added up yet."""


async def plans(url: str, role: str, place: Place) -> None:
    """Print how the server answers each shape, as the role that the service has."""
    async with explaining(url, role, place.organization_id) as explained:
        for name, wanted in shapes(place, datetime.now(UTC)).items():
            sql, arguments = question(place.organization_id, wanted, None, PAGE)
            await explained.show(name, sql, *arguments)
        await explained.show("counts", ALL_COUNTS, place.organization_id)


if __name__ == "__main__":
    harness.run("inbox_lists", measure)
