"""The way to a provider and back, whatever it is for."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from auth.federation.directory import Directory
from auth.federation.errors import FederationOver, RedirectNotAllowed
from auth.federation.model import FLOW_LIFE, LONGEST_CODE, Claimed, Flow, FlowSecrets, Purpose, Trust
from auth.federation.repository import FlowRepository
from auth.openid.errors import ProviderRefused
from auth.openid.model import Asked, Assertion, Returned
from auth.tokens.mints import FederationMints
from auth.tokens.model import TokenForged, TokenMint
from kit.audit import User, audited
from kit.db.database import Database
from kit.seal import Sealer

_PLACE: Final = b"federation_flows.returned:"
DONE: Final = "/sign-in/federated"
"""Where the browser goes on in the application, unless another page of it is asked for."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and what it must keep until it is back."""

    flow_id: UUID
    authorization_url: str = field(repr=False)
    request_token: str = field(repr=False)
    expires_in: int = int(FLOW_LIFE.total_seconds())


@dataclass(frozen=True, slots=True)
class Back:
    """How a browser comes back from a provider: nothing of it is believed before the state is."""

    provider: str
    state: str = field(repr=False)
    code: str = field(repr=False)
    error: str
    iss: str


@dataclass(frozen=True, slots=True)
class Travel:
    """Sends browsers to providers, takes them back, and exchanges what they bring.

    Three secrets, each computed from the flow's id under a key of its own: `state` goes to the provider and back, the
    request token stays in the browser that began, and the completion code comes with the browser that returned. Only
    who has both of the last two goes on: so nobody can be signed in, or have a provider linked, by a link that
    somebody else prepared (login CSRF).
    """

    database: Database
    directory: Directory
    mints: FederationMints
    secrets: FlowSecrets
    sealer: Sealer
    public_url: str
    origins: Sequence[str]

    def redirect(self, wanted: str | None) -> str:
        """Where the browser goes on: a page of one of our applications.

        Raises:
            RedirectNotAllowed: it is not ours.
        """
        if wanted is None:
            return f"{self.origins[0]}{DONE}"
        parts = urlsplit(wanted)
        bare = f"{parts.scheme}://{parts.netloc}"
        if bare not in self.origins or wanted != f"{bare}{parts.path}" or not wanted.isascii() or "\\" in wanted:
            raise RedirectNotAllowed
        return wanted

    async def begin(self, flow: Flow, login_hint: str = "") -> Begun:
        """Send a browser to a provider."""
        provider, _ = await self.directory.provider(flow.chosen)
        asked = Asked(
            state=self.mints.state.make(flow.id),
            nonce=self.secrets.nonce(flow.id),
            challenge=self.secrets.challenge(flow.id),
            redirect_uri=self.public_url + flow.chosen.callback,
            login_hint=login_hint,
        )
        url = await provider.authorization_url(asked)
        async with self.database.transaction() as tx:
            await FlowRepository(tx).add(flow)
        return Begun(flow.id, url, self.mints.request.make(flow.id))

    async def take_back(self, back: Back) -> str:
        """Where the browser goes on; never raises for what a stranger may send."""
        try:
            (flow_id,) = self.mints.state.read(back.state).ids
        except TokenForged:
            return self._told("problem", "state-unknown")
        came = not back.error and 0 < len(back.code) <= LONGEST_CODE
        async with self.database.transaction() as tx:
            redirect = await FlowRepository(tx).take_back(
                flow_id, back.provider, self._sealed(flow_id, back) if came else None
            )
        if redirect is None:
            return self._told("problem", "state-unknown")
        if not came:
            return self._told("problem", "cancelled" if back.error == "access_denied" else "refused", redirect)
        return self._told("code", self.mints.completion.make(flow_id), redirect)

    async def claim(
        self,
        code: str,
        request_token: str,
        purpose: Purpose,
        user_id: UUID | None = None,
        session_id: UUID | None = None,
    ) -> Claimed:
        """Take what the browser brought back, once, from the browser that began.

        Raises:
            FederationOver: it is another browser or person, or nothing is there to be taken any more.
        """
        flow_id = _read(self.mints.completion, code)
        if not hmac.compare_digest(flow_id.bytes, _read(self.mints.request, request_token).bytes):
            raise FederationOver
        async with self.database.transaction() as tx:
            claimed = await FlowRepository(tx).claim(flow_id, purpose, user_id, session_id)
        if claimed is None:
            raise FederationOver
        return claimed

    def flow_of(self, code: str) -> UUID:
        """Which flow a completion code belongs to.

        Raises:
            FederationOver: it is none of ours.
        """
        return _read(self.mints.completion, code)

    async def identify(self, claimed: Claimed) -> tuple[str, Assertion, Trust]:
        """The provider's realm, its word on who this is, and what that is worth; a refusal is put on record.

        Raises:
            ProviderRefused: the provider says no, or what it says does not hold.
            ProviderUnreachable: it did not answer; begin anew.
        """
        flow = claimed.flow
        provider, trust = await self.directory.provider(flow.chosen)
        brought = orjson.loads(self.sealer.open(claimed.sealed, _PLACE + flow.id.bytes))
        returned = Returned(
            code=brought["code"],
            iss=brought["iss"],
            verifier=self.secrets.verifier(flow.id),
            nonce=self.secrets.nonce(flow.id),
            redirect_uri=self.public_url + flow.chosen.callback,
            age=claimed.age,
        )
        try:
            return provider.realm, await provider.identify(returned), trust
        except ProviderRefused as refused:
            await self.put_on_record(flow, refused.reason)
            raise

    async def put_on_record(self, flow: Flow, reason: str) -> None:
        """That a provider's word was not taken; whom it named is not told."""
        chosen = flow.chosen
        target = chosen.provider_id or chosen.kind
        line = audited(
            "auth.federation.refused",
            User(flow.user_id),
            "identity_provider",
            target,
            organization_id=chosen.organization_id,
            reason=reason,
        )
        bound = () if chosen.organization_id is None else (chosen.organization_id,)
        async with self.database.transaction(*bound) as tx:
            await tx.emit(line)

    def _sealed(self, flow_id: UUID, back: Back) -> bytes:
        brought = {"code": back.code, "iss": back.iss[:2048]}
        return self.sealer.seal(orjson.dumps(brought), _PLACE + flow_id.bytes)

    def _told(self, name: str, value: str, redirect: str = "") -> str:
        """Behind `#`: no server and no log gets it."""
        return f"{redirect or self.redirect(None)}#federation_{name}={value}"


def _read(mint: TokenMint, text: str) -> UUID:
    try:
        return mint.read(text).ids[0]
    except TokenForged as error:
        raise FederationOver from error
