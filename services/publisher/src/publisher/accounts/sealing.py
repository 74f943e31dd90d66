"""What names an account and what opens it, under seal: under a key of its own, and bound to its row.

Whoever destroys that key ends the account, wherever copies lie.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kit.seal import Keyring, SealBroken
from postrules.limits import Platform
from publisher.accounts.model import Account, AccountKind, Named
from publisher.accounts.repository import SealedIdentity, SealedTokens
from publisher.platforms.base import Identity, Tokens

_PURPOSE: Final = "connected accounts"


def key_owner(account_id: UUID) -> str:
    """Whose key seals what is about an account, within its organization."""
    return f"account:{account_id}"


def place(account_id: UUID, column: str) -> bytes:
    """The place of a sealed value: its row and the column."""
    return f"connected_accounts/{account_id}/{column}".encode()


@dataclass(frozen=True, slots=True)
class AccountSeal:
    """Seals names and tokens for their row; `now` is the platform's time, from which lifetimes are counted."""

    keyring: Keyring
    now: Callable[[], datetime]

    async def blind(self, organization_id: UUID, kind: AccountKind, platform: Platform, external_id: str) -> bytes:
        """By what an account is found.

        A page looks the same in all organizations, since notifications name it and nobody's organization; a person's
        account looks different in each, so that copies of the rows do not tell who is in two of them.
        """
        return await self._hashed(
            None if kind is AccountKind.ORGANIZATION else organization_id, platform, external_id
        )

    async def blind_of_page(self, platform: Platform, external_id: str) -> bytes:
        """By what a page is found, whosever it is."""
        return await self._hashed(None, platform, external_id)

    async def blind_of_grantor(self, platform: Platform, person: str) -> bytes | None:
        """By what the accounts are found that a person at the platform let us use, in all organizations.

        Platforms tell that a permission was taken back by this id and nothing else. None when it is not known.
        """
        return await self._hashed(None, platform, f"grantor\0{person}") if person else None

    async def prepare(self, organization_id: UUID, account_ids: Sequence[UUID]) -> None:
        """Fetch or make the keys of these accounts together."""
        await self.keyring.prepare(organization_id, [key_owner(each) for each in account_ids])

    async def seal_identity(
        self, organization_id: UUID, account_id: UUID, blind: bytes, who: Identity
    ) -> SealedIdentity:
        """Name and id as they may be stored. No transaction may be open.

        Raises:
            KeyShredded: the account was forgotten.
        """
        values = {"external_sealed": who.external_id, "name_sealed": who.name}
        external_id, name = await self._seal(organization_id, account_id, values)
        return SealedIdentity(blind, external_id, name)

    async def seal_tokens(self, organization_id: UUID, account_id: UUID, tokens: Tokens) -> SealedTokens:
        """Tokens as they may be stored. No transaction may be open.

        Raises:
            KeyShredded: the account was forgotten.
        """
        values = {"access_token": tokens.access_token}
        if tokens.refresh_token:
            values["refresh_token"] = tokens.refresh_token
        sealed = await self._seal(organization_id, account_id, values)
        return SealedTokens(
            access_token=sealed[0],
            access_expires_at=self._after(tokens.expires_in),
            refresh_token=sealed[1] if tokens.refresh_token else None,
            refresh_expires_at=self._after(tokens.refresh_expires_in) if tokens.refresh_token else None,
        )

    async def seal_value(self, organization_id: UUID, account_id: UUID, column: str, value: str) -> bytes:
        """Something else about the account as it may be stored, for its column. No transaction may be open.

        Raises:
            KeyShredded: the account was forgotten.
        """
        (sealed,) = await self._seal(organization_id, account_id, {column: value})
        return sealed

    async def open(
        self, organization_id: UUID, account_id: UUID, sealed: Mapping[str, bytes | None]
    ) -> tuple[str | None, ...]:
        """What stands in these columns; None where nothing does, where the key was destroyed, or what is not ours.

        No transaction may be open.
        """
        there = {column: value for column, value in sealed.items() if value is not None}
        values = [(value, place(account_id, column)) for column, value in there.items()]
        try:
            opened = dict(zip(there, await self.keyring.open_many(organization_id, values), strict=True))
        except SealBroken:
            opened = {}
        return tuple(_text(opened.get(column)) for column in sealed)

    async def named(self, organization_id: UUID, accounts: Sequence[Account]) -> list[Named]:
        """Accounts of one organization with their names in the clear, with one look-up for all keys."""
        values = [
            (value, place(each.id, column)) for each in accounts for column, value in _names(each).items() if value
        ]
        opened = iter(await self.keyring.open_many(organization_id, values))
        return [
            Named(each, *(_text(next(opened)) if value else None for value in _names(each).values()))
            for each in accounts
        ]

    async def _seal(self, organization_id: UUID, account_id: UUID, values: Mapping[str, str]) -> list[bytes]:
        placed = [(value.encode(), place(account_id, column)) for column, value in values.items()]
        return await self.keyring.seal_many(organization_id, placed, subject=key_owner(account_id))

    async def _hashed(self, organization_id: UUID | None, platform: Platform, external_id: str) -> bytes:
        secret = await self.keyring.secret(organization_id, _PURPOSE)
        return hmac.digest(secret, f"{platform}\0{external_id}".encode(errors="surrogatepass"), "sha256")

    def _after(self, seconds: float | None) -> datetime | None:
        return None if seconds is None else self.now() + timedelta(seconds=seconds)


def good_until(tokens: SealedTokens) -> datetime | None:
    """When a person must reconnect at the latest; None when the platform did not say."""
    return tokens.refresh_expires_at if tokens.refresh_token else tokens.access_expires_at


def _names(account: Account) -> dict[str, bytes | None]:
    return {"external_sealed": account.external_sealed, "name_sealed": account.name_sealed}


def _text(opened: bytes | None) -> str | None:
    return None if opened is None else opened.decode(errors="replace")
