"""Before it is started: how long it takes, what it costs, whom it will not reach, and what stands against it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import Field

from inbox.allowances.model import MESSAGES, QUOTA
from inbox.broadcasts.facts import totals
from inbox.broadcasts.model import Broadcast, Stand
from inbox.broadcasts.permission import forbidden
from inbox.broadcasts.prices import CARD, CATEGORIES, Category
from inbox.broadcasts.recipients.repository import RecipientRepository
from inbox.broadcasts.repository import BroadcastRepository
from inbox.broadcasts.senders.repository import SenderRepository
from inbox.channels.model import pace_of
from inbox.templates.model import Template
from inbox.templates.repository import TemplateRepository
from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.http.models import Out

DAY: Final = timedelta(hours=24)
_PAGE: Final = 2000
_ASKED: Final = 100_000
_CATEGORIES: Final[Mapping[str, Category]] = {each.upper(): each for each in CATEGORIES}


class CostOut(Out):
    """What the messages to one country cost; null where the price is not known."""

    country: str = Field(description="Two letters; empty where nobody knows.")
    category: Category
    market: str = Field(description="The market of the rate card that it is in; empty where nobody knows.")
    recipients: int
    each_micros: int | None = Field(description="Millionths of the currency for one.")
    total_micros: int | None


class TemplateStandOut(Out):
    """How one of its templates stands."""

    id: UUID
    status: str
    quality: str
    sendable: bool


class TierOut(Out):
    """How many people may be written to first within 24 hours, over all numbers of the portfolio."""

    daily_limit: int | None = Field(description="Null: not known, or none.")
    used: int
    left: int | None
    days: int = Field(description="How many days it takes to write to all by that.")


class PreflightOut(Out):
    """What is to be known before a broadcast is started."""

    prepared: bool
    recipients: int
    zone: str = Field(description="Where those are taken to be of whom no zone is known.")
    zone_unknown: int = Field(description="How many of the recipients those are.")
    without_consent: int = Field(description="Who would be passed over just now; of the first 100,000.")
    costs: list[CostOut]
    cost_micros: int = Field(description="Of all whose price is known, in millionths of the currency.")
    unpriced: int = Field(description="Recipients whose price is not known: it is not in the sum.")
    currency: str
    prices_as_of: date
    prices_from: str
    pace: float = Field(description="Messages per second that leave from this number just now.")
    quality: str
    seconds: int
    finishes_at: datetime = Field(description="If it began now.")
    tier: TierOut
    templates: list[TemplateStandOut]
    allowed: int | None = Field(description="Messages that the plan still includes; null: any number.")
    obstacles: list[str] = Field(
        description="Codes of what stands against it: not-prepared, nobody, template-stopped, quota, channel-gone."
    )


@dataclass(frozen=True, slots=True)
class Preflight:
    """Looks at everything once, in one snapshot."""

    database: Database

    async def look(self, caller: MemberCaller, broadcast_id: UUID) -> PreflightOut:
        """How it would go."""
        now = self.database.clock.now()
        async with self.database.snapshot(caller.organization_id) as tx:
            broadcasts = BroadcastRepository(tx)
            broadcast = await broadcasts.find(broadcast_id)
            waiting = totals(await broadcasts.counts([broadcast.id])).get(Stand.WAITING, 0)
            sender = await SenderRepository(tx).find(broadcast.channel_id)
            templates = [
                await TemplateRepository(tx).find(each.template_id)
                for each in broadcast.variants
                if each.template_id is not None
            ]
            costs = await _costs(tx, broadcast, templates)
            barred = 0 if sender is None else await _barred(tx, broadcast, sender["kind"])
            unplaced = await RecipientRepository(tx).unplaced(broadcast.id)
            tier = await _tier(tx, sender, waiting - barred)
            use = await QUOTA.use(tx, MESSAGES)
        allowed = None if use.allowed is None else max(0, use.allowed - use.used - use.reserved)
        pace = 1.0 if sender is None else pace_of(sender["rate"], sender["brake"])
        seconds = math.ceil((waiting - barred) / pace) + (tier.days - 1) * int(DAY.total_seconds())
        obstacles = {
            "not-prepared": not broadcast.prepared,
            "nobody": broadcast.prepared and not waiting,
            "template-stopped": any(not each.sendable for each in templates),
            "quota": allowed is not None and waiting > allowed,
            "channel-gone": sender is None or sender["state"] != "connected",
        }
        return PreflightOut(
            prepared=broadcast.prepared,
            recipients=waiting,
            zone=broadcast.zone,
            zone_unknown=unplaced,
            without_consent=barred,
            costs=costs,
            cost_micros=sum(each.total_micros or 0 for each in costs),
            unpriced=sum(each.recipients for each in costs if each.each_micros is None),
            currency=CARD.currency,
            prices_as_of=CARD.effective,
            prices_from=CARD.source,
            pace=pace,
            quality="UNKNOWN" if sender is None else sender["quality"],
            seconds=seconds,
            finishes_at=now + timedelta(seconds=seconds),
            tier=tier,
            templates=[
                TemplateStandOut(id=each.id, status=each.status, quality=each.quality, sendable=each.sendable)
                for each in templates
            ],
            allowed=allowed,
            obstacles=[code for code, stands in obstacles.items() if stands],
        )


async def _costs(tx: Transaction, broadcast: Broadcast, templates: Sequence[Template]) -> list[CostOut]:
    """By country and category; a text has no price here."""
    category = {each.id: _CATEGORIES[each.category] for each in templates if each.category in _CATEGORIES}
    counted: dict[tuple[str, Category], int] = {}
    for row in await RecipientRepository(tx).countries(broadcast.id):
        template_id = broadcast.variants[row["variant"]].template_id
        if template_id in category:
            key = (row["country"], category[template_id])
            counted[key] = counted.get(key, 0) + row["n"]
    return [_cost(country, kind, number) for (country, kind), number in sorted(counted.items())]


def _cost(country: str, category: Category, recipients: int) -> CostOut:
    each = CARD.micros(country, category)
    return CostOut(
        country=country,
        category=category,
        market=CARD.market_of(country),
        recipients=recipients,
        each_micros=each,
        total_micros=None if each is None else each * recipients,
    )


async def _barred(tx: Transaction, broadcast: Broadcast, kind: str) -> int:
    """How many of those who wait do not want it, or never agreed."""
    found, after, asked = 0, None, 0
    while asked < _ASKED:
        rows = await RecipientRepository(tx).page(broadcast.id, after, _PAGE, states=[Stand.WAITING])
        found += len(await forbidden(tx, kind, [row["contact_id"] for row in rows], broadcast.purpose))
        if len(rows) < _PAGE:
            break
        after, asked = rows[-1]["id"], asked + len(rows)
    return found


async def _tier(tx: Transaction, sender: Row | None, recipients: int) -> TierOut:
    if sender is None:
        return TierOut(daily_limit=None, used=0, left=None, days=1)
    used, _ = await SenderRepository(tx).used(sender["portfolio"], DAY)
    limit: int | None = sender["daily_limit"]
    left = None if limit is None else max(0, limit - used)
    beyond = 0 if left is None else max(0, recipients - left)
    return TierOut(daily_limit=limit, used=used, left=left, days=1 + (0 if not limit else math.ceil(beyond / limit)))
