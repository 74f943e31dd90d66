"""What both sides' books say when all is quiet: our tables, every event that was published, the sandbox."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import aio_pika
import asyncpg
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from contracts import EVENTS
from kit.db.database import Database
from kit.messaging import history
from kit.messaging.broker import OwnedConnection
from kit.messaging.liveness import NAMES_KEPT
from kit.messaging.topology import Topology
from kit.seal import Keyring, LocalMasterKey
from kit.seal.cache import KeyCache
from kit.seal.own import OwnKeys
from local.chaos.outside import AT_STRIPE, Sandbox
from local.chaos.tenant import Tenant
from local.plan import Plan
from local.state import SERVICES

Row = tuple[Any, ...]

SNAPSHOTS: Final = frozenset({"billing.entitlements.changed.v1"})
"""Facts that tell everything anew, under the next version."""

_END_OF_HISTORY: Final = 15.0  # seconds of silence after which nothing more stands there
_WITHIN: Final = 30.0  # seconds for one answer of a server

_TABLES: Final[Mapping[str, str]] = {
    "organizations": "SELECT id::text, name FROM auth.organizations",
    "members": "SELECT m.id::text, m.organization_id::text, m.role, m.version, m.user_id::text FROM auth.members m",
    "mails": "SELECT message_id, category, status FROM auth.outgoing_mails",
    "billed": "SELECT organization_id::text FROM billing.organizations",
    "entitled": "SELECT organization_id::text, plan, version FROM billing.entitlements",
    "subscriptions": "SELECT stripe_subscription_id, status FROM billing.subscriptions",
    "checkouts": "SELECT id::text FROM billing.checkouts",
    "changes": "SELECT id::text FROM billing.subscription_changes",
    "invoices": "SELECT id::text, stripe_id, status, total, tax, paid, remaining, credited, currency "
    "FROM billing.invoices",
    "payments": "SELECT id::text, stripe_id, state, received, refunded, currency FROM billing.payments",
    "refunds": "SELECT id::text, stripe_id, state, amount, currency FROM billing.refunds",
    "credit_notes": "SELECT id::text, stripe_id, state, amount, currency FROM billing.credit_notes",
    "lots": "SELECT id::text, organization_id::text, granted, available, spent FROM billing.credit_lots",
    "spends": "SELECT id::text, organization_id::text, amount FROM billing.credit_spends",
    "seats": "SELECT member_id::text FROM billing.seats WHERE taken",
    "inbox_members": "SELECT member_id::text, role, version FROM inbox.members WHERE role <> ''",
    "posts": "SELECT id::text, text, status FROM publisher.posts",
    "deliveries": "SELECT d.id::text, p.text, d.account_id::text, d.status, d.code FROM publisher.deliveries d "
    "JOIN publisher.posts p ON p.id = d.post_id",
    "messages": "SELECT id::text, direction, status, failure_code FROM inbox.messages",
    "conversations": "SELECT id::text FROM inbox.conversations",
    **{f"{name}_processed": f"SELECT queue, message_id::text FROM {name}.processed_messages" for name in SERVICES},  # noqa: S608 - names of our own schemas
}
_PEOPLE: Final = "SELECT id, user_id::text, sealed FROM auth.identities WHERE verified_at IS NOT NULL"
_INVITATIONS: Final = "SELECT id, organization_id, email_sealed AS sealed FROM auth.invitations"
_LEFT: Final[Mapping[str, str]] = {
    "in the outbox": "SELECT type FROM {}.outbox",
    "in the ledger": "SELECT kind || ' ' || status FROM {}.ledger_entries WHERE status IN ('calling', 'unknown') "
    "OR (status = 'pending' AND due_at < kit.kit_now() + interval '1 day')",
    "not split": "SELECT source || ' ' || state FROM {}.intake_deliveries WHERE state <> 'split'",
    "not applied": "SELECT kind || ' ' || coalesce(verdict || ' ' || reason, 'undecided') FROM {}.intake_items "
    "WHERE verdict IS NULL OR verdict NOT IN ('applied', 'duplicate')",
    "dead letter": "SELECT type || ' ' || reason || ' ' || error FROM {}.dead_letters",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One event, as everybody gets it."""

    id: str
    type: str
    subject: str
    organization: str
    time: float
    version: int = 1

    @property
    def mark(self) -> str:
        """By what it is known that it was told once: a snapshot's facts differ in their versions alone."""
        return f"{self.subject} {self.version}" if self.type in SNAPSHOTS else self.subject


@dataclass(slots=True)
class Evidence:
    """Everything that was found."""

    tables: dict[str, list[Row]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    history: set[str] = field(default_factory=set)
    """The ids of the events that a replay would find."""
    pages: dict[str, str] = field(default_factory=dict)
    """The pages by the ids that our accounts for them have."""
    posts: Counter[str] = field(default_factory=Counter)
    """What is live, as `text @ page`."""
    replies: Counter[str] = field(default_factory=Counter)
    """What people got, by text."""
    mails: Counter[str] = field(default_factory=Counter)
    """How often each Message-ID arrived."""
    conversations: dict[str, list[str]] = field(default_factory=dict)
    """The texts of each contact in the order in which they are shown."""
    stripe: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Stripe's objects by their kind."""

    def rows(self, table: str) -> list[Row]:
        """The rows of one table or view."""
        return self.tables[table]


async def left_over(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """What some service still has to do, or has given up."""
    found: list[str] = []
    for service in SERVICES:
        for what, query in _LEFT.items():
            rows = await connection.fetch(query.format(service))
            found += [f"{service}: {what}: {row[0]}" for row in rows]
    return found


async def waiting(broker: str, topology: Topology, queues: Sequence[str]) -> list[str]:
    """Queues with messages that nobody has taken."""
    async with await aio_pika.connect(broker, timeout=_WITHIN, connection_class=OwnedConnection) as connection:
        found: list[str] = []
        for queue in queues:
            async with connection.channel() as channel:
                declared = await channel.declare_queue(queue, passive=True, timeout=_WITHIN)
                count = declared.declaration_result.message_count or 0
                found += [f"{topology.label(queue)}: {count} waiting"] * bool(count)
        return found


async def gather_tables(plan: Plan) -> tuple[dict[str, list[Row]], list[str]]:
    """Our own books, read as the administrator, and what is left to do."""
    connection = await asyncpg.connect(plan.admin_url, timeout=_WITHIN)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            tables = {name: [tuple(row) for row in await connection.fetch(query)] for name, query in _TABLES.items()}
            people, invitations = await connection.fetch(_PEOPLE), await connection.fetch(_INVITATIONS)
            left = await left_over(connection)
    finally:
        await connection.close()
    return tables | await _with_addresses(plan, tables["members"], people, invitations), left


async def gather_later_mails(plan: Plan, known: Sequence[Row]) -> list[Row]:
    """Mails that came to be while the books were read; they are known, and nobody waits for them.

    Whoever looks into conversations may have to sign in anew, of which a mail tells.
    """
    connection = await asyncpg.connect(plan.admin_url, timeout=_WITHIN)
    try:
        rows = await connection.fetch(_TABLES["mails"])
    finally:
        await connection.close()
    before = {row[0] for row in known}
    return [(row[0], row[1], "made while reading") for row in rows if row[0] not in before]


async def _with_addresses(
    plan: Plan, members: Sequence[Row], people: Sequence[asyncpg.Record], invitations: Sequence[asyncpg.Record]
) -> dict[str, list[Row]]:
    """The books in which somebody is known by their address, which auth keeps sealed; what does not open is lost."""
    async with AsyncExitStack() as stack:
        databases = {}
        for service in ("auth", "compliance"):
            databases[service] = await Database.open(plan.database_url(service), name="chaos", pool_size=1)
            stack.push_async_callback(databases[service].close)
        masters = {each: LocalMasterKey.from_text(plan.state.sealing_key(each)) for each in databases}
        kept_by_compliance = OwnKeys(databases["compliance"], masters["compliance"], KeyCache())
        keyring = Keyring(databases["auth"], masters["auth"], shared=kept_by_compliance)
        addresses = dict(
            zip(_column(people, 1), await _opened(keyring, None, "identities.sealed", people), strict=True)
        )
        invited: list[Row] = []
        for organization_id in set(_column(invitations, 1)):
            theirs = [row for row in invitations if row["organization_id"] == organization_id]
            opened = await _opened(keyring, organization_id, "invitations.email_sealed", theirs)
            invited += [(str(row["id"]), address) for row, address in zip(theirs, opened, strict=True)]
    return {
        "people": [(address, user_id) for user_id, address in addresses.items()],
        "invitations": invited,
        "members": [(*row[:4], addresses.get(row[4])) for row in members],
    }


async def _opened(
    keyring: Keyring, organization_id: UUID | None, place: str, rows: Sequence[asyncpg.Record]
) -> list[str]:
    sealed = [(bytes(row["sealed"]), f"{place}:".encode() + row["id"].bytes) for row in rows]
    return [(each or b"").decode() for each in await keyring.open_many(organization_id, sealed)]


def _column(rows: Sequence[asyncpg.Record], place: int) -> list[Any]:
    return [row[place] for row in rows]


@asynccontextmanager
async def _overheard(broker: str) -> AsyncIterator[AbstractChannel]:
    async with (
        await aio_pika.connect(broker, timeout=_WITHIN, connection_class=OwnedConnection) as connection,
        connection.channel() as channel,
    ):
        await channel.set_qos(prefetch_count=500)
        yield channel


def _ear(topology: Topology) -> str:
    return f"{topology.namespace}/chaos"


async def overhear(broker: str, topology: Topology) -> None:
    """Put up a queue of our own that gets every event from now on: no reader of the platform is asked for them."""
    async with _overheard(broker) as channel:
        queue = await channel.declare_queue(_ear(topology), durable=True, arguments={"x-queue-type": "quorum"})
        for event in EVENTS:
            await queue.bind(topology.events, event.type)
    await asyncio.sleep(NAMES_KEPT)


async def gather_facts(broker: str, topology: Topology) -> list[Fact]:
    """Every event that was ever published, once each."""
    found: dict[str, Fact] = {}
    async with _overheard(broker) as channel:
        queue = await channel.get_queue(_ear(topology), ensure=False)
        while message := await queue.get(no_ack=True, fail=False, timeout=_WITHIN):
            fact = _fact(json.loads(message.body))
            found.setdefault(fact.id, fact)
    return list(found.values())


async def gather_history(broker: str, topology: Topology, expected: Collection[str]) -> set[str]:
    """The ids of the events that stand in the history; read until all that are expected were seen, or to its end."""
    found, wanted = set[str](), set(expected)
    box: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    async with _overheard(broker) as channel:
        queue = await channel.get_queue(topology.history, ensure=False)
        await queue.consume(box.put, arguments={"x-stream-offset": "first"})
        with suppress(TimeoutError):
            while not found >= wanted:
                async with asyncio.timeout(_END_OF_HISTORY):
                    entry = await box.get()
                found.update(_fact(json.loads(body)).id for body in history.events_of(entry.type, entry.body))
                await entry.ack()
    return found


async def gather_outside(evidence: Evidence, sandbox: Sandbox, tenants: Sequence[Tenant]) -> None:
    """The other side's books."""
    for tenant in tenants:
        evidence.pages |= {account: page for page, account in tenant.accounts.items()}
        for page in tenant.pages:
            evidence.posts.update(f"{each['text']} @ {page}" for each in await sandbox.posts(page))
        evidence.replies.update(each["text"] for each in await sandbox.messages(tenant.number))
    evidence.mails.update(str(each["message_id"]) for each in await sandbox.mails())
    for kind in AT_STRIPE:
        evidence.stripe[kind] = await sandbox.at_stripe(kind)


async def gather_conversations(tenants: Sequence[Tenant]) -> dict[str, list[str]]:
    """What each contact wrote, as an agent sees it."""
    found: dict[str, list[str]] = {}
    for tenant in tenants:
        listed = await tenant.owner.ask("GET", "/v1/conversations?limit=50", {200})
        for each in listed.json()["items"] if listed else []:
            found[each["id"]] = await _texts(tenant, each["id"])
    return found


async def _texts(tenant: Tenant, conversation: str) -> list[str]:
    path, texts, cursor = f"/v1/conversations/{conversation}/messages?limit=100", list[str](), ""
    while True:
        answer = await tenant.owner.ask("GET", path + cursor, {200})
        if answer is None:
            return texts
        page = answer.json()
        texts = [each["text"] for each in page["items"] if each["direction"] == "in"] + texts
        if page["older_cursor"] is None:
            return texts
        cursor = f"&cursor={page['older_cursor']}"


def _fact(event: Mapping[str, Any]) -> Fact:
    time = datetime.fromisoformat(event["time"]).timestamp()
    version = event.get("version", 1)
    return Fact(event["id"], event["type"], event["subject"], event.get("organization", ""), time, version)
