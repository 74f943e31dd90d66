"""A process of billing's that dies at a step: at a statement, or just before or after Stripe does something."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from billing.bootstrap import Selling, selling
from billing.stripe_api import Json, StripeApi
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.http.staff import StaffCaller
from kit.ids import new_id
from kit.seal import Keyring, LocalMasterKey
from kit.seal.sealer import Sealer
from kit.testing.mortal import Died, Mortal

from .shop import KEY, MASTER, Shop, settings

STAFF: Final = StaffCaller(new_id(), new_id(), "operator", frozenset(), 0)

Deed = Callable[[Selling], Awaitable[Any]]
"""What a process is to do, whichever it is; done again, it asks for the same under the same key."""


class MortalStripe(StripeApi):
    """The way to Stripe of a process that may die before a request leaves, or after it was answered."""

    def __init__(self, mortal: Mortal, url: str, version: str) -> None:
        super().__init__(KEY, url, version)
        self._mortal = mortal

    async def _ask(self, method: str, path: str, params: Json, key: str | None = None) -> Json:
        self._mortal.step()
        answer = await super()._ask(method, path, params, key)
        self._mortal.step()
        return answer


@dataclass(frozen=True)
class Process:
    """One that dies when it is told to, beside the shop's own, which lives."""

    shop: Shop
    mortal: Mortal
    made: Selling

    async def steps(self, deed: Deed) -> int:
        """Do it, and live; how many steps it takes."""
        self.mortal.live_for(None)
        await deed(self.made)
        return self.mortal.steps

    async def die(self, at: int, deed: Deed) -> None:
        """Die at a step; somebody else finds what was under way after a while."""
        self.mortal.live_for(at)
        with suppress(Died):
            await deed(self.made)
        await self.shop.delivering.lapse()

    async def recover(self, *seconds: float, told_first: bool = False) -> None:
        """Let time pass, in which other workers come by; Stripe's events come before them, or after."""
        if told_first:
            await self.shop.deliver(await self.shop.events())
            await self.shop.reduce()
        for each in seconds or (31, 301, 301):
            await self.shop.delivering.forward(seconds=each)
            await self.shop.delivering.work()
        await self.shop.follow()


@asynccontextmanager
async def mortal_process(shop: Shop) -> AsyncIterator[Process]:
    """One for as long as the block lasts."""
    mortal = await Mortal.open(shop.place.url("billing"), name="mortal", pool_size=4, acquire_within=20)
    assert isinstance(mortal, Mortal)
    told = settings(str(shop.stripe.base_url).rstrip("/"))
    stripe = MortalStripe(mortal, told.stripe_url, told.stripe_api_version)
    keyring = Keyring(mortal, LocalMasterKey(Sealer.from_text(MASTER)))
    try:
        yield Process(shop, mortal, selling(told, mortal, keyring, stripe))
    finally:
        mortal.live_for(None)
        await stripe.close()
        await mortal.close()


def owner_of(organization_id: UUID) -> MemberCaller:
    """Somebody who may do everything in it."""
    return MemberCaller(new_id(), new_id(), organization_id, "owner", 0)


def keyed(key: object) -> Idempotency:
    """The key of a request that is sent until it is answered."""
    return Idempotency("somebody", str(key), "POST", b"")
