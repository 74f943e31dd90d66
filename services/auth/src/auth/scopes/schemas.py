from typing import Annotated

from pydantic import AfterValidator, Field

from auth.scopes.catalogue import IDENTITY, SCOPES, unknown
from kit.http.models import Out


def _known(scopes: list[str]) -> list[str]:
    if foreign := unknown(scopes):
        raise ValueError(f"there is no scope {foreign[0]!r}; /v1/scopes lists all")
    return sorted(set(scopes))


Scopes = Annotated[
    list[Annotated[str, Field(max_length=50)]], Field(min_length=1, max_length=50), AfterValidator(_known)
]
"""Some of the catalogue, each once and in order."""


def _grantable(scopes: list[str]) -> list[str]:
    if foreign := unknown(scopes, SCOPES.keys() | IDENTITY.keys()):
        raise ValueError(f"there is no scope {foreign[0]!r}; /v1/scopes lists all")
    return sorted(set(scopes))


GrantableScopes = Annotated[
    list[Annotated[str, Field(max_length=50)]], Field(min_length=1, max_length=50), AfterValidator(_grantable)
]
"""Some of the catalogue, or of what people say of themselves, each once and in order."""


class ScopeOut(Out):
    """One scope."""

    scope: str = Field(examples=["posts:read"])
    allows: str = Field(description="What it lets one do.")


class ScopesOut(Out):
    """Every scope there is."""

    items: list[ScopeOut]
