from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from auth.accounts.model import Account
from auth.devices.model import Recognised
from auth.devices.repository import DeviceRepository
from auth.sessions.model import Limits, Standing
from auth.sign_ins.model import MOST_FACTOR_ATTEMPTS, Beginning, Begun, Proof, SignIn
from auth.throttle.model import Count
from contracts import Event
from kit.db.database import Database, Row, Transaction
from kit.ids import new_id

_SOME: Final = 2
"""Of so many sessions that may go on at once one may be begun in the same moment: more than there are connections."""


@dataclass(frozen=True, slots=True)
class Coming:
    """Whose the address is that was typed, and on which device of theirs they come."""

    account: Account | None
    device_id: UUID | None = None
    counted: bool = False
    """Whether their guess was counted on the device, as the first since the last one that was right."""


async def find_coming(database: Database, kind: str, blind: bytes, token_id: UUID | None, first: Count) -> Coming:
    """Who comes with this address, and with what the token of a device proves; asked alike of everybody.

    In one round trip, which also counts a first guess on a device of theirs. That commit does not wait for the disk:
    a crash of the server may forget what was counted within the last second.
    """
    rows = await database.statement(
        """
        WITH unhurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
        coming AS MATERIALIZED (
            SELECT u.id, u.password_hash, i.verified_at IS NOT NULL AS verified, u.epoch, d.id AS device_id
            FROM identities AS i
            JOIN users AS u ON u.id = i.user_id
            LEFT JOIN devices AS d ON d.user_id = u.id AND d.token_id = $3
            WHERE i.kind = $1 AND i.blind = $2
        ), counted AS (
            INSERT INTO throttles (scope, key, recent, failures, since, last_at, blocked_until)
            SELECT $4::text, uuid_send(coming.device_id), $5::integer, $6::integer, $7::timestamptz, $8::timestamptz,
                   $9::timestamptz
            FROM coming, unhurried
            WHERE coming.device_id IS NOT NULL
            ON CONFLICT (scope, key) DO NOTHING
            RETURNING key
        )
        SELECT coming.*, EXISTS (SELECT FROM counted) AS counted FROM coming
        """,
        kind,
        blind,
        token_id,
        first.scope,
        first.recent,
        first.failures,
        first.since,
        first.last_at,
        first.blocked_until,
    )
    if not rows:
        return Coming(None)
    (row,) = rows
    account = Account(row["id"], row["password_hash"], row["verified"], row["epoch"])
    return Coming(account, row["device_id"], row["counted"])


async def begin_at_once(  # noqa: PLR0917 - what a session is made of
    database: Database, begun: Begun, as_of: int, device_id: UUID, limits: Limits, event: Event
) -> Standing | None:
    """Begin a session on a known device and forget what was guessed there, with its event and in one round trip.

    None where no session begins because more is to be asked or done: the person has a second factor, is suspended or
    gone, all their sessions were ended since epoch `as_of`, the device is known no more, or the sessions that go on
    are to be counted. The guesses are forgotten then, too.
    """
    row = await database.insert_emitting(
        None,
        "SELECT * FROM begin_session_on_known_device($1, $2, $3, $4, $5, $6, $7, $8)",
        begun.session_id,
        begun.user_id,
        as_of,
        device_id,
        limits.absolute,
        sorted(begun.proofs),
        begun.visitor_sealed,
        limits.parallel // _SOME,
        event=event,
    )
    return None if row is None else Standing(row["epoch"], row["sessions_from_epoch"])


@dataclass(frozen=True, slots=True)
class SignInRepository:
    """Sign-ins that wait for a second factor, and the sessions that they begin."""

    tx: Transaction

    async def add(self, sign_in: SignIn, life: timedelta) -> None:
        """Let one wait."""
        await self.tx.execute(
            """
            INSERT INTO sign_ins (id, user_id, proofs, organization_id, expires_at, identity_provider_id)
            VALUES ($1, $2, $3, $4, kit_now() + $5::interval, $6)
            """,
            sign_in.id,
            sign_in.user_id,
            sorted(sign_in.proofs),
            sign_in.organization_id,
            life,
            sign_in.identity_provider_id,
        )

    async def attempt(self, sign_in_id: UUID) -> SignIn | None:
        """Count a try of a factor before it is made; None when there may be none any more."""
        row = await self.tx.fetchrow(
            """
            UPDATE sign_ins SET attempts = attempts + 1
            WHERE id = $1 AND attempts < $2 AND expires_at > kit_now()
            RETURNING id, user_id, proofs, organization_id, identity_provider_id
            """,
            sign_in_id,
            MOST_FACTOR_ATTEMPTS,
        )
        return _sign_in(row)

    async def find(self, sign_in_id: UUID) -> SignIn | None:
        """One of which a try is left; None when there is none such."""
        row = await self.tx.fetchrow(
            """
            SELECT id, user_id, proofs, organization_id, identity_provider_id
            FROM sign_ins
            WHERE id = $1 AND attempts < $2 AND expires_at > kit_now()
            """,
            sign_in_id,
            MOST_FACTOR_ATTEMPTS,
        )
        return _sign_in(row)

    async def take(self, sign_in_id: UUID) -> bool:
        """Use one up; False when somebody else has."""
        return await self.tx.execute("DELETE FROM sign_ins WHERE id = $1", sign_in_id) == 1

    async def of(self, user_id: UUID) -> list[Row]:
        """Those of one person."""
        return await self.tx.fetch(
            "SELECT proofs, organization_id, attempts, created_at, expires_at FROM sign_ins WHERE user_id = $1",
            user_id,
        )

    async def delete(self, user_id: UUID) -> int:
        """Forget those of one person."""
        return await self.tx.execute("DELETE FROM sign_ins WHERE user_id = $1", user_id)

    async def purge(self, at_most: int) -> int:
        """Forget those that nobody finished."""
        return await self.tx.execute(
            """
            DELETE FROM sign_ins
            WHERE id IN (SELECT id FROM sign_ins WHERE expires_at < kit_now() LIMIT $1 FOR UPDATE SKIP LOCKED)
            """,
            at_most,
        )

    async def begin(self, begun: Begun, standing: Standing, limits: Limits) -> Beginning:
        """Begin a session; one that was begun while all were being ended has ended too."""
        row = await self.tx.fetchrow(
            """
            WITH others AS (SELECT EXISTS (SELECT FROM devices WHERE user_id = $2) AS any), device AS (
                INSERT INTO devices (id, user_id, token_id) VALUES ($11, $2, $8)
                ON CONFLICT (user_id, token_id) DO UPDATE SET seen_at = kit_now()
                RETURNING id, id = $11 AS made
            ), session AS (
                INSERT INTO sessions (id, user_id, epoch, organization_id, expires_at, proofs, strong_at, device_id,
                                      visitor_sealed, identity_provider_id)
                SELECT $1, $2, $3, $4, kit_now() + $5::interval, $6, CASE WHEN $7 THEN kit_now() END, device.id,
                       $9, $10
                FROM device
            ), counted AS (
                INSERT INTO activity AS held (user_id, day, sign_ins)
                VALUES ($2, (kit_now() AT TIME ZONE 'UTC')::date, 1)
                ON CONFLICT (user_id, day) DO UPDATE SET sign_ins = least(held.sign_ins + 1, 1000000)
            )
            SELECT device.id, device.made, others.any AS elsewhere,
                   (SELECT count(*) FROM (
                       SELECT FROM sessions WHERE user_id = $2 AND ended_at IS NULL LIMIT $12
                   ) AS going_on) AS others
            FROM device, others
            """,
            begun.session_id,
            begun.user_id,
            standing.epoch,
            standing.organization_id,
            limits.absolute,
            sorted(begun.proofs),
            begun.strong,
            begun.token_id,
            begun.visitor_sealed,
            begun.identity_provider_id,
            new_id(),
            limits.parallel // _SOME,
        )
        if row is None:
            raise LookupError("an upsert that returned nothing")
        if row["made"]:
            await DeviceRepository(self.tx).make_room(begun.user_id)
        device = Recognised(row["id"], begun.token_id, row["made"] and row["elsewhere"])
        return Beginning(device, crowded=row["others"] >= limits.parallel // _SOME)


def _sign_in(row: Row | None) -> SignIn | None:
    if row is None:
        return None
    proofs = frozenset(Proof(each) for each in row["proofs"])
    return SignIn(row["id"], row["user_id"], proofs, row["organization_id"], row["identity_provider_id"])
