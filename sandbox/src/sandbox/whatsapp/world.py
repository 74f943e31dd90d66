"""Who there is at WhatsApp: business accounts, their numbers, and the people who write and read."""

import time
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue, model_validator

from sandbox.pulse import Pulse
from sandbox.shelf import Shelf
from sandbox.whatsapp.limits import PairRate, Throughput

APP_SECRET = "sandbox-app-secret"  # noqa: S105 - published in the README: it protects nothing
VERIFY_TOKEN = "sandbox-verify"  # noqa: S105
ACCESS_TOKEN = "sandbox-whatsapp-token"  # noqa: S105
FIRST_NUMBER = "100000000000001"
FIRST_ACCOUNT = "200000000000001"
FIRST_BUSINESS = "500000000000001"
KEPT_NUMBERS = 1_000
KEPT_PEOPLE = 200_000

NodeId = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]
WaId = Annotated[str, Field(pattern=r"^[0-9]{5,20}$")]
UserId = Annotated[str, Field(pattern=r"^[A-Z]{2}(\.ENT)?\.[A-Za-z0-9]{1,128}$")]
Wait = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]


class App(BaseModel):
    """The application as Meta knows it: its secrets, and whether its token is still good."""

    app_secret: Annotated[str, Field(min_length=1, max_length=200)] = APP_SECRET
    access_tokens: Annotated[list[str], Field(max_length=1000)] = [ACCESS_TOKEN]
    tokens_are: Literal["live", "expired", "revoked"] = "live"
    media_url_seconds: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 300.0


class NumberIn(BaseModel):
    """A business number, and how Meta treats it."""

    id: NodeId = FIRST_NUMBER
    waba_id: NodeId = FIRST_ACCOUNT
    display_phone_number: Annotated[str, Field(max_length=40)] = "15550783881"
    verified_name: Annotated[str, Field(max_length=200)] = "Example Bakery"
    quality_rating: Literal["GREEN", "YELLOW", "RED", "UNKNOWN"] = "GREEN"
    throughput: Annotated[int, Field(ge=1)] | None = 80
    """Messages in any one second; null is no limit."""
    is_on_biz_app: bool = False
    """Whether it is also used in WhatsApp's own app."""
    messaging_limit: Literal[
        "TIER_50", "TIER_250", "TIER_1K", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED"
    ] = "TIER_UNLIMITED"
    """People that its portfolio may write to first within 24 hours; told, not counted."""
    limit_is_of: Literal["portfolio", "number"] = "portfolio"
    """Whose limit it is, and so in which of two fields it is told: `number` as before October 2025."""
    business_id: NodeId = FIRST_BUSINESS
    """The portfolio that has its account."""
    pair_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = 6.0
    """Seconds between two messages to one person in the long run; null is no limit."""
    pair_burst: Annotated[int, Field(ge=1)] = 45
    window_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 86_400.0
    """How long after a person last wrote anything but a template may be sent."""
    webhooks: bool = True
    """False: no statuses and no replies for what this number sends, for sending in bulk."""
    accepts_anyone: bool = False
    """True: every number is on WhatsApp and its window is open; else those who were not created are not there."""
    refuses_with: int | None = None
    """An error code with which every message is refused."""


@dataclass(slots=True)
class Number:
    """A business number at work."""

    is_: NumberIn
    throughput: Throughput = field(default_factory=Throughput)
    pair_rate: PairRate = field(default_factory=PairRate)
    accepted: Pulse = field(default_factory=Pulse)
    refused: Pulse = field(default_factory=Pulse)


class Reply(BaseModel):
    """What a person answers by itself to a message that contains `when` (all, where it is null)."""

    when: Annotated[str, Field(max_length=1000)] | None = None
    message: dict[str, JsonValue]
    after: Wait = 0.0


class PersonIn(BaseModel):
    """A person with a telephone, or with a user id alone."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,140}$")] = ""
    wa_id: WaId | None = None
    name: Annotated[str, Field(max_length=500)] = "Sheena Nelson"
    username: Annotated[str, Field(max_length=100)] | None = None
    user_id: UserId | None = None
    parent_user_id: UserId | None = None
    hides_phone: bool = False
    """True: webhooks carry the user id and no number."""
    on_whatsapp: bool = True
    reads: bool = True
    delivered_after: Wait = 0.0
    read_after: Wait = 0.0
    """Seconds after delivery."""
    shuffled_statuses: bool = False
    """True: sent, delivered and read come at once, in an order that is not theirs."""
    fails_with: int | None = None
    """An error code with which messages to this person fail after they were accepted."""
    refuses_with: int | None = None
    """An error code with which messages to this person are refused."""
    window_open: bool | None = None
    """Null: open for so long after the person wrote as the number says."""
    replies: Annotated[list[Reply], Field(max_length=20)] = []

    @model_validator(mode="after")
    def _can_be_reached(self) -> "PersonIn":
        if not self.wa_id and not self.user_id:
            raise ValueError("a person has a wa_id or a user_id")
        if self.hides_phone and not self.user_id:
            raise ValueError("who hides the number needs a user_id")
        self.id = self.id or self.wa_id or self.user_id or ""
        return self


@dataclass(slots=True)
class Person:
    """A person as things stand; `wrote_at` is when it last wrote to each number."""

    is_: PersonIn
    wrote_at: dict[str, float] = field(default_factory=dict)

    def may_be_written_to(self, number: NumberIn) -> bool:
        """Whether the window of the number is open."""
        if self.is_.window_open is not None:
            return self.is_.window_open
        return time.time() - self.wrote_at.get(number.id, 0.0) < number.window_seconds


class World:
    """Numbers, people and the application, as they stand."""

    def __init__(self) -> None:
        self.app = App()
        self.numbers: Shelf[str, Number] = Shelf(most=KEPT_NUMBERS)
        self.people: Shelf[str, Person] = Shelf(most=KEPT_PEOPLE)
        self._by_address: Shelf[str, Person] = Shelf(most=2 * KEPT_PEOPLE)
        self.begin()

    def begin(self) -> None:
        """As at the start: one business number, nobody else."""
        self.app = App()
        for shelf in (self.numbers, self.people, self._by_address):
            shelf.clear()
        self.put_number(NumberIn())

    def put_number(self, settings: NumberIn) -> Number:
        """A number, new or changed; what it has sent so far still counts for its limits."""
        number = self.numbers.get(settings.id) or Number(settings)
        number.is_ = settings
        self.numbers.put(settings.id, number)
        return number

    def put_person(self, settings: PersonIn) -> Person:
        """A person, new or changed; a changed number is at once the only one."""
        person = self.people.get(settings.id) or Person(settings)
        for address in (person.is_.wa_id, person.is_.user_id):
            if address:
                self._by_address.take(address)
        person.is_ = settings
        self.people.put(settings.id, person)
        for address in (settings.wa_id, settings.user_id):
            if address:
                self._by_address.put(address, person)
        return person

    def at(self, address: str) -> Person | None:
        """Who has this number or user id."""
        return self._by_address.get(address)

    def has_account(self, waba_id: str) -> bool:
        """Whether there is such a business account: one with a number."""
        return any(number.is_.waba_id == waba_id for number in self.numbers.all())
