"""What platforms tell becomes rows: one way for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from uuid import UUID

from inbox.allowances.counting import account_for
from inbox.channels.base import Platform, Preference, Report, Said, Seen
from inbox.channels.model import Place
from inbox.channels.repository import ChannelRepository
from inbox.consent.recording import Recorder
from inbox.contacts.blind import Blind, blind_of
from inbox.messages.receiving import Receiving
from inbox.messages.reporting import Reporting
from kit.db.database import Transaction
from kit.intake.model import Applied, Quarantined, Received, Verdict

Told = Said | Report | Seen | Preference | Quarantined
Read = Callable[[Received], Told]
"""What an item says, in our words; quarantined when nobody knows."""

_UNKNOWN: Final = Quarantined("a report of a status that nobody knows")
_NOBODY: Final = Quarantined("a preference of somebody nobody knows")
_NOT_HERE: Final = Quarantined("the number is not connected any more")


@dataclass(frozen=True, slots=True)
class Applying:
    """Applies items of one platform in order; messages of one channel beside each other go together."""

    platform: Platform
    receiving: Receiving
    reporting: Reporting

    async def apply(self, tx: Transaction, items: Sequence[Received], read: Read) -> list[Verdict]:
        """One verdict for each item."""
        blind = await blind_of(self.receiving.sealing.keyring, tx.organization_id)
        channels = await ChannelRepository(tx).of_numbers({each.item.tenant for each in items})
        verdicts: list[Verdict] = []
        used: dict[UUID, int] = {}
        told = ((each, read(each)) for each in items)
        for (tenant, sort), run in groupby(told, key=lambda pair: (pair[0].item.tenant, type(pair[1]))):
            several, channel_id = list(run), channels.get((self.platform.kind, tenant))
            if sort is Quarantined:
                verdicts += [each for _, each in several if isinstance(each, Quarantined)]
            elif channel_id is None:
                verdicts += [_NOT_HERE for _ in several]
            else:
                verdicts += await self._apply(tx, blind, Place(channel_id, self.platform), several, used)
        await account_for(tx, used)
        return verdicts

    async def _apply(
        self,
        tx: Transaction,
        blind: Blind,
        place: Place,
        several: Sequence[tuple[Received, Told]],
        used: dict[UUID, int],
    ) -> list[Verdict]:
        said = [(each, received.received_at) for received, each in several if isinstance(each, Said)]
        if said:
            usable = [(each, at) for each, at in said if not each.unusable]
            if usable:
                await self.receiving.apply(tx, blind, place, usable)
            return [Quarantined(each.unusable) if each.unusable else Applied() for each, _ in said]
        reports = [(each, each.time or got.received_at) for got, each in several if isinstance(each, Report)]
        if reports:
            known = await self.reporting.apply(tx, blind, place, reports, used)
            return [Applied() if each else _UNKNOWN for each in known]
        wanted = [(each, each.time or got.received_at) for got, each in several if isinstance(each, Preference)]
        if wanted:
            recorder = Recorder(self.receiving.sealing.keyring)
            found = await recorder.preferences(tx, blind, self.platform.kind, wanted)
            return [Applied() if each else _NOBODY for each in found]
        await self.reporting.seen(tx, blind, place, [each for _, each in several if isinstance(each, Seen)])
        return [Applied() for _ in several]
