"""A channel is connected only when its token reads our end of it: the calls, and what they make."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from contracts.inbox import ChannelConnected
from inbox.broadcasts.senders.repository import SenderRepository
from inbox.channels.base import Account, Platforms, Wish
from inbox.channels.model import Check, cause_of, lane_of, media_lane_of, rate_of
from inbox.channels.repository import ChannelRepository
from inbox.messages.content import TOKEN
from inbox.tenants import by_organization
from kit.audit import User, audited
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import (
    Entry,
    Lane,
    Look,
    NotAccepted,
    NotFound,
    Parked,
    Receipt,
    Refused,
    Settled,
    Status,
    Unanswered,
)
from kit.seal import Keyring

CHECK: Final = "inbox.channel_check"
_TIMING: Final = Timing(
    call_within=15.0, looks_after=(0.5, 1.0), absent_after=1.0, give_up_after=300.0, unconfirmed_after=600.0
)


@dataclass(frozen=True, slots=True)
class Checking:
    """What one check takes."""

    check: Check
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CheckKind:
    """`inbox.channel_check`: read a number and its account, which changes nothing, and connect it when that worked.

    What the platform tells of an account goes to the one organization that has its numbers: whoever could name the
    account of another would cut that one off.
    """

    platforms: Platforms
    keyring: Keyring
    ledger: Callable[[], Ledger]
    name: str = CHECK
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Checking]:
        """The number and the token of each check."""
        works: dict[UUID, Checking] = {}
        for organization_id, check, sealed in await ChannelRepository(tx).checks(
            [each.subject_id for each in entries]
        ):
            token = await self.keyring.open(organization_id, sealed, TOKEN)
            works |= {each.id: Checking(check, token.decode()) for each in entries if each.subject_id == check.id}
        return works

    async def call(self, entry: Entry, work: Checking) -> Receipt:
        """Read number and account. A token that is refused is refused for good here: somebody has just typed it."""
        platform, check = self.platforms[work.check.kind], work.check
        try:
            account = await platform.account(Wish(check.phone_number_id, check.waba_id), work.token, entry.attempt)
        except Parked as trouble:
            raise Refused(trouble.reason, code=trouble.code, said=trouble.said) from trouble
        except Unanswered as trouble:
            raise NotAccepted(str(trouble), code=trouble.code, said=trouble.said) from trouble
        return Receipt(result=(account, work.token))

    async def look(self, entry: Entry, work: Checking) -> Look:
        """A check that was interrupted is made again."""
        _ = entry, work
        return NotFound()

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Connect the number, or say why not."""
        async for _, own in by_organization(tx, settled):
            for each in own:
                await self._record(tx, each)

    async def _record(self, tx: Transaction, settled: Settled) -> None:
        channels, check_id = ChannelRepository(tx), settled.entry.subject_id
        if settled.status is Status.DONE:
            account, token = settled.result
            await self._connect(tx, await channels.check(check_id), account, token)
        elif settled.status in (Status.REFUSED, Status.UNCONFIRMED):
            await channels.end_check(check_id, "refused", settled.reason, None)

    async def _connect(self, tx: Transaction, check: Check, account: Account, token: str) -> None:
        channels, organization_id = ChannelRepository(tx), tx.organization_id
        sealed = await self.keyring.seal(organization_id, token.encode(), TOKEN)
        usual = self.platforms[check.kind].capabilities.rate
        rate = rate_of(check.rate, account.standing.rate, usual)
        channel = await channels.connect(replace(check, rate=rate), sealed, account.name, account.display)
        if channel is None:
            await channels.end_check(check.id, "taken", "", None)
            return
        await SenderRepository(tx).stand(channel.id, account.standing)
        await channels.end_check(check.id, "connected", "", channel.id)
        ledger = self.ledger()
        await ledger.set_rate(tx, Lane(organization_id, lane_of(channel.id, channel.kind), channel.pace))
        await ledger.lift(tx, organization_id, cause_of(channel.id))
        await ledger.release(tx, organization_id, lane_of(channel.id, channel.kind))
        await ledger.release(tx, organization_id, media_lane_of(channel.id, channel.kind))
        await tx.emit(
            ChannelConnected(
                organization_id=organization_id, version=channel.version, channel_id=channel.id, kind=channel.kind
            ),
            audited("inbox.channel.connected", User(check.asked_by), "channel", channel.id, kind=channel.kind),
        )
