"""What models can do and what they cost, as dated data (`prices.toml`); money is exact."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

from generation.calls.model import Usage

Use = Literal["text", "embedding", "moderation"]


@dataclass(frozen=True, slots=True)
class Model:
    """A model: prices are US dollars per million tokens, so that one token's is that many millionths of a dollar."""

    id: str
    provider: str
    use: Use
    input: Decimal
    cached: Decimal
    output: Decimal
    context: int
    most_output: int
    quality: int
    structured: bool
    vision: bool
    batch: bool
    batch_discount: Decimal
    source: str
    read_on: date

    def cost(self, usage: Usage, *, batch: bool = False) -> int:
        """Millionths of a dollar, rounded up."""
        fresh = max(0, usage.input_tokens - usage.cached_tokens)
        exact = fresh * self.input + usage.cached_tokens * self.cached + usage.output_tokens * self.output
        if batch:
            exact *= 1 - self.batch_discount
        return int(exact.to_integral_value(rounding=ROUND_CEILING))

    def most(self, input_tokens: int, output_tokens: int, *, batch: bool = False) -> int:
        """The most that a call with so many tokens can cost."""
        return self.cost(Usage(input_tokens, 0, output_tokens), batch=batch)


def read(text: str) -> Mapping[str, Model]:
    """Models by id."""
    found = tomllib.loads(text)
    return {row["id"]: model(row, found["sources"]) for row in found["models"]}


def model(row: Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]]) -> Model:
    """A model as the data say.

    Raises:
        ValueError: a price is negative or missing.
    """
    source = sources[row["source"]]
    prices = {name: Decimal(str(row[name])) for name in ("input", "cached", "output")}
    if min(prices.values()) < 0:
        raise ValueError(f"{row['id']} has a negative price")
    return Model(
        id=row["id"],
        provider=row.get("provider", "openai"),
        use=row.get("use", "text"),
        **prices,
        context=row["context"],
        most_output=row.get("most_output", 0),
        quality=row.get("quality", 0),
        structured=row.get("structured", False),
        vision=row.get("vision", False),
        batch=row.get("batch", False),
        batch_discount=Decimal(str(row.get("batch_discount", "0.5" if row.get("batch") else "0"))),
        source=source["url"],
        read_on=source["read"],
    )


@lru_cache(maxsize=1)
def published() -> Mapping[str, Model]:
    """What OpenAI publishes."""
    return read(files("generation.providers").joinpath("prices.toml").read_text("utf-8"))
