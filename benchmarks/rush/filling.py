"""Big tables: what a platform of some years holds, copied by SQL from rows that the doors' repositories wrote."""

from typing import Any

import asyncpg

_ORGANIZATIONS = (
    "CREATE TEMP TABLE fill_organizations AS SELECT n, gen_random_uuid() AS id FROM generate_series(0, {last}) n"
)
_COPIES = """
    CREATE TEMP TABLE fill_accounts AS
    SELECT n, gen_random_uuid() AS id,
           (SELECT id FROM fill_organizations AS o WHERE o.n = f.n / 10) AS organization_id
    FROM generate_series(0, {last}) AS f (n)
"""
_ACCOUNTS = """
    INSERT INTO publisher.connected_accounts
        (id, organization_id, platform, kind, scopes, state, connected_by, access_token, access_expires_at,
         refresh_token, tokens_id, good_until, judge_at, external_blind, external_sealed, name_sealed, grantor_blind)
    SELECT f.id, f.organization_id, one.platform, one.kind, one.scopes, one.state, gen_random_uuid(),
           one.access_token, one.access_expires_at, one.refresh_token, gen_random_uuid(), one.good_until,
           one.judge_at,
           sha256(f.id::text::bytea), one.external_sealed, one.name_sealed, sha256(('g' || f.id)::bytea)
    FROM fill_accounts AS f, (SELECT * FROM publisher.connected_accounts WHERE platform = 'x' LIMIT 1) AS one
"""
_LANES = """
    INSERT INTO publisher.ledger_lanes (organization_id, key, rate, ready_at)
    SELECT f.organization_id, 'x:' || f.id, one.rate, kit.kit_now() + interval '3 days'
    FROM fill_accounts AS f, (SELECT rate FROM publisher.ledger_lanes WHERE key LIKE 'x:%' LIMIT 1) AS one
"""
_POSTS = """
    CREATE TEMP TABLE fill_posts AS
    SELECT gen_random_uuid() AS id, gen_random_uuid() AS delivery_id, f.id AS account_id, f.organization_id,
           kit.kit_now() + interval '3 days' + (g.n * 31) * interval '1 second' AS due_at, g.n
    FROM generate_series(1, {posts}) AS g (n) JOIN fill_accounts AS f ON f.n = g.n % {accounts};
    INSERT INTO publisher.posts (id, organization_id, text, status, publish_at)
    SELECT id, organization_id, 'Fresh bread ' || n, 'scheduled', due_at FROM fill_posts;
    INSERT INTO publisher.deliveries (id, organization_id, post_id, account_id, platform, status)
    SELECT delivery_id, organization_id, id, account_id, 'x', 'scheduled' FROM fill_posts;
    INSERT INTO publisher.ledger_entries (id, kind, organization_id, lane_id, subject_id, due_at, first_due_at)
    SELECT gen_random_uuid(), 'publisher.delivery', f.organization_id, lane.id, f.delivery_id, f.due_at, f.due_at
    FROM fill_posts AS f JOIN publisher.ledger_lanes AS lane
        ON lane.organization_id = f.organization_id AND lane.key = 'x:' || f.account_id;
    DROP TABLE fill_posts;
"""
_TABLES = ("connected_accounts", "posts", "deliveries", "ledger_entries", "ledger_lanes")


async def fill(admin: "asyncpg.Connection[Any]", accounts: int, posts: int) -> None:
    """So many accounts and posts more, due from three days on; each account's share is alike."""
    await admin.execute("DROP TABLE IF EXISTS fill_organizations, fill_accounts")
    await admin.execute("SET session_replication_role = replica")  # what is copied refers to what is there
    await admin.execute(_ORGANIZATIONS.format(last=accounts // 10))
    await admin.execute("CREATE INDEX ON fill_organizations (n)")
    await admin.execute(_COPIES.format(last=accounts - 1))
    await admin.execute("CREATE INDEX ON fill_accounts (n)")
    await admin.execute("ANALYZE fill_accounts")
    await admin.execute(_ACCOUNTS)
    await admin.execute(_LANES)
    for first in range(0, posts, 100_000):
        await admin.execute(_POSTS.format(posts=min(100_000, posts - first), accounts=accounts))
    await admin.execute("RESET session_replication_role")
    for table in _TABLES:
        await admin.execute(f"VACUUM ANALYZE publisher.{table}")
