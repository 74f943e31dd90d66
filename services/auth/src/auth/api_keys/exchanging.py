"""What a gateway asks for a key it does not know yet: one indexed read, and nothing is written."""

import hmac
from dataclasses import dataclass
from datetime import datetime

from auth.api_keys.errors import ApiKeyRefused
from auth.api_keys.model import TOKEN_LIFE, Exchanged, may_come_from
from auth.api_keys.repository import KeyInUse, Verification
from auth.api_keys.secrets import Secret, Secrets
from auth.api_keys.uses import Uses
from auth.keys.service import KeyRing
from auth.sessions.access import AccessTokens
from kit.db.database import Database


@dataclass(frozen=True, slots=True)
class KeyExchange:
    """Gives a short-lived access token for an API key."""

    database: Database
    secrets: Secrets
    keys: KeyRing
    access_tokens: AccessTokens
    uses: Uses

    async def exchange(self, text: str, address: str) -> Exchanged:
        """An access token that says what the key may do; none for a visitor from where it may not be used.

        Junk is refused without a question to the database. Whether a key is unknown, over, or shown with a wrong
        secret is not told.

        Raises:
            ApiKeyRefused: the key is not good.
        """
        secret = self.secrets.read(text)
        if secret is None:
            raise ApiKeyRefused
        async with self.database.transaction(secret.organization_id) as tx:
            held = await Verification(tx).find(secret.key_id)
        if held is None or not hmac.compare_digest(held.hashed, secret.hashed):
            raise ApiKeyRefused
        allowed = held.grant.allowed_addresses
        if not may_come_from(allowed, address):
            return Exchanged(None, 0, allowed)
        return await self._token(secret, held, self.database.clock.now())

    async def _token(self, secret: Secret, held: KeyInUse, now: datetime) -> Exchanged:
        self.uses.note(secret.organization_id, secret.key_id, now)
        life = min(TOKEN_LIFE, held.expires_at - now)
        claims: dict[str, object] = {
            "sub": str(secret.key_id),
            "sid": str(secret.key_id),
            "epoch": 0,
            "org": str(secret.organization_id),
            "role": held.grant.role.value,
            "principal": "key",
            "scope": " ".join(held.grant.scopes),
        }
        token = self.access_tokens.sign(await self.keys.signer(), claims, now, life)
        return Exchanged(token, int(life.total_seconds()), held.grant.allowed_addresses)
