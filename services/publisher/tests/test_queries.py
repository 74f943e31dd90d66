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
        (
            "SELECT 1 FROM deliveries WHERE organization_id = $1 AND account_id = $2 ORDER BY post_id DESC LIMIT 9",
            (ORGANIZATION, ID),
        ),
        ("SELECT 1 FROM connected_accounts WHERE organization_id = $1 ORDER BY id LIMIT 9", (ORGANIZATION,)),
        ("SELECT 1 FROM deliveries WHERE account_id = $1 AND external_id IS NOT NULL", (ID,)),
        ("SELECT 1 FROM deliveries WHERE account_id = $1 AND status = 'checking' AND id < $2", (ID, new_id())),
        ("SELECT 1 FROM deliveries WHERE external_id = $1", ("x",)),
        ("SELECT 1 FROM engagements WHERE delivery_id = $1", (ID,)),
        ("SELECT 1 FROM delivery_steps WHERE id = ANY ($1)", ([ID],)),
        ("SELECT 1 FROM delivery_steps WHERE delivery_id = ANY ($1) ORDER BY delivery_id, part", ([ID],)),
        ("SELECT 1 FROM connected_accounts WHERE platform = $1 AND grantor_blind = $2", ("threads", b"x")),
        (
            "SELECT 1 FROM posting_queues WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT 9",
            (ORGANIZATION, ID),
        ),
        ("SELECT 1 FROM queue_places WHERE queue_id = $1 AND at > kit_now() ORDER BY at LIMIT 9", (ID,)),
        ("SELECT 1 FROM queue_places WHERE post_id = ANY ($1)", ([ID],)),
        (
            "SELECT 1 FROM publishing_stops WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT 9",
            (ORGANIZATION, ID),
        ),
        (
            "SELECT 1 FROM recurrences WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT 9",
            (ORGANIZATION, ID),
        ),
        ("SELECT 1 FROM recurrences WHERE look_at <= kit_now() ORDER BY look_at LIMIT 9", ()),
        ("SELECT 1 FROM recurrences WHERE created_by = $1 AND id > $2 ORDER BY id LIMIT 9", (ID, ID)),
        ("SELECT 1 FROM occurrences WHERE recurrence_id = $1 ORDER BY local LIMIT 9", (ID,)),
        ("SELECT 1 FROM account_budgets WHERE look_at <= kit_now() ORDER BY look_at LIMIT 9", ()),
        ("SELECT 1 FROM account_budgets WHERE reading_id = ANY ($1)", ([ID],)),
        (
            "SELECT 1 FROM post_imports WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT 9",
            (ORGANIZATION, ID),
        ),
        ("SELECT 1 FROM post_imports WHERE organization_id = $1 AND digest = $2", (ORGANIZATION, b"x")),
        ("SELECT 1 FROM post_import_rows WHERE import_id = $1 ORDER BY line", (ID,)),
        ("SELECT 1 FROM withdrawals WHERE done_at IS NULL AND due_at <= kit_now() ORDER BY due_at LIMIT 9", ()),
        ("SELECT 1 FROM withdrawals WHERE code_hash = $1", (b"x",)),
    ],
)
async def test_an_index_answers(sql: str, args: tuple[object, ...], database: Database) -> None:
    async with database.transaction(ORGANIZATION) as tx:
        await tx.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await tx.execute("SET LOCAL enable_seqscan = off")
        found = "\n".join(row[0] for row in await tx.fetch(f"EXPLAIN {sql}", *args))
    assert "Index" in found, found
    assert "Seq Scan on" not in found.replace("Seq Scan on clock", ""), found
