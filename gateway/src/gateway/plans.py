"""On which plan each organization is: heard over the broker, asked of billing, kept in this process."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from pydantic import BaseModel, ConfigDict

from contracts.billing import EntitlementsChanged
from contracts.names import PlanName

log = structlog.get_logger(__name__)

LARGEST_PAGE = 4 * 1024 * 1024


class PlanOf(BaseModel):
    """The plan of one organization; `version` rises with every change of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    organization_id: UUID
    plan: PlanName
    version: int


class Page(BaseModel):
    """A part of what billing knows; `next` is the id after which to ask on, or nothing at the end."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    plans: list[PlanOf]
    next: UUID | None = None


class Plans:
    """What this process knows. An organization takes some 250 bytes, names of plans are kept once."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[int, str]] = {}
        self._names: dict[str, str] = {}

    def of(self, organization: str) -> str:
        """The name of an organization's plan; empty when nobody has told us yet."""
        held = self._held.get(organization)
        return held[1] if held is not None else ""

    def note(self, told: PlanOf) -> None:
        """Remember, unless something newer is known."""
        organization = str(told.organization_id)
        held = self._held.get(organization)
        if held is None or told.version > held[0]:
            self._held[organization] = (told.version, self._names.setdefault(told.plan, told.plan))

    def __len__(self) -> int:
        return len(self._held)


class PlanWatch:
    """Brings plans in: from the event at once, and from billing at the start, after each gap, and now and then.

    While billing does not answer, what is known stays; who is not known has the lowest tier.
    """

    def __init__(
        self,
        plans: Plans,
        ask: Callable[[str], Awaitable[bytes]],
        *,
        every: float = 600.0,
        again: tuple[float, float] = (0.5, 30.0),
    ) -> None:
        self._plans = plans
        self._ask = ask
        self._every = every
        self._again = again
        self._missed = asyncio.Event()
        self.complete = False

    async def hear(self, event: EntitlementsChanged) -> None:
        """Take a change from the broker."""
        if event.organization_id is None:
            return
        self._plans.note(PlanOf(organization_id=event.organization_id, plan=event.plan, version=event.version))

    def missed(self) -> None:
        """Events may have been missed: ask billing soon."""
        self._missed.set()

    async def synchronise(self) -> bool:
        """Ask billing for everything, page by page; says whether it told all."""
        after = UUID(int=0)
        try:
            while True:
                page = Page.model_validate_json(await self._ask(f"/internal/plans?after={after}"))
                for told in page.plans:
                    self._plans.note(told)
                if page.next is None or page.next <= after:
                    break
                after = page.next
                await asyncio.sleep(0)
        except Exception as trouble:  # noqa: BLE001 - billing may be away; we go on with what we know and ask again
            log.warning("plans.not_asked", error=type(trouble).__name__)
            return False
        self.complete = True
        return True

    async def run(self) -> None:
        """Ask for ever."""
        first, longest = self._again
        pause = first
        while True:
            self._missed.clear()
            told = await self.synchronise()
            pause = first if told else min(pause * 2, longest)
            try:
                async with asyncio.timeout(self._every if told else pause):
                    await self._missed.wait()
            except TimeoutError:
                pass
