"""Tokens under seal: bound to the account they open, so that moved elsewhere they do not open."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kit.seal import Keyring, KeyShredded, SealBroken
from postrules.limits import Platform
from publisher.accounts.repository import SealedTokens
from publisher.platforms.base import Tokens


def place(platform: str, external_id: str, which: str) -> bytes:
    """The place of a token: its row, by what makes it unique within an organization, and the column."""
    return f"connected_accounts/{platform}/{external_id}/{which}".encode()


@dataclass(frozen=True, slots=True)
class TokenSeal:
    """Seals tokens for their row; `now` is the platform's time, from which lifetimes are counted."""

    keyring: Keyring
    now: Callable[[], datetime]

    async def seal(self, organization_id: UUID, platform: Platform, external_id: str, tokens: Tokens) -> SealedTokens:
        """Tokens as they may be stored. No transaction may be open."""
        values = [(tokens.access_token.encode(), place(platform, external_id, "access_token"))]
        if tokens.refresh_token:
            values.append((tokens.refresh_token.encode(), place(platform, external_id, "refresh_token")))
        sealed = await self.keyring.seal_many(organization_id, values)
        return SealedTokens(
            access_token=sealed[0],
            access_expires_at=self._after(tokens.expires_in),
            refresh_token=sealed[1] if tokens.refresh_token else None,
            refresh_expires_at=self._after(tokens.refresh_expires_in) if tokens.refresh_token else None,
        )

    async def open(
        self, organization_id: UUID, platform: str, external_id: str, which: str, sealed: bytes
    ) -> str | None:
        """A token; None when its key was shredded or it does not belong here. No transaction may be open."""
        try:
            return (await self.keyring.open(organization_id, sealed, place(platform, external_id, which))).decode()
        except (SealBroken, KeyShredded):
            return None

    def _after(self, seconds: float | None) -> datetime | None:
        return None if seconds is None else self.now() + timedelta(seconds=seconds)


def good_until(tokens: SealedTokens) -> datetime | None:
    """When a person must reconnect at the latest; None when the platform did not say."""
    return tokens.refresh_expires_at if tokens.refresh_token else tokens.access_expires_at
