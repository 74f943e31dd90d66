"""The kind `publisher.code_exchange`: a code becomes tokens, and tokens become connected accounts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from kit.audit import User, audited
from kit.db.database import Database, Transaction
from kit.errors import TransientError
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
from publisher.accounts.repository import AccountRepository, SealedIdentity, SealedTokens
from publisher.accounts.sealing import AccountSeal, good_until
from publisher.allowances.counting import room_for_accounts
from publisher.budgets.repository import BudgetRepository
from publisher.connections.model import Brought, code_place
from publisher.connections.repository import ConnectionRepository
from publisher.notifications.service import NotificationService
from publisher.platforms.base import Identity, Platform, Tokens
from publisher.stops.service import hold_stopped

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
    """An account that the tokens open, with what names it and the tokens sealed for it."""

    account_id: UUID
    platform: PlatformName
    kind: AccountKind
    user_id: UUID
    scopes: tuple[str, ...]
    identity: SealedIdentity
    tokens: SealedTokens
    grantor: bytes | None


@dataclass(frozen=True, slots=True)
class CodeExchange:
    """Exchanges a code once. It is never repeated: a code is good once, and the person can simply begin again."""

    database: Database
    platforms: Mapping[PlatformName, Platform]
    seal: AccountSeal
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
        brought = Brought.unpacked(code)
        tokens = await platform.exchange(brought.code, brought.verifier)
        identities = await platform.identities(work.kind, tokens)
        try:
            opened = await self._sealed(organization_id, work, tokens, identities)
        except (KeyShredded, TransientError) as trouble:
            raise Refused(
                "The permission could not be kept; connect the account again.", code="connect-again"
            ) from trouble
        return Receipt(said=f"{len(opened)} accounts", result=opened)

    async def _sealed(
        self, organization_id: UUID, work: Exchange, tokens: Tokens, identities: Sequence[Identity]
    ) -> tuple[Opened, ...]:
        """What is to be kept, under the key of the account that is known already, or of a new one."""
        blinds = [
            await self.seal.blind(organization_id, each.kind, work.platform, each.external_id) for each in identities
        ]
        async with self.database.transaction(organization_id) as tx:
            known = await AccountRepository(tx).by_blinds(work.platform, blinds)
        ids = [known.get(blind) or new_id() for blind in blinds]
        await self.seal.prepare(organization_id, ids)
        opened = []
        for account_id, identity, blind in zip(ids, identities, blinds, strict=True):
            opened.append(
                Opened(
                    account_id,
                    work.platform,
                    identity.kind,
                    work.user_id,
                    tokens.scopes,
                    await self.seal.seal_identity(organization_id, account_id, blind, identity),
                    await self.seal.seal_tokens(organization_id, account_id, identity.tokens or tokens),
                    await self.seal.blind_of_grantor(work.platform, identity.grantor),
                )
            )
        return tuple(opened)

    async def look(self, entry: Entry, work: Exchange) -> Look:
        """Nobody can see whether a code was exchanged; the person connects again."""
        return NotFound(f"attempt {entry.attempt} at {work.platform} is not looked for")

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep the accounts, forget the code; of a consent that is not there any more nothing is kept."""
        for each in settled:
            if each.status in (Status.UNKNOWN, Status.PENDING):
                continue
            if await ConnectionRepository(tx).lock(each.entry.subject_id):
                opened: tuple[Opened, ...] = each.result or ()
                admitted = await _admitted(tx, owner_of(each.entry), opened)
                connected = [await self._connect(tx, owner_of(each.entry), one, each) for one in admitted]
                await ConnectionRepository(tx).finish(
                    each.entry.subject_id, [one for one in connected if one], refused=len(opened) - len(admitted)
                )

    async def _connect(self, tx: Transaction, organization_id: UUID, opened: Opened, settled: Settled) -> UUID | None:
        """The account that is connected now; somebody else's, if theirs came first, and none if it was forgotten."""
        accounts, ledger = AccountRepository(tx, organization_id), self.ledger()
        known = await accounts.tokens_of([opened.account_id])
        await ledger.cancel(tx, renewing.KIND, known.values())
        until = good_until(opened.tokens)
        account = await accounts.save(
            _new(organization_id, opened, settled), opened.tokens, judged_at(settled.at, until), opened.grantor
        )
        if account is None:
            blind = opened.identity.blind
            return (await accounts.by_blinds(opened.platform, [blind])).get(blind)
        await renewing.plan_renewal(tx, ledger, account, settled.at)
        await ledger.set_rate(tx, account.lane)
        await ledger.release(tx, organization_id, account.lane.key)
        await hold_stopped(tx, ledger, account)
        await BudgetRepository(tx, organization_id).want([account.id], timedelta(0))
        await self.notifications.begin(tx, account)
        await tell_connected(tx, account)
        await tx.emit(
            audited(
                "publisher.account.connected",
                User(account.connected_by),
                "account",
                account.id,
                organization_id=organization_id,
                platform=account.platform,
                kind=account.kind,
            )
        )
        return account.id


async def _admitted(tx: Transaction, organization_id: UUID, opened: Sequence[Opened]) -> list[Opened]:
    """Those that the plan has room for; what is connected already may always be connected anew."""
    if not opened:
        return []
    room = await room_for_accounts(tx, organization_id)
    standing = await AccountRepository(tx, organization_id).standing([one.account_id for one in opened])
    new = [one for one in opened if one.account_id not in standing]
    kept = standing | {one.account_id for one in (new if room is None else new[:room])}
    return [one for one in opened if one.account_id in kept]


def _new(organization_id: UUID, opened: Opened, settled: Settled) -> Account:
    """The account as it is when it was never connected before."""
    now = settled.at
    return Account(
        id=opened.account_id,
        organization_id=organization_id,
        platform=opened.platform,
        kind=opened.kind,
        external_blind=opened.identity.blind,
        external_sealed=opened.identity.external_id,
        name_sealed=opened.identity.name,
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
