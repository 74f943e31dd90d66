"""What the policy file says: the classes by which requests are counted, and what each tier has of them."""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

Whom = Literal["address", "user", "organization", "credential"]
Burst = Annotated[int, Field(ge=1, le=1_000_000_000)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
TierName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

_ONE, _EACH = "[one for all]", "[one for each tier]"  # not shown to anybody
Bursts = Annotated[
    Annotated[Burst, Tag(_ONE)] | Annotated[dict[TierName, Burst], Tag(_EACH)],
    Discriminator(lambda given: _EACH if isinstance(given, dict) else _ONE),
]

LARGEST: Final = 1024 * 1024


class PolicyRefused(Exception):
    """The policy cannot be used; `reasons` name what is wrong and where."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class RateClass(BaseModel):
    """`burst` requests at once and as many again in every `period` seconds, for each of those it counts `per`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    per: Whom
    burst: Bursts
    period: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
    cost: Annotated[int, Field(ge=1, le=10_000)] = 1

    def burst_of(self, tier: str) -> int:
        """How many requests this tier may send at once."""
        return self.burst if isinstance(self.burst, int) else self.burst[tier]


@dataclass(frozen=True, slots=True)
class Rate:
    """A class as it holds for one tier."""

    name: str
    per: Whom
    burst: int
    period: float


class Policy(BaseModel):
    """A whole policy; made by `read`, which also says what is wrong with one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    tiers: Annotated[list[TierName], Field(min_length=1, max_length=20)]
    always: Annotated[list[Name], Field(min_length=1, max_length=8)]
    classes: Annotated[dict[Name, RateClass], Field(max_length=500)]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        wrong = [*self._wrong_names(), *(text for name in self.classes for text in self._wrong_tiers(name))]
        if not wrong:
            wrong += self._wrong_costs()
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _wrong_names(self) -> list[str]:
        wrong = [] if len(set(self.tiers)) == len(self.tiers) else ["tiers: a tier stands there twice"]
        wrong += [] if len(set(self.always)) == len(self.always) else ["always: a class stands there twice"]
        wrong += [f"always: there is no class {name}" for name in self.always if name not in self.classes]
        known = [self.classes[name] for name in self.always if name in self.classes]
        if known and not any(each.per == "address" for each in known):
            wrong.append("always: no class counts per address, so nobody would count strangers")
        return wrong + [
            f"classes.{name}.cost: a class that always counts costs one"
            for name in self.always
            if name in self.classes and self.classes[name].cost != 1
        ]

    def _wrong_tiers(self, name: str) -> list[str]:
        burst = self.classes[name].burst
        if isinstance(burst, int):
            return []
        place = f"classes.{name}.burst"
        wrong = [f"{place}.{tier}: is not set" for tier in self.tiers if tier not in burst]
        wrong += [f"{place}.{tier}: there is no such tier" for tier in burst if tier not in self.tiers]
        if self.classes[name].per == "address":
            wrong.append(f"{place}: an address has no plan, so its burst is one number")
        sizes = [burst[tier] for tier in self.tiers if tier in burst]
        return wrong if sizes == sorted(sizes) else [*wrong, f"{place}: a higher tier has less than a lower one"]

    def _wrong_costs(self) -> list[str]:
        least = min(self.classes[name].burst_of(self.tiers[0]) for name in self.always)
        return [
            f"classes.{name}.cost: is more than the smallest burst of the classes in always, so no request could pass"
            for name, each in self.classes.items()
            if each.cost > least
        ]

    def tier(self, plan: str) -> str:
        """The tier of a plan; what is not named here counts as the lowest."""
        return plan if plan in self.tiers else self.tiers[0]

    def rate(self, name: str, tier: str) -> Rate:
        """A class as it holds for a tier."""
        found = self.classes[name]
        return Rate(name, found.per, found.burst_of(tier), found.period)

    def cost(self, names: Collection[str]) -> int:
        """How many units a request of these classes takes from those that always count."""
        return max((self.classes[name].cost for name in names), default=1)


def parse(text: str, needed: Collection[str]) -> Policy:
    """A policy with at least the classes that routes name.

    Raises:
        PolicyRefused: it is no TOML, or a field is wrong, or a class is missing.
    """
    try:
        policy = Policy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as wrong:
        raise PolicyRefused([f"not TOML: {wrong}"]) from wrong
    except ValidationError as wrong:
        raise PolicyRefused(_reasons(wrong)) from wrong
    missing = sorted(set(needed) - policy.classes.keys())
    if missing:
        raise PolicyRefused([f"classes.{name}: is not set, and a route names it" for name in missing])
    return policy


def _reasons(wrong: ValidationError) -> list[str]:
    reasons = []
    for problem in wrong.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in problem["loc"] if part not in (_ONE, _EACH, "[key]"))
        text = problem["msg"].removeprefix("Value error, ")
        reasons += [f"{place}: {text}"] if place else text.split("\n")
    return reasons


def shipped() -> Path:
    """Where the policy lies that comes with the gateway."""
    return Path(str(files("gateway").joinpath("policy.toml")))


def read(path: Path, needed: Collection[str]) -> Policy:
    """The policy in a file.

    Raises:
        PolicyRefused: it cannot be read, or what it says cannot be used.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise PolicyRefused(["the file is larger than a mebibyte"])
        return parse(content.decode(), needed)
    except OSError as wrong:
        raise PolicyRefused([f"the file cannot be read: {wrong.strerror}"]) from wrong
    except UnicodeDecodeError as wrong:
        raise PolicyRefused(["the file is not UTF-8"]) from wrong
