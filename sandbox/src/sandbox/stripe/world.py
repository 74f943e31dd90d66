"""The account: its settings, its objects, its time, and the events of what happens to them."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.stripe import ids
from sandbox.stripe.agenda import Agenda
from sandbox.stripe.kinds import Kind, Kinds
from sandbox.stripe.store import Doc, Record, Store, copied

VERSION: Final = "2026-08-26.dahlia"
CLOCK: Final = "test_helpers.test_clock"

Seconds = Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)]


class Break(BaseModel):
    """A fault at Stripe's end: calls fail with 500, after they took effect or before; the key replays the 500."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["POST", "DELETE", "GET"] = "POST"
    path: str = ""
    """The beginning of the path, as /v1/refunds."""
    effect: Literal["before", "after"] = "after"
    times: Annotated[int, Field(ge=1)] = 1


class Account(BaseModel):
    """How Stripe treats the account; what is not given is as at the start."""

    model_config = ConfigDict(extra="forbid")

    keys: list[str] = ["sk_test_sandbox"]
    expired_keys: list[str] = []
    api_version: str = VERSION
    per_second: Annotated[int, Field(ge=1)] | None = 100
    """Reads, and as many writes, in any second; null is no limit."""
    seconds_per_write: Seconds = 0.0
    """How long a POST or DELETE takes: so that calls can meet."""
    lock_seconds: Seconds = 2.0
    """How long a call waits for an object that another holds, before 429 lock_timeout."""
    idempotency_seconds: Annotated[int, Field(ge=1)] = 86_400
    """How long a key is remembered."""
    ahead_seconds: int = 0
    """How far Stripe's clock is ahead of the machine's, for those whose own clock was moved."""
    country: str = "DE"
    default_currency: str = "eur"
    retry_days: Annotated[list[Annotated[int, Field(ge=1, le=60)]], Field(max_length=8)] = [3, 5, 7]
    """Days to wait before each retry of a renewal that could not be collected."""
    after_retries: Literal["cancel", "unpaid", "past_due"] = "cancel"
    """What becomes of a subscription after the last of them."""
    settles_after_seconds: Seconds = 1.0
    """How long a pending refund, or one that fails, takes to end by itself."""
    breaks: Annotated[list[Break], Field(max_length=100)] = []


@dataclass(frozen=True, slots=True)
class Cause:
    """The request that an event comes from."""

    request: str | None = None
    idempotency_key: str | None = None


class World:
    """Everything that one account of Stripe's holds."""

    def __init__(self, address: str = "") -> None:
        self.store = Store()
        self.kinds: Kinds = {}
        self.account = Account()
        self.cause = Cause()
        self.agenda = Agenda()
        self.address = address
        """Where browsers find Stripe's pages; where nobody has said so, it is where the last caller met the API."""
        self.addressed = bool(address)
        self.listeners: list[Callable[[Record], None]] = []
        """Hear of each event at once, in this order."""
        self._timers: set[asyncio.TimerHandle] = set()

    def begin(self) -> None:
        """As at the start."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.store.clear()
        self.agenda.clear()
        self.account = Account()
        self.cause = Cause()

    @property
    def pages(self) -> str:
        """The beginning of the address of every page that people see."""
        return f"{self.address}/stripe/pages"

    def register(self, *kinds: Kind) -> None:
        """Make kinds of objects known."""
        self.kinds.update({kind.name: kind for kind in kinds})

    def now(self, clock: str | None = None) -> int:
        """The time in Unix seconds; that of the test clock where one is named."""
        frozen = self.store.get(CLOCK, clock) if clock else None
        if frozen is not None:
            return int(frozen.data["frozen_time"])
        return int(time.time()) + self.account.ahead_seconds

    def need(self, kind: str, identifier: str, *, param: str = "id", status: int = 404) -> Record:
        """The object of that id.

        Raises:
            Refusal: There is none.
        """
        spoken = self.kinds[kind].spoken if kind in self.kinds else ""
        return self.store.need(kind, identifier, param=param, status=status, noun=spoken)

    def add(self, kind: str, data: Doc, *, more: Doc | None = None, clock: str | None = None) -> Record:
        """Keep a new object; who makes it tells of it when it is whole."""
        return self.store.add(kind, data, more=more, clock=clock)

    def tell(self, what: str, record: Record, *, before: Mapping[str, Any] | None = None) -> Record:
        """An event about an object as it is now; `before` holds what changed, as it was."""
        data: Doc = {"object": record.shown() if not record.deleted else copied(record.data)}
        if before is not None:
            data["previous_attributes"] = dict(before)
        return self.tell_of(what, data, clock=record.clock)

    def tell_of(self, what: str, data: Doc, *, clock: str | None = None, quiet: bool = False) -> Record:
        """An event of any type and content, known to Stripe or not; a quiet one nobody hears of."""
        event: Doc = {
            "id": ids.long_id("evt"),
            "object": "event",
            "api_version": self.account.api_version,
            "created": self.now(clock),
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": self.cause.request, "idempotency_key": self.cause.idempotency_key},
            "type": what,
        }
        made = self.store.add("event", event, clock=clock)
        for hear in () if quiet else self.listeners:
            hear(made)
        return made

    @contextmanager
    def changing(self, record: Record, what: str | None = None) -> Iterator[Doc]:
        """Change the object within; an event (`<kind>.updated` unless told otherwise) tells what changed."""
        before = copied(record.data)
        yield record.data
        changed = difference(before, record.data)
        if changed:
            self.tell(what or f"{record.kind}.updated", record, before=changed)

    def later(self, seconds: float, happens: Callable[[], None]) -> None:
        """Let something happen by itself, unless there is a reset before."""

        def happen() -> None:
            self._timers.discard(timer)
            happens()

        timer = asyncio.get_running_loop().call_later(seconds, happen)
        self._timers.add(timer)

    def spoil(self, method: str, path: str) -> Break | None:
        """The fault that strikes a call, used up by it."""
        for one in self.account.breaks:
            if one.times > 0 and one.method == method and path.startswith(one.path):
                one.times -= 1
                return one
        return None


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Doc:
    """What was otherwise before: values as they were, hashes only in what changed, null for what is new."""
    found: Doc = {}
    for name in {**before, **after}:
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        if isinstance(was, dict) and isinstance(now, dict) and "object" not in was:
            found[name] = difference(was, now)
        else:
            found[name] = was
    return found
