"""Secrets and names of factors at rest: under the key of their person, each for its own row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from auth.factors.model import App, Factor
from kit.seal import Keyring

_SECRET: Final = b"totp_factors.sealed_secret:"
_NAME: Final = b"factors.sealed_name:"


@dataclass(frozen=True, slots=True)
class FactorSeals:
    """Seals and opens; needs the person's key, and says so (503) when it cannot be had."""

    keyring: Keyring

    async def seal_app(self, user_id: UUID, app_id: UUID, secret: bytes, name: str) -> tuple[bytes, bytes]:
        """Secret and name of a new app.

        Raises:
            KeyShredded: the person was forgotten.
        """
        values = [(secret, _SECRET + app_id.bytes), (name.encode(), _NAME + app_id.bytes)]
        sealed, named = await self.keyring.seal_many(None, values, subject=f"user:{user_id}")
        return sealed, named

    async def seal_name(self, user_id: UUID, factor_id: UUID, name: str) -> bytes:
        """The name of a factor.

        Raises:
            KeyShredded: the person was forgotten.
        """
        return await self.keyring.seal(None, name.encode(), _NAME + factor_id.bytes, subject=f"user:{user_id}")

    async def open_secrets(self, apps: Sequence[App]) -> list[bytes | None]:
        """The secrets of apps, with one look-up; None where the person was forgotten."""
        return await self.keyring.open_many(None, [(each.sealed_secret, _SECRET + each.id.bytes) for each in apps])

    async def open_names(self, factors: Sequence[Factor]) -> list[Factor]:
        """The factors with their names."""
        names = await self.open_texts([(each.id, each.sealed_name) for each in factors])
        return [replace(factor, name=name) for factor, name in zip(factors, names, strict=True)]

    async def open_texts(self, names: Sequence[tuple[UUID, bytes]]) -> list[str | None]:
        """Names by the ids of their rows, with one look-up; None where the person was forgotten."""
        opened = await self.keyring.open_many(None, [(sealed, _NAME + row_id.bytes) for row_id, sealed in names])
        return [None if name is None else name.decode() for name in opened]
