"""Renewing tokens before they end, once for each version of them, whoever asks."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.db.database import Transaction
from kit.ids import new_id
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Entry, Look, NotFound, Receipt, Refused, Settled, Status
from postrules.limits import Platform as PlatformName
from publisher.accounts.events import tell_health
from publisher.accounts.model import Account, AccountState, judged_at, renew_at
from publisher.accounts.repository import AccountRepository, SealedTokens
from publisher.accounts.sealing import AccountSeal, good_until
from publisher.platforms.base import Platform

KIND: Final = "publisher.token_refresh"
TIMING: Final = Timing(
    call_within=15.0,
    looks_after=(1.0, 2.0),
    absent_after=1.0,
    unconfirmed_after=86_400.0,
    backoff_first=5.0,
    backoff_longest=900.0,
    give_up_after=30 * 86_400.0,
)


@dataclass(frozen=True, slots=True)
class Renewal:
    """What is needed to renew the tokens of one account; the refresh token is sealed."""

    platform: PlatformName
    account_id: UUID
    external_id: bytes
    refresh_token: bytes


@dataclass(frozen=True, slots=True)
class TokenRenewal:
    """The kind `publisher.token_refresh`: its subject is one version of an account's tokens, so each has one."""

    platforms: Mapping[PlatformName, Platform]
    seal: AccountSeal
    ledger: Callable[[], Ledger]

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Renewal]:
        """The refresh tokens; a version that was replaced, or an account that is not connected, is withdrawn."""
        by_tokens = {entry.subject_id: entry for entry in entries}
        rows = await AccountRepository(tx).sealed_tokens(by_tokens)
        return {
            by_tokens[row["tokens_id"]].id: Renewal(
                PlatformName(row["platform"]), row["id"], row["external_sealed"], row["refresh_token"]
            )
            for row in rows
        }

    async def call(self, entry: Entry, work: Renewal) -> Receipt:
        """Ask for new tokens and seal them.

        Raises:
            Refused, NotAccepted: as the platform says.
        """
        organization_id = owner_of(entry)
        external_id, refresh_token = await self.seal.open(
            organization_id,
            work.account_id,
            {"external_sealed": work.external_id, "refresh_token": work.refresh_token},
        )
        if external_id is None or refresh_token is None:
            raise Refused("The permission cannot be read any more; connect the account again.", code="unreadable")
        tokens = await self.platforms[work.platform].renew(refresh_token, external_id)
        sealed = await self.seal.seal_tokens(organization_id, work.account_id, tokens)
        return Receipt(said="renewed", result=sealed)

    async def look(self, entry: Entry, work: Renewal) -> Look:
        """There is nothing to look for: tokens that were made and not received harm nobody, and it is done again."""
        return NotFound(f"attempt {entry.attempt} is forgotten" if work else "")

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep the new tokens and let the account's lane go, or say that a person must reconnect."""
        for each in settled:
            if each.status in (Status.DONE, Status.REFUSED, Status.UNCONFIRMED):
                await self._record(tx, each)

    async def _record(self, tx: Transaction, settled: Settled) -> None:
        accounts = AccountRepository(tx, settled.entry.organization_id)
        account = await accounts.lock_by_tokens(settled.entry.subject_id)
        if account is None or account.state is not AccountState.CONNECTED:
            return
        if settled.status is Status.DONE and isinstance(settled.result, SealedTokens):
            await self._renewed(tx, account, settled.result, settled.at)
        else:
            await ended(tx, self.ledger(), account, settled.reason, settled.at)

    async def _renewed(self, tx: Transaction, account: Account, tokens: SealedTokens, now: datetime) -> None:
        until = good_until(tokens) if tokens.refresh_token else account.good_until
        following = replace(account, tokens_id=new_id())
        renewed = await AccountRepository(tx, account.organization_id).renew(
            following, tokens, until, judged_at(now, until)
        )
        await plan_renewal(tx, self.ledger(), renewed, now)
        await self.ledger().release(tx, account.organization_id, account.lane.key)
        await tell_health(tx, renewed, now)


async def plan_renewal(tx: Transaction, ledger: Ledger, account: Account, now: datetime) -> None:
    """Have these tokens renewed at 50 to 70 % of their life; what the platform does not renew is not planned."""
    if account.renewable and account.access_expires_at is not None:
        due_at = renew_at(now, account.access_expires_at, random.random())
        await ledger.add(tx, Effect(KIND, account.renewal_lane, account.tokens_id, due_at))


async def ended(tx: Transaction, ledger: Ledger, account: Account, reason: str, now: datetime) -> None:
    """The permission has ended: nothing leaves for this account until a person has connected it again."""
    changed = await AccountRepository(tx, account.organization_id).set_state(
        account, AccountState.RECONNECT_NEEDED, reason
    )
    await ledger.hold(tx, account.organization_id, account.lane.key, reason)
    await tell_health(tx, changed, now)


async def urge_renewal(
    tx: Transaction, ledger: Ledger, organization_id: UUID, account_id: UUID, *, called_at: datetime, now: datetime
) -> None:
    """The platform refused the tokens of a call that began at `called_at`: renew them at once, whoever else asks.

    Tokens that came after that call began are not to blame: what was held because of the older ones may leave. The
    ledger's row is taken before the account's, in the order in which a renewal is recorded.
    """
    accounts = AccountRepository(tx, organization_id)
    tokens = await accounts.tokens_of([account_id])
    urged = await ledger.reschedule(tx, KIND, dict.fromkeys(tokens.values(), now))
    account = await accounts.lock(account_id)
    if account.tokens_id != tokens[account_id] or account.tokens_at > called_at:
        if account.state is AccountState.CONNECTED:
            await ledger.release(tx, organization_id, account.lane.key)
        return
    if urged or account.state is not AccountState.CONNECTED:
        return
    states = await ledger.states(tx, KIND, [account.tokens_id])
    under_way = account.tokens_id in states and states[account.tokens_id].status in (Status.CALLING, Status.UNKNOWN)
    if not under_way:
        await ended(tx, ledger, account, "The platform does not accept the permission any more.", now)


def owner_of(entry: Entry) -> UUID:
    """Whose effect this is.

    Raises:
        LookupError: it is the platform's own; those of this service never are.
    """
    if entry.organization_id is None:
        raise LookupError("the effect has no organization")
    return entry.organization_id
