"""Every list and every look-up of a worker is read from an index, also when a table is large."""

import pytest

from kit.db.database import Database
from kit.ids import new_id

ORGANIZATION, ID = new_id(), new_id()


@pytest.mark.parametrize(
    ("sql", "args"),
    [
        ("SELECT 1 FROM connected_accounts WHERE id = $1 AND organization_id = $2", (ID, ORGANIZATION)),
        ("SELECT 1 FROM connected_accounts WHERE tokens_id = ANY ($1)", ([ID],)),
        ("SELECT 1 FROM connected_accounts WHERE judge_at <= kit_now() ORDER BY judge_at LIMIT 9", ()),
        ("SELECT 1 FROM connected_accounts WHERE platform = 'linkedin' AND external_blind = $1", (b"x",)),
        (
            "SELECT 1 FROM connected_accounts WHERE organization_id = $1 AND platform = $2 AND external_blind = $3",
            (ORGANIZATION, "linkedin", b"x"),
        ),
        ("SELECT 1 FROM connected_accounts WHERE connected_by = $1 AND id > $2 ORDER BY id LIMIT 9", (ID, ID)),
        ("SELECT 1 FROM connections WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT 9", (ID, ID)),
        ("SELECT 1 FROM posts WHERE created_by = $1 AND id > $2 ORDER BY id LIMIT 9", (ID, ID)),
        ("SELECT 1 FROM deliveries WHERE resolved_by = $1 AND id > $2 ORDER BY id LIMIT 9", (ID, ID)),
        ("SELECT 1 FROM connections WHERE state_hash = $1 AND used_at IS NULL", (b"x",)),
        ("SELECT 1 FROM connections WHERE expires_at < kit_now()", ()),
        ("SELECT 1 FROM posts WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT 9", (ORGANIZATION, ID)),
        (
            "SELECT 1 FROM posts WHERE organization_id = $1 AND status = 'x' AND id < $2 ORDER BY id DESC LIMIT 9",
            (ORGANIZATION, ID),
        ),
        ("SELECT 1 FROM posts WHERE organization_id = $1 AND publish_at >= kit_now()", (ORGANIZATION,)),
        ("SELECT 1 FROM deliveries WHERE id = ANY ($1)", ([ID],)),
        ("SELECT 1 FROM deliveries WHERE organization_id = $1 AND post_id = ANY ($2)", (ORGANIZATION, [ID])),
        ("SELECT 1 FROM deliveries WHERE organization_id = $1 AND account_id = $2", (ORGANIZATION, ID)),
        ("SELECT 1 FROM deliveries WHERE account_id = $1 AND external_id IS NOT NULL", (ID,)),
        ("SELECT 1 FROM deliveries WHERE account_id = $1 AND status = 'checking' AND id < $2", (ID, new_id())),
        ("SELECT 1 FROM deliveries WHERE external_id = $1", ("x",)),
        ("SELECT 1 FROM engagements WHERE delivery_id = $1", (ID,)),
    ],
)
async def test_an_index_answers(sql: str, args: tuple[object, ...], database: Database) -> None:
    async with database.transaction(ORGANIZATION) as tx:
        await tx.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await tx.execute("SET LOCAL enable_seqscan = off")
        found = "\n".join(row[0] for row in await tx.fetch(f"EXPLAIN {sql}", *args))
    assert "Index" in found, found
    assert "Seq Scan on" not in found.replace("Seq Scan on clock", ""), found
