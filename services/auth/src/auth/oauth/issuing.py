"""The tokens that programs get: access tokens as everybody has them, refresh tokens, and ID tokens for who asks."""

import base64
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from auth.keys.model import SigningKey
from auth.oauth.model import Grant
from auth.oauth_clients.model import Client
from auth.scopes.catalogue import opening
from auth.sessions.access import AccessTokens, claims_of, signed
from auth.sessions.model import TOKEN_LIFE, Standing
from auth.tokens.model import TokenMint
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Issuing:
    """Makes what the token endpoint answers."""

    access_tokens: AccessTokens
    codes: TokenMint
    refresh_tokens: TokenMint

    def for_person(  # noqa: PLR0917 - what tokens are made of
        self,
        key: SigningKey,
        grant: Grant,
        standing: Standing,
        scopes: Collection[str],
        counter: int,
        now: datetime,
    ) -> dict[str, Any]:
        """Tokens for a program that acts for a person: the person's role, narrowed to the scopes."""
        life = min(TOKEN_LIFE, max(grant.expires_at - now, timedelta(seconds=1)))
        claims = claims_of(grant.user_id, grant.id, standing)
        claims |= {"client_id": str(grant.client_id), "scope": opening(scopes)}
        access = self.access_tokens.sign(key, claims, now, life)
        answer = _answer(access, life, scopes) | {
            "refresh_token": self.refresh_tokens.make(grant.id, counter=counter)
        }
        if "openid" in scopes:
            answer["id_token"] = self._id_token(key, grant, access, now, life)
        return answer

    def for_program(self, key: SigningKey, client: Client, scopes: Collection[str], now: datetime) -> dict[str, Any]:
        """A token for a program that acts for itself, as a part of its own organization."""
        role = client.role.value if client.role is not None else ""
        claims: dict[str, object] = {
            "sub": str(client.id),
            "sid": str(new_id()),
            "epoch": 0,
            "org": str(client.organization_id),
            "role": role,
            "principal": "client",
            "client_id": str(client.id),
            "scope": opening(scopes),
        }
        return _answer(self.access_tokens.sign(key, claims, now, TOKEN_LIFE), TOKEN_LIFE, scopes)

    def code(self, grant_id: UUID) -> str:
        """The code of a grant: it proves itself, so that none is kept."""
        return self.codes.make(grant_id)

    def _id_token(self, key: SigningKey, grant: Grant, access: str, now: datetime, life: timedelta) -> str:
        """Who signed in, for the program alone: its type and audience keep it from opening anything."""
        issued = int(now.timestamp())
        claims: dict[str, object] = {
            "iss": self.access_tokens.issuer,
            "sub": str(grant.user_id),
            "aud": str(grant.client_id),
            "azp": str(grant.client_id),
            "iat": issued,
            "exp": issued + int(life.total_seconds()),
            "auth_time": int(grant.authenticated_at.timestamp()),
            "at_hash": at_hash(access),
        }
        if grant.nonce is not None:
            claims["nonce"] = grant.nonce
        return signed(key, {"alg": "EdDSA", "typ": "JWT", "kid": key.kid}, claims)


def at_hash(access_token: str) -> str:
    """By what an ID token names its access token: for Ed25519, half of its SHA-512."""
    digest = hashlib.sha512(access_token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")


def _answer(access_token: str, life: timedelta, scopes: Collection[str]) -> dict[str, Any]:
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": int(life.total_seconds()),
        "scope": " ".join(sorted(scopes)),
    }
