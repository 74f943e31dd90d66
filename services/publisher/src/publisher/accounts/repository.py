"""Accounts and their sealed tokens."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL
from postrules.limits import Platform
from publisher.accounts.errors import AccountNotFound
from publisher.accounts.model import Account, AccountKind, AccountState, Health, lane_of
from publisher.notifications.model import Notifications

_COLUMNS = """
    id, organization_id, platform, kind, external_blind, external_sealed, name_sealed, scopes, state, reason, told,
    connected_by, access_expires_at, refresh_token IS NOT NULL AS renewable, tokens_id, tokens_at, good_until,
    version, created_at, changed_at, notifications, notifications_reason
"""

_KEEPS = """
    $12::bytea IS NULL AND refresh_token IS NOT NULL AND state = 'connected'
    AND (refresh_expires_at IS NULL OR refresh_expires_at > kit_now())
"""

_CONNECT_ANEW = f"""
    UPDATE connected_accounts SET
        kind = $4, external_sealed = $6, name_sealed = $7, scopes = $8, state = 'connected', reason = '',
        told = 'connected', connected_by = $9, access_token = $10, access_expires_at = $11,
        refresh_token = CASE WHEN {_KEEPS} THEN refresh_token ELSE $12 END,
        refresh_expires_at = CASE WHEN {_KEEPS} THEN refresh_expires_at ELSE $13 END,
        tokens_id = $14, tokens_at = kit_now(), grantor_blind = $17,
        good_until = CASE WHEN {_KEEPS} THEN greatest(good_until, $15) ELSE $15 END,
        judge_at = $16, version = version + 1, changed_at = kit_now()
    WHERE id = $1 AND organization_id = $2 AND platform = $3 AND external_blind = $5
    RETURNING {_COLUMNS}
"""  # noqa: S608 - constants of this file

_ADD = f"""
    INSERT INTO connected_accounts (
        id, organization_id, platform, kind, external_blind, external_sealed, name_sealed, scopes, state,
        connected_by, access_token, access_expires_at, refresh_token, refresh_expires_at, tokens_id, good_until,
        judge_at, grantor_blind
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'connected', $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT DO NOTHING
    RETURNING {_COLUMNS}
"""  # noqa: S608 - constants of this file


@dataclass(frozen=True, slots=True)
class SealedIdentity:
    """What names an account, as it is stored: a hash to find it by, the platform's id of it, and its name."""

    blind: bytes
    external_id: bytes
    name: bytes


@dataclass(frozen=True, slots=True)
class SealedTokens:
    """Tokens as they are stored; no refresh token means that none came."""

    access_token: bytes
    access_expires_at: datetime | None
    refresh_token: bytes | None
    refresh_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountRepository:
    """The accounts of one organization: the transaction's, unless it is bound to several and one is named."""

    tx: Transaction
    of: UUID | None = None

    @property
    def organization_id(self) -> UUID:
        """Whose accounts these are."""
        return self.of or self.tx.organization_id

    async def find(self, account_id: UUID) -> Account:
        """The account, unless it was disconnected."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM connected_accounts"  # noqa: S608 - a constant
            " WHERE id = $1 AND organization_id = $2 AND state <> 'disconnected'",
            account_id,
            self.organization_id,
        )
        return _account(row)

    async def lock_all(self) -> None:
        """Who connects an account of this organization, or stops them all, waits until we commit."""
        await self.tx.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('connected_accounts ' || $1::uuid, 0))",
            self.organization_id,
        )

    async def lanes(self, account_id: UUID | None) -> dict[UUID, str]:
        """The lanes of this account, or of all, also disconnected ones, by account.

        Raises:
            AccountNotFound: there is no such account.
        """
        rows = await self.tx.fetch(
            "SELECT id, platform FROM connected_accounts"
            " WHERE organization_id = $1 AND ($2::uuid IS NULL OR id = $2)",
            self.organization_id,
            account_id,
        )
        if account_id is not None and not rows:
            raise AccountNotFound
        return {row["id"]: lane_of(self.organization_id, Platform(row["platform"]), row["id"]).key for row in rows}

    async def count(self) -> int:
        """How many there are, without the disconnected ones."""
        counted: int = await self.tx.fetchval(
            "SELECT count(*) FROM connected_accounts WHERE organization_id = $1 AND state <> 'disconnected'",
            self.organization_id,
        )
        return counted

    async def standing(self, account_ids: Collection[UUID]) -> set[UUID]:
        """Those of these that are not disconnected."""
        rows = await self.tx.fetch(
            "SELECT id FROM connected_accounts"
            " WHERE organization_id = $1 AND id = ANY ($2) AND state <> 'disconnected'",
            self.organization_id,
            list(account_ids),
        )
        return {row["id"] for row in rows}

    async def lock(self, account_id: UUID) -> Account:
        """Read the account for update, a disconnected one too; other writers of it wait until we commit."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM connected_accounts"  # noqa: S608 - a constant
            " WHERE id = $1 AND organization_id = $2 FOR UPDATE",
            account_id,
            self.organization_id,
        )
        return _account(row)

    async def tokens_of(self, account_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """Which version of tokens these accounts have, without waiting for their writers."""
        rows = await self.tx.fetch(
            "SELECT id, tokens_id FROM connected_accounts WHERE organization_id = $1 AND id = ANY ($2)",
            self.organization_id,
            list(account_ids),
        )
        return {row["id"]: row["tokens_id"] for row in rows}

    async def by_blinds(self, platform: Platform, blinds: Collection[bytes]) -> dict[bytes, UUID]:
        """The accounts that there are, by the hashes of the platform's ids."""
        rows = await self.tx.fetch(
            """
            SELECT id, external_blind FROM connected_accounts
            WHERE organization_id = $1 AND platform = $2 AND external_blind = ANY ($3)
            """,
            self.organization_id,
            platform,
            list(blinds),
        )
        return {row["external_blind"]: row["id"] for row in rows}

    async def lock_by_tokens(self, tokens_id: UUID) -> Account | None:
        """The account whose tokens are still this version, for update; None when they are not any more."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM connected_accounts"  # noqa: S608 - a constant
            " WHERE tokens_id = $1 FOR UPDATE",
            tokens_id,
        )
        return None if row is None else _account(row)

    async def among(self, account_ids: Collection[UUID]) -> dict[UUID, Account]:
        """Those of these accounts that there are, also disconnected ones."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM connected_accounts"  # noqa: S608 - a constant
            " WHERE organization_id = $1 AND id = ANY ($2)",
            self.organization_id,
            list(account_ids),
        )
        return {row["id"]: _account(row) for row in rows}

    async def page(self, after: UUID | None, limit: int) -> list[Account]:
        """Accounts in the order they were connected, but not the disconnected ones."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM connected_accounts"  # noqa: S608 - a constant
            " WHERE organization_id = $1 AND state <> 'disconnected' AND id > $2"
            " ORDER BY id LIMIT $3",
            self.organization_id,
            after or BEFORE_ALL,
            limit,
        )
        return [_account(row) for row in rows]

    async def save(
        self, account: Account, tokens: SealedTokens, judge_at: datetime | None, grantor: bytes | None
    ) -> Account | None:
        """Add the account, or connect it anew: it keeps its id, and a refresh token that is alive is not lost.

        None when it was forgotten meanwhile, or when somebody else has just added it under another id.
        """
        values = (
            account.id,
            account.organization_id,
            account.platform,
            account.kind,
            account.external_blind,
            account.external_sealed,
            account.name_sealed,
            list(account.scopes),
            account.connected_by,
            tokens.access_token,
            tokens.access_expires_at,
            tokens.refresh_token,
            tokens.refresh_expires_at,
            account.tokens_id,
            account.good_until,
            judge_at,
            grantor,
        )
        row = await self.tx.fetchrow(_CONNECT_ANEW, *values) or await self.tx.fetchrow(_ADD, *values)
        return None if row is None else _account(row)

    async def renew(
        self, account: Account, tokens: SealedTokens, good_until: datetime | None, judge_at: datetime | None
    ) -> Account:
        """Replace the tokens by renewed ones under a new `tokens_id`; the version rises with what people see."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE connected_accounts
            SET access_token = $3, access_expires_at = $4, refresh_token = coalesce($5, refresh_token),
                refresh_expires_at = coalesce($6, refresh_expires_at), tokens_id = $7, tokens_at = kit_now(),
                good_until = $8, judge_at = $9, state = 'connected', reason = '',
                version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            account.id,
            account.organization_id,
            tokens.access_token,
            tokens.access_expires_at,
            tokens.refresh_token,
            tokens.refresh_expires_at,
            account.tokens_id,
            good_until,
            judge_at,
        )
        return _account(row)

    async def set_state(self, account: Account, state: AccountState, reason: str) -> Account:
        """Another state with its reason; nothing is left to judge."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE connected_accounts
            SET state = $3, reason = $4, judge_at = NULL, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND organization_id = $2
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant
            account.id,
            account.organization_id,
            state,
            reason,
        )
        return _account(row)

    async def forget(self, account: Account) -> None:
        """Let go of what names a disconnected account and of who connected it; the row stays, since posts name it."""
        await self.tx.execute(
            """
            UPDATE connected_accounts
            SET external_blind = NULL, external_sealed = NULL, name_sealed = NULL, connected_by = NULL, scopes = '{}',
                notifications_reason = '', grantor_blind = NULL
            WHERE id = $1 AND organization_id = $2
            """,
            account.id,
            account.organization_id,
        )

    async def forget_tokens(self, account: Account) -> None:
        """Forget the tokens; what they opened can be opened no more by us."""
        await self.tx.execute(
            """
            UPDATE connected_accounts
            SET access_token = NULL, refresh_token = NULL, access_expires_at = NULL, refresh_expires_at = NULL,
                good_until = NULL
            WHERE id = $1 AND organization_id = $2
            """,
            account.id,
            account.organization_id,
        )

    async def told(self, account: Account, health: Health, judge_at: datetime | None) -> None:
        """Remember which health was told last, and when to look again."""
        await self.tx.execute(
            "UPDATE connected_accounts SET told = $3, judge_at = $4 WHERE id = $1 AND organization_id = $2",
            account.id,
            account.organization_id,
            health,
            judge_at,
        )

    async def sealed_tokens(self, tokens_ids: Collection[UUID]) -> list[Row]:
        """What is needed to renew these versions of tokens, of all organizations of the transaction."""
        return await self.tx.fetch(
            """
            SELECT tokens_id, id, platform, external_sealed, refresh_token
            FROM connected_accounts
            WHERE tokens_id = ANY ($1) AND state = 'connected' AND refresh_token IS NOT NULL
            """,
            list(tokens_ids),
        )


async def to_judge(tx: Transaction, at_most: int = 50) -> list[tuple[UUID, UUID]]:
    """Accounts of any organization whose health is to be looked at, as (organization, account)."""
    rows = await tx.fetch("SELECT id, organization_id FROM accounts_to_judge($1)", at_most)
    return [(row["organization_id"], row["id"]) for row in rows]


def _account(row: Row | None) -> Account:
    if row is None:
        raise AccountNotFound
    return Account(
        id=row["id"],
        organization_id=row["organization_id"],
        platform=Platform(row["platform"]),
        kind=AccountKind(row["kind"]),
        external_blind=row["external_blind"],
        external_sealed=row["external_sealed"],
        name_sealed=row["name_sealed"],
        scopes=tuple(row["scopes"]),
        state=AccountState(row["state"]),
        reason=row["reason"],
        told=Health(row["told"]),
        connected_by=row["connected_by"],
        access_expires_at=row["access_expires_at"],
        renewable=row["renewable"],
        tokens_id=row["tokens_id"],
        tokens_at=row["tokens_at"],
        good_until=row["good_until"],
        version=row["version"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        notifications=Notifications(row["notifications"]),
        notifications_reason=row["notifications_reason"],
    )


@dataclass(frozen=True, slots=True)
class PersonsAccounts:
    """What one user connected, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Account]:
        """Accounts and pages, in the order of their ids."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM connected_accounts
            WHERE connected_by = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,  # noqa: S608 - a constant
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )
        return [_account(row) for row in rows]

    async def lock(self, account_ids: Collection[UUID], user_id: UUID) -> list[Account]:
        """Those that are still this user's, for update."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM connected_accounts
            WHERE id = ANY ($1) AND connected_by = $2 AND organization_id = ANY ($3)
            ORDER BY id FOR UPDATE
            """,  # noqa: S608 - a constant
            list(account_ids),
            user_id,
            self.tx.organization_ids,
        )
        return [_account(row) for row in rows]

    async def unlink(self, account_ids: Collection[UUID]) -> int:
        """Pages stay, as nobody's; how many."""
        return await self.tx.execute(
            """
            UPDATE connected_accounts SET connected_by = NULL, version = version + 1, changed_at = kit_now()
            WHERE id = ANY ($1) AND organization_id = ANY ($2)
            """,
            list(account_ids),
            self.tx.organization_ids,
        )
