from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.staff.model import Credentials, Enrolling, Member
from auth.staff.permissions import StaffRole
from kit.db.database import Row, Transaction

_LOCK = 0x73746166  # "staf"
_MEMBER = "id, email_sealed, role, enrolled_at IS NOT NULL AS enrolled, version, created_at"


@dataclass(frozen=True, slots=True)
class StaffRepository:
    """Members of staff."""

    tx: Transaction

    async def lock(self) -> None:
        """Let changes of the staff happen one after the other; held until the transaction ends."""
        await self.tx.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema()), $1)", _LOCK)

    async def add(self, staff_id: UUID, blind: bytes, sealed: bytes, role: StaffRole) -> bool:
        """Make somebody a member of staff; False when the address belongs to one."""
        added = await self.tx.execute(
            """
            INSERT INTO staff (id, email_blind, email_sealed, role) VALUES ($1, $2, $3, $4)
            ON CONFLICT (email_blind) DO NOTHING
            """,
            staff_id,
            blind,
            sealed,
            role,
        )
        return added == 1

    async def credentials(self, blind: bytes) -> Credentials | None:
        """What signing in with this address is judged by; None for who has not enrolled."""
        return _credentials(
            await self.tx.fetchrow(
                """
                SELECT id AS staff_id, role, epoch, password_hash, totp_sealed FROM staff
                WHERE email_blind = $1 AND enrolled_at IS NOT NULL
                """,
                blind,
            )
        )

    async def credentials_of(self, staff_id: UUID) -> tuple[Credentials, bytes] | None:
        """The same of a member who is signed in, with the hash of the address."""
        row = await self.tx.fetchrow(
            """
            SELECT id AS staff_id, role, epoch, password_hash, totp_sealed, email_blind FROM staff
            WHERE id = $1 AND enrolled_at IS NOT NULL
            """,
            staff_id,
        )
        if row is None:
            return None
        fields = dict(row)
        blind: bytes = fields.pop("email_blind")
        return Credentials(**fields | {"role": StaffRole(row["role"])}), blind

    async def take_step(self, credentials: Credentials, step: int) -> bool:
        """Take the code of a step; False when it or a later one was taken, or the member changed meanwhile."""
        return (
            await self.tx.execute(
                """
                UPDATE staff SET totp_step = $2
                WHERE id = $1 AND totp_step < $2 AND totp_sealed = $3 AND password_hash = $4 AND epoch = $5
                """,
                credentials.staff_id,
                step,
                credentials.totp_sealed,
                credentials.password_hash,
                credentials.epoch,
            )
            == 1
        )

    async def begin_enrolment(self, staff_id: UUID, enrolment_id: UUID, life: timedelta) -> None:
        """Let password and code app be set by whoever has the link of this id, and by no earlier one."""
        await self.tx.execute(
            """
            UPDATE staff SET enrolment_id = $2, enrolment_until = kit_now() + $3::interval, totp_sealed = NULL,
                             totp_step = 0, password_hash = NULL, enrolled_at = NULL, version = version + 1
            WHERE id = $1
            """,
            staff_id,
            enrolment_id,
            life,
        )

    async def enrolling(self, enrolment_id: UUID) -> Enrolling | None:
        """Whose enrolment this is, while it is open."""
        row = await self.tx.fetchrow(
            """
            SELECT id AS staff_id, email_sealed, totp_sealed FROM staff
            WHERE enrolment_id = $1 AND enrolment_until > kit_now()
            """,
            enrolment_id,
        )
        return None if row is None else Enrolling(**row)

    async def offer(self, enrolment_id: UUID, totp_sealed: bytes) -> bool:
        """Store the secret that is being shown; the newest counts."""
        return (
            await self.tx.execute(
                "UPDATE staff SET totp_sealed = $2 WHERE enrolment_id = $1 AND enrolment_until > kit_now()",
                enrolment_id,
                totp_sealed,
            )
            == 1
        )

    async def enrol(self, enrolment_id: UUID, password_hash: str, totp_sealed: bytes, step: int) -> UUID | None:
        """Use the enrolment up; None when it was, or another secret was shown meanwhile."""
        enrolled: UUID | None = await self.tx.fetchval(
            """
            UPDATE staff SET password_hash = $2, totp_step = $4, enrolled_at = kit_now(), enrolment_id = NULL,
                             enrolment_until = NULL, version = version + 1
            WHERE enrolment_id = $1 AND enrolment_until > kit_now() AND totp_sealed = $3
            RETURNING id
            """,
            enrolment_id,
            password_hash,
            totp_sealed,
            step,
        )
        return enrolled

    async def known(self, blind: bytes) -> UUID | None:
        """The member with this address."""
        found: UUID | None = await self.tx.fetchval("SELECT id FROM staff WHERE email_blind = $1", blind)
        return found

    async def find(self, staff_id: UUID) -> Member | None:
        """One member."""
        row = await self.tx.fetchrow(f"SELECT {_MEMBER} FROM staff WHERE id = $1", staff_id)  # noqa: S608 - ours
        return None if row is None else _member(row)

    async def page(self, after: UUID | None, at_most: int) -> list[Member]:
        """Members in the order of their ids."""
        rows = await self.tx.fetch(
            f"SELECT {_MEMBER} FROM staff WHERE id > $1 ORDER BY id LIMIT $2",  # noqa: S608 - ours
            after or UUID(int=0),
            at_most,
        )
        return [_member(row) for row in rows]

    async def count_admins(self) -> int:
        """How many have enrolled as administrators; to be believed only under the lock."""
        count: int = await self.tx.fetchval(
            "SELECT count(*) FROM staff WHERE role = 'admin' AND enrolled_at IS NOT NULL"
        )
        return count

    async def save_role(self, staff_id: UUID, role: StaffRole) -> None:
        """Give another role."""
        await self.tx.execute("UPDATE staff SET role = $2, version = version + 1 WHERE id = $1", staff_id, role)

    async def raise_epoch(self, staff_id: UUID) -> int:
        """Void all tokens of a member; returns the new epoch."""
        epoch: int = await self.tx.fetchval(
            "UPDATE staff SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch", staff_id
        )
        return epoch

    async def epoch(self, staff_id: UUID) -> int:
        """The epoch that tokens of a member carry now."""
        epoch: int = await self.tx.fetchval("SELECT epoch FROM staff WHERE id = $1", staff_id)
        return epoch

    async def remove(self, staff_id: UUID) -> None:
        """Forget a member, with all sessions."""
        await self.tx.execute("DELETE FROM staff WHERE id = $1", staff_id)


@dataclass(frozen=True, slots=True)
class StaffAttempts:
    """Sign-ins of staff without success."""

    tx: Transaction

    async def claim(
        self, identifier: bytes, free: int, longest: timedelta, forget_after: timedelta
    ) -> timedelta | None:
        """Count an attempt before it is made; beyond `free` of them each doubles the wait until the next.

        Returns:
            How long to wait, when none may be made now; else None.
        """
        counted = await self.tx.fetchval(
            """
            INSERT INTO staff_attempts AS held (identifier, failures, last_at, blocked_until)
            VALUES ($1, 1, kit_now(), to_timestamp(0))
            ON CONFLICT (identifier) DO UPDATE
            SET failures = CASE WHEN held.last_at < kit_now() - $4::interval THEN 1
                                ELSE least(held.failures + 1, 1000000) END,
                last_at = kit_now(),
                blocked_until = CASE
                    WHEN held.last_at < kit_now() - $4::interval OR held.failures < $2::integer THEN to_timestamp(0)
                    ELSE kit_now() + least(interval '1 second' * 2 ^ least(held.failures - $2::integer, 20),
                                           $3::interval) END
            WHERE held.blocked_until <= kit_now()
            RETURNING true
            """,
            identifier,
            free,
            longest,
            forget_after,
        )
        if counted:
            return None
        wait: timedelta | None = await self.tx.fetchval(
            "SELECT blocked_until - kit_now() FROM staff_attempts WHERE identifier = $1", identifier
        )
        return wait or timedelta(seconds=1)

    async def forget(self, identifier: bytes) -> None:
        """Count these no more: password and code were right."""
        await self.tx.execute("DELETE FROM staff_attempts WHERE identifier = $1", identifier)

    async def purge(self, kept_for: timedelta, at_most: int) -> int:
        """Forget attempts made so long ago."""
        return await self.tx.execute(
            """
            DELETE FROM staff_attempts
            WHERE identifier IN (SELECT identifier FROM staff_attempts WHERE last_at < kit_now() - $1::interval
                                 LIMIT $2 FOR UPDATE SKIP LOCKED)
            """,
            kept_for,
            at_most,
        )


def _credentials(row: Row | None) -> Credentials | None:
    return None if row is None else Credentials(**{**row, "role": StaffRole(row["role"])})


def _member(row: Row) -> Member:
    return Member(**{**row, "role": StaffRole(row["role"])})
