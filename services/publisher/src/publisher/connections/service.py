import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from kit.audit import audited
from kit.db.database import Database
from kit.errors import FieldError, TransientError
from kit.http.caller import MemberCaller
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Settled, Status
from kit.seal import Keyring
from postrules.limits import Platform as PlatformName
from publisher.accounts.model import AccountKind
from publisher.connections.errors import AccountKindNotOffered, PlatformSwitchedOff
from publisher.connections.exchange import KIND
from publisher.connections.model import (
    Asked,
    Brought,
    Came,
    Connection,
    Return,
    challenge_of,
    code_place,
    hashed,
    verifier_of,
)
from publisher.connections.repository import ConnectionRepository
from publisher.platforms.base import Platform


@dataclass(frozen=True, slots=True)
class ConnectionService:
    """Asks for consent and takes the browser back.

    A state is spent by its first use, whatever follows. It belongs to who asked, in one organization and session, and
    to one browser by a cookie: else somebody could have another person consent, and keep their account.
    """

    database: Database
    platforms: Mapping[PlatformName, Platform]
    keyring: Keyring
    ledger: Ledger

    async def begin(self, caller: MemberCaller, platform: PlatformName, kind: AccountKind) -> Asked:
        """Where the person gives the permission.

        Raises:
            PlatformSwitchedOff: there is no application of ours at this platform.
            AccountKindNotOffered: it has no such accounts.
        """
        there = self.platforms.get(platform)
        if there is None or not there.on:
            raise PlatformSwitchedOff
        if kind not in there.capabilities.accounts:
            offered = " or ".join(sorted(there.capabilities.accounts))
            raise AccountKindNotOffered(errors=[FieldError("#/what", f"Say {offered}: {platform} has no others.")])
        connection_id, state, secret = new_id(), secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        async with self.database.transaction(caller.organization_id) as tx:
            expires_at = await ConnectionRepository(tx).add(
                connection_id, caller, platform, kind, state_hash=hashed(state), browser_hash=hashed(secret)
            )
            await tx.emit(
                audited(
                    "publisher.connection.begun", caller, "connection", connection_id, platform=platform, kind=kind
                )
            )
        return Asked(connection_id, there.consent_url(state, challenge_of(secret)), expires_at, secret)

    async def finish(self, back: Return) -> Came:
        """Take the browser back and connect what it brings; never raises for what a stranger may send."""
        connection = await self._taken(back)
        if connection is None:
            return Came(problem="state-unknown")
        problem = connection.problem(back, self.database.clock.now())
        if problem:
            return Came(connection.id, problem=problem)
        secret = back.cookies.get(connection.cookie, "")
        await self._keep_code(connection, Brought(back.code, verifier_of(secret)))
        effect = Effect(KIND, connection.lane, connection.id, expires_at=connection.expires_at)
        try:
            return await self._came(connection, await self.ledger.perform(effect))
        except TransientError:
            return Came(connection.id, problem="connect-again")

    async def _taken(self, back: Return) -> Connection | None:
        if not back.readable:
            return None
        async with self.database.transaction() as tx:
            return await ConnectionRepository(tx).take(hashed(back.state))

    async def _keep_code(self, connection: Connection, brought: Brought) -> None:
        place = code_place(connection.id)
        sealed = await self.keyring.seal(connection.organization_id, brought.packed(), place)
        async with self.database.transaction(connection.organization_id) as tx:
            await ConnectionRepository(tx).keep_code(connection, sealed)

    async def _came(self, connection: Connection, settled: Settled) -> Came:
        """What a person is told; when nobody knows whether the code was taken, they connect again."""
        if settled.status is not Status.DONE:
            problem = settled.code if settled.status is Status.REFUSED else ""
            return Came(connection.id, problem=problem or "connect-again")
        async with self.database.transaction(connection.organization_id) as tx:
            connected, refused = await ConnectionRepository(tx).connected(connection)
        return Came(connection.id, connected, problem="account-limit" if refused else "")


@dataclass(frozen=True, slots=True)
class ConnectionSweeper:
    """Forgets old consents."""

    database: Database

    async def sweep(self) -> bool:
        """Forget a batch; True when there may be more."""
        async with self.database.transaction() as tx:
            return await ConnectionRepository(tx).forget_old()
