"""Accounts and posts, written by the same repositories as the doors write them with, many in one commit."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from benchmarks.rush.setting import FILM, IMAGE
from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.ledger.model import Effect
from postrules.limits import Platform as Name
from publisher.accounts.model import Account, AccountState, Health, judged_at, lane_of
from publisher.accounts.repository import AccountRepository, SealedIdentity, SealedTokens
from publisher.accounts.sealing import good_until
from publisher.bootstrap import Publishing
from publisher.deliveries.model import KIND, Delivery
from publisher.deliveries.repository import DeliveryRepository
from publisher.platforms.base import Identity, Tokens
from publisher.posts.content import Content, MediaUse
from publisher.posts.model import Post, PostStatus
from publisher.posts.repository import PostRepository
from publisher.posts.when import When

PER_ORGANIZATION: Final = 10
_AT_ONCE: Final = 4
_CONTENTS: Final = {
    Name.INSTAGRAM: Content(media=(MediaUse(IMAGE),)),
    Name.YOUTUBE: Content(title="Cake", media=(MediaUse(FILM),)),
    Name.TIKTOK: Content(media=(MediaUse(FILM),), options={"privacy": "public"}),
}


@dataclass(frozen=True, slots=True)
class Connected:
    """An account that is there."""

    id: UUID
    organization_id: UUID
    platform: Name


async def connect(
    database: Database, made: Publishing, opened: Sequence[tuple[Name, Tokens, Identity]]
) -> list[Connected]:
    """Keep these accounts, ten in an organization, sealed each under a key of its own."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def some(them: Sequence[tuple[Name, Tokens, Identity]]) -> list[Connected]:
        async with gate:
            return await _connect(database, made, new_id(), them)

    parts = [opened[first : first + PER_ORGANIZATION] for first in range(0, len(opened), PER_ORGANIZATION)]
    return [each for found in await asyncio.gather(*map(some, parts)) for each in found]


async def _connect(
    database: Database, made: Publishing, organization_id: UUID, them: Sequence[tuple[Name, Tokens, Identity]]
) -> list[Connected]:
    seal, now = made.posts.sending.seal, database.clock.now()
    ids = [new_id() for _ in them]
    await seal.prepare(organization_id, ids)
    sealed: list[tuple[Account, SealedTokens, bytes | None]] = []
    for account_id, (name, tokens, identity) in zip(ids, them, strict=True):
        blind = await seal.blind(organization_id, identity.kind, name, identity.external_id)
        named = await seal.seal_identity(organization_id, account_id, blind, identity)
        kept = await seal.seal_tokens(organization_id, account_id, tokens)
        grantor = await seal.blind_of_grantor(name, identity.grantor)
        account = _account(Connected(account_id, organization_id, name), (tokens, identity), (named, kept), now)
        sealed.append((account, kept, grantor))
    async with database.transaction(organization_id) as tx:
        for account, kept, grantor in sealed:
            await AccountRepository(tx).save(account, kept, judged_at(now, account.good_until), grantor)
            await made.ledger.set_rate(tx, account.lane)
    return [Connected(account.id, organization_id, account.platform) for account, _, _ in sealed]


def _account(
    of: Connected, opened: tuple[Tokens, Identity], sealed: tuple[SealedIdentity, SealedTokens], now: datetime
) -> Account:
    (tokens, identity), (named, kept) = opened, sealed
    return Account(
        id=of.id,
        organization_id=of.organization_id,
        platform=of.platform,
        kind=identity.kind,
        external_blind=named.blind,
        external_sealed=named.external_id,
        name_sealed=named.name,
        scopes=tokens.scopes,
        state=AccountState.CONNECTED,
        reason="",
        told=Health.CONNECTED,
        connected_by=new_id(),
        access_expires_at=kept.access_expires_at,
        renewable=kept.refresh_token is not None,
        tokens_id=new_id(),
        tokens_at=now,
        good_until=good_until(kept),
        version=1,
        created_at=now,
        changed_at=now,
    )


def within(since: datetime, posts: int, spread: float) -> list[datetime]:
    """So many moments by chance, within `spread` seconds."""
    chance = Random(7)
    return [since + timedelta(seconds=chance.random() * spread) for _ in range(posts)]


async def schedule(
    database: Database,
    made: Publishing,
    accounts: Sequence[Connected],
    due: Sequence[datetime],
    first: int = 0,
) -> dict[UUID, str]:
    """A post for each of these moments, each to one account; their marks by delivery.

    No two say the same, as platforms refuse that: marks are numbers from `first` on.
    """
    marks = dict[UUID, str]()
    by_organization: dict[UUID, list[tuple[Connected, str, datetime]]] = {}
    for number, due_at in enumerate(due):
        account = accounts[number % len(accounts)]
        by_organization.setdefault(account.organization_id, []).append((account, f"mark{first + number:07d}", due_at))
    gate = asyncio.Semaphore(_AT_ONCE)

    async def some(organization_id: UUID, them: Sequence[tuple[Connected, str, datetime]]) -> None:
        async with gate, database.transaction(organization_id) as tx:
            marks.update(await _schedule(tx, made, them))

    await asyncio.gather(*(some(*each) for each in by_organization.items()))
    return marks


async def _schedule(
    tx: Transaction, made: Publishing, them: Sequence[tuple[Connected, str, datetime]]
) -> dict[UUID, str]:
    deliveries, effects, marks = list[Delivery](), list[Effect](), dict[UUID, str]()
    for account, mark, due_at in them:
        post = await PostRepository(tx).add(_post(account, mark, due_at))
        delivery = _delivery(post.id, account)
        lane = lane_of(account.organization_id, account.platform, account.id)
        deliveries.append(delivery)
        effects.append(Effect(KIND, lane, delivery.id, due_at))
        marks[delivery.id] = mark
    await DeliveryRepository(tx).add(deliveries)
    await made.ledger.add(tx, *effects)
    return marks


def _post(account: Connected, mark: str, due_at: datetime) -> Post:
    return Post(
        id=new_id(),
        organization_id=account.organization_id,
        text=f"Fresh bread {mark}",
        status=PostStatus.SCHEDULED,
        when=When(due_at, None),
        created_by=None,
        version=1,
        created_at=due_at,
        changed_at=due_at,
        content=_CONTENTS.get(account.platform, Content()),
    )


def _delivery(post_id: UUID, account: Connected) -> Delivery:
    return Delivery(
        id=new_id(),
        post_id=post_id,
        account_id=account.id,
        platform=account.platform,
        text=None,
        different=None,
        status=PostStatus.SCHEDULED,
        external_id=None,
        url=None,
        reason="",
        code="",
        published_at=None,
        resolved_by=None,
        version=1,
    )
