"""The kind `publisher.code_exchange`: a code becomes tokens, and tokens become connected accounts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kit.db.database import Transaction
from kit.ids import new_id
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Entry, Look, NotFound, Receipt, Refused, Settled, Status
from kit.seal import KeyShredded, SealBroken
from postrules.limits import Platform as PlatformName
from publisher.accounts import renewing
from publisher.accounts.events import tell_connected
from publisher.accounts.model import Account, AccountKind, AccountState, Health, judged_at
from publisher.accounts.renewing import owner_of
from publisher.accounts.repository import AccountRepository, SealedTokens
from publisher.accounts.sealing import TokenSeal, good_until
from publisher.connections.model import code_place
from publisher.connections.repository import ConnectionRepository
from publisher.notifications.service import NotificationService
from publisher.platforms.base import Identity, Platform

KIND: Final = "publisher.code_exchange"
TIMING: Final = Timing(call_within=50.0, looks_after=(30.0,), absent_after=None, unconfirmed_after=60.0)
_NOT_READABLE: Final = "The permission cannot be read any more; connect the account again."


@dataclass(frozen=True, slots=True)
class Exchange:
    """A sealed code, and whose consent it stands for."""

    platform: PlatformName
    kind: AccountKind
    user_id: UUID
    code: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """An account that the tokens open, and the tokens sealed for it."""

    platform: PlatformName
    user_id: UUID
    scopes: tuple[str, ...]
    identity: Identity
    tokens: SealedTokens


@dataclass(frozen=True, slots=True)
class CodeExchange:
    """Exchanges a code once. It is never repeated: a code is good once, and the person can simply begin again."""

    platforms: Mapping[PlatformName, Platform]
    seal: TokenSeal
    ledger: Callable[[], Ledger]
    notifications: NotificationService

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Exchange]:
        """The codes; one that was forgotten is withdrawn."""
        rows = await ConnectionRepository(tx).codes([entry.subject_id for entry in entries])
        found = {
            row["id"]: Exchange(PlatformName(row["platform"]), AccountKind(row["kind"]), row["user_id"], row["code"])
            for row in rows
        }
        return {entry.id: found[entry.subject_id] for entry in entries if entry.subject_id in found}

    async def call(self, entry: Entry, work: Exchange) -> Receipt:
        """Exchange the code, see whose accounts the tokens open, and seal the tokens for each.

        Raises:
            Refused: whatever went wrong, the person begins again.
        """
        organization_id, platform = owner_of(entry), self.platforms[work.platform]
        try:
            code = await self.seal.keyring.open(organization_id, work.code, code_place(entry.subject_id))
        except (SealBroken, KeyShredded) as trouble:
            raise Refused(_NOT_READABLE, code="unreadable") from trouble
        tokens = await platform.exchange(code.decode())
        opened = []
        for identity in await platform.identities(work.kind, tokens):
            sealed = await self.seal.seal(organization_id, work.platform, identity.external_id, tokens)
            opened.append(Opened(work.platform, work.user_id, tokens.scopes, identity, sealed))
        return Receipt(said=f"{len(opened)} accounts", result=tuple(opened))

    async def look(self, entry: Entry, work: Exchange) -> Look:
        """Nobody can see whether a code was exchanged; the person connects again."""
        return NotFound(f"attempt {entry.attempt} at {work.platform} is not looked for")

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep the accounts, forget the code."""
        for each in settled:
            if each.status in (Status.UNKNOWN, Status.PENDING):
                continue
            opened: tuple[Opened, ...] = each.result or ()
            connected = [await self._connect(tx, owner_of(each.entry), one, each) for one in opened]
            await ConnectionRepository(tx).finish(each.entry.subject_id, connected)

    async def _connect(self, tx: Transaction, organization_id: UUID, opened: Opened, settled: Settled) -> UUID:
        accounts, ledger = AccountRepository(tx, organization_id), self.ledger()
        known = await accounts.tokens_by_external(opened.platform, [opened.identity.external_id])
        await ledger.cancel(tx, renewing.KIND, known)
        until = good_until(opened.tokens)
        account = await accounts.save(
            _new(organization_id, opened, settled), opened.tokens, judged_at(settled.at, until)
        )
        await renewing.plan_renewal(tx, ledger, account, settled.at)
        await ledger.set_rate(tx, account.lane)
        await ledger.release(tx, organization_id, account.lane.key)
        await self.notifications.begin(tx, account)
        await tell_connected(tx, account)
        return account.id


def _new(organization_id: UUID, opened: Opened, settled: Settled) -> Account:
    """The account as it is when it was never connected before."""
    now = settled.at
    return Account(
        id=new_id(),
        organization_id=organization_id,
        platform=opened.platform,
        kind=opened.identity.kind,
        external_id=opened.identity.external_id,
        name=opened.identity.name,
        scopes=opened.scopes,
        state=AccountState.CONNECTED,
        reason="",
        told=Health.CONNECTED,
        connected_by=opened.user_id,
        access_expires_at=opened.tokens.access_expires_at,
        renewable=opened.tokens.refresh_token is not None,
        tokens_id=new_id(),
        tokens_at=now,
        good_until=good_until(opened.tokens),
        version=1,
        created_at=now,
        changed_at=now,
    )
