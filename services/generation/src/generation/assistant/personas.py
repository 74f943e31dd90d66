"""Who the assistant can be, as data (`personas.toml`): what it is told, and the tools that it may use."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

DEFAULT: Final = "generalist"


@dataclass(frozen=True, slots=True)
class Persona:
    """One of them."""

    id: str
    name: str
    about: str
    says: str
    tools: tuple[str, ...]


@lru_cache(maxsize=1)
def personas() -> Mapping[str, Persona]:
    """All of them by id."""
    found = tomllib.loads(files("generation.assistant").joinpath("personas.toml").read_text("utf-8"))
    return {row["id"]: Persona(**row | {"tools": tuple(row["tools"])}) for row in found["personas"]}
