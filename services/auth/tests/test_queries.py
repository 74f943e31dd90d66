"""Every list and every claim is read from an index, also when a table is large and a page is deep."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from kit.db.database import Database
from kit.ids import new_id

from .story import Story

ORGANIZATION = new_id()


async def plan(database: Database, sql: str, *args: object) -> str:
    """The plan where reading all and sorting cost as if tables were full: of empty ones any index is as good."""
    async with database.transaction(ORGANIZATION) as tx:
        await tx.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await tx.execute("SET LOCAL enable_seqscan = off")
        await tx.execute("SET LOCAL enable_sort = off")
        rows = await tx.fetch(f"EXPLAIN {sql}", *args)
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("sql", "args"),
    [
        ("SELECT user_id FROM identities WHERE kind = 'email' AND blind = $1", (b"x",)),
        ("SELECT sealed FROM identities WHERE user_id = $1", (new_id(),)),
        ("SELECT count(*) FROM outgoing_mails WHERE about = $1 AND created_at > kit_now()", (new_id(),)),
        ("SELECT id FROM outgoing_mails WHERE settled_at < kit_now()", ()),
        ("SELECT reason FROM mail_suppressions WHERE address_hash = ANY ($1)", ([b"x"],)),
        ("SELECT version FROM mail_preferences WHERE user_id = $1", (new_id(),)),
        (
            "SELECT count(*) FROM challenges WHERE blind = $1 AND purpose = $2 AND created_at > kit_now()",
            (b"x", "reset"),
        ),
        ("SELECT id FROM challenges WHERE blind = $1 AND purpose = $2 ORDER BY id DESC LIMIT 1", (b"x", "reset")),
        ("SELECT id FROM challenges WHERE user_id = $1", (new_id(),)),
        ("SELECT id FROM challenges WHERE expires_at < kit_now()", ()),
        ("SELECT count(*) FROM outgoing_texts WHERE blind = $1 AND created_at > kit_now()", (b"x",)),
        ("SELECT count(*) FROM outgoing_texts WHERE network = $1 AND created_at > kit_now()", (b"x",)),
        ("SELECT FROM outgoing_texts WHERE created_at > kit_now() LIMIT 9", ()),
        ("SELECT max(created_at) FROM outgoing_texts WHERE challenge_id = $1", (new_id(),)),
        ("SELECT id FROM outgoing_texts WHERE about = $1", (new_id(),)),
        ("SELECT count(*) FROM security_notices WHERE user_id = $1 AND notice = $2", (new_id(), "x")),
        ("SELECT id FROM security_notices WHERE happened_at < kit_now()", ()),
        ("SELECT id FROM sessions WHERE expires_at < kit_now()", ()),
        (
            "SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND used_at > $2 ORDER BY used_at",
            (new_id(), datetime.now(UTC)),
        ),
        ("SELECT id FROM factor_recoveries WHERE user_id = $1 AND state = 'pending'", (new_id(),)),
        ("SELECT id FROM factor_recoveries WHERE user_id = $1", (new_id(),)),
        ("SELECT id FROM factor_recoveries WHERE state = 'pending' AND due_at <= kit_now() ORDER BY due_at", ()),
        (
            "SELECT id FROM factor_recoveries WHERE state = 'pending' AND id < $1 ORDER BY id DESC LIMIT 9",
            (new_id(),),
        ),
        ("SELECT id FROM oauth_grants WHERE organization_id = $1 AND NOT strong AND ended_at IS NULL", (new_id(),)),
        ("SELECT id FROM revocations WHERE revoked_at > kit_now() ORDER BY revoked_at", ()),
        ("SELECT 1 FROM throttles WHERE last_at < kit_now()", ()),
        ("SELECT 1 FROM throttles WHERE lock_id = $1", (new_id(),)),
        ("SELECT id FROM devices WHERE user_id = $1 AND token_id = $2", (new_id(), new_id())),
        ("SELECT id FROM devices WHERE seen_at < kit_now()", ()),
        ("SELECT id FROM totp_factors WHERE user_id = $1", (new_id(),)),
        ("SELECT id FROM totp_factors WHERE activated_at IS NULL AND created_at <= kit_now()", ()),
        ("SELECT 1 FROM passkeys WHERE user_id = $1", (new_id(),)),
        ("SELECT 1 FROM passkeys WHERE credential_id = $1", (b"x",)),
        ("SELECT 1 FROM passkey_challenges WHERE challenge = $1", (b"x",)),
        ("SELECT 1 FROM passkey_challenges WHERE user_id = $1 AND about = $1 AND purpose = 'step-up'", (new_id(),)),
        ("SELECT 1 FROM passkey_challenges WHERE expires_at < kit_now()", ()),
        ("SELECT 1 FROM recovery_codes WHERE user_id = $1", (new_id(),)),
        ("SELECT role FROM members WHERE organization_id = $1 AND user_id = $2", (ORGANIZATION, new_id())),
        (
            "SELECT role FROM members WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT 9",
            (ORGANIZATION, new_id()),
        ),
        ("SELECT 1 FROM invitations WHERE organization_id = $1 AND id > $2 ORDER BY id", (ORGANIZATION, new_id())),
        (
            "SELECT 1 FROM invitations WHERE organization_id = $1 AND email_blind = $2 AND state = 'pending'",
            (ORGANIZATION, b"x"),
        ),
        (
            "SELECT 1 FROM invitations WHERE organization_id = $1 AND email_blind = $2 AND created_at > kit_now()",
            (ORGANIZATION, b"x"),
        ),
        (
            "SELECT 1 FROM ownership_transfers WHERE organization_id = $1 AND id > $2 ORDER BY id",
            (ORGANIZATION, new_id()),
        ),
        ("SELECT 1 FROM ownership_transfers WHERE to_member_id = $1", (new_id(),)),
        ("SELECT 1 FROM teams WHERE organization_id = $1 AND id > $2 ORDER BY id", (ORGANIZATION, new_id())),
        ("SELECT 1 FROM team_members WHERE member_id = $1", (new_id(),)),
        ("SELECT 1 FROM delegations WHERE organization_id = $1 AND id > $2 ORDER BY id", (ORGANIZATION, new_id())),
        ("SELECT 1 FROM delegations WHERE agency_id = $1 AND id > $2 ORDER BY id", (ORGANIZATION, new_id())),
        ("SELECT 1 FROM delegation_assignments WHERE delegation_id = $1", (new_id(),)),
        ("SELECT 1 FROM delegation_assignments WHERE team_id = $1", (new_id(),)),
        ("SELECT 1 FROM onboardings WHERE member_id = $1", (new_id(),)),
        (
            "SELECT 1 FROM subscription_claims WHERE organization_id = $1 AND id > $2 ORDER BY id",
            (ORGANIZATION, new_id()),
        ),
        ("SELECT 1 FROM subscription_claims WHERE code_hash = $1 AND state <> 'withdrawn'", (b"x",)),
        ("SELECT organization_id FROM invitations WHERE email_blind = $1", (b"x",)),
        ("SELECT id FROM users ORDER BY created_at DESC, id DESC LIMIT 9", ()),
        ("SELECT id FROM users WHERE created_at > kit_now() ORDER BY created_at DESC, id DESC LIMIT 9", ()),
        ("SELECT id FROM users WHERE suspended_at IS NOT NULL ORDER BY created_at DESC, id DESC LIMIT 9", ()),
        ("SELECT id FROM impersonations WHERE user_id = $1 AND id < $2 ORDER BY id DESC", (new_id(), new_id())),
        (
            "SELECT id FROM impersonations WHERE organization_id = $1 AND id < $2 ORDER BY id DESC",
            (ORGANIZATION, new_id()),
        ),
        ("SELECT id FROM impersonations WHERE staff_id = $1 AND id < $2 ORDER BY id DESC", (new_id(), new_id())),
        ("SELECT id FROM impersonations WHERE ends_at < kit_now()", ()),
        (
            "SELECT id FROM subscription_grants WHERE organization_id = $1 AND id < $2 ORDER BY id DESC",
            (ORGANIZATION, new_id()),
        ),
        ("SELECT id FROM staff_sessions WHERE expires_at < kit_now()", ()),
        ("SELECT id FROM staff WHERE enrolment_id = $1", (new_id(),)),
        ("SELECT role FROM api_keys WHERE organization_id = $1 AND id = $2", (ORGANIZATION, new_id())),
        ("SELECT id FROM api_keys WHERE organization_id = $1 AND id > $2 ORDER BY id", (ORGANIZATION, new_id())),
        ("SELECT id FROM api_keys WHERE made_by = $1 AND id > $2 ORDER BY id", (new_id(), new_id())),
        ("SELECT id FROM oauth_clients WHERE organization_id = $1 AND id > $2 ORDER BY id", (ORGANIZATION, new_id())),
        ("SELECT id FROM oauth_requests WHERE expires_at < kit_now()", ()),
        ("SELECT id FROM oauth_grants WHERE id = $1", (new_id(),)),
        (
            "SELECT id FROM oauth_grants WHERE user_id = $1 AND client_id = $2 ORDER BY id DESC OFFSET 9",
            (new_id(), new_id()),
        ),
        ("SELECT id FROM oauth_grants WHERE expires_at < kit_now()", ()),
        ("SELECT scopes FROM oauth_consents WHERE user_id = $1 AND client_id = $2", (new_id(), new_id())),
    ],
)
async def test_an_index_answers(sql: str, args: tuple[object, ...], story: Story) -> None:
    found = await plan(story.database, sql, *args)
    assert "Index" in found, found
    assert "Seq Scan on" not in found.replace("Seq Scan on clock", ""), found
    assert "Sort" not in found, found


async def test_a_deep_page_starts_where_the_last_one_ended(story: Story) -> None:
    """The keyset is a condition of the index, not a filter of what it yields."""
    found = await plan(
        story.database,
        "SELECT role FROM members WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT 9",
        ORGANIZATION,
        UUID(int=0),
    )
    condition = next(line for line in found.splitlines() if "Index Cond" in line)
    assert "(id > " in condition, found
