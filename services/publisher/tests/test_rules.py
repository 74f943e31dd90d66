from datetime import UTC, datetime, timedelta
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from kit.db.database import Database
from kit.ids import new_id
from publisher.accounts.model import WARNED_AHEAD, judged_at, renew_at
from publisher.deliveries.repository import DeliveryRepository
from publisher.platforms.live import receipt_of
from publisher.posts.model import PostStatus, overall

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STORED = [status for status in PostStatus if status is not PostStatus.PUBLISHING]


@given(life=st.floats(600, 60 * 86_400), chance=st.floats(0, 1))
def test_tokens_are_renewed_between_half_and_seven_tenths_of_their_life(life: float, chance: float) -> None:
    at = renew_at(NOW, NOW + timedelta(seconds=life), chance)
    assert 0.4999 * life <= (at - NOW).total_seconds() <= 0.7001 * life


def test_a_token_that_ends_at_once_is_not_renewed_at_once_for_ever() -> None:
    assert renew_at(NOW, NOW - timedelta(days=1), 0.0) > NOW + timedelta(minutes=2)


def test_health_is_looked_at_when_it_is_due_to_warn_and_when_the_permission_ends() -> None:
    until = NOW + timedelta(days=30)
    assert judged_at(NOW, None) is None
    assert judged_at(NOW, until) == until - WARNED_AHEAD
    assert judged_at(until - timedelta(days=1), until) == until
    assert judged_at(until, until) is None


async def test_the_stored_status_of_a_post_is_the_one_the_rule_says(database: Database) -> None:
    """The rule stands twice, as a function and as SQL: they say the same of any two deliveries."""
    organization_id, accounts = new_id(), [new_id(), new_id()]
    pairs = list(product(STORED, STORED))
    async with database.transaction(organization_id) as tx:
        for number, account in enumerate(accounts):
            await tx.execute(
                """
                INSERT INTO connected_accounts
                    (id, organization_id, platform, kind, external_blind, external_sealed, name_sealed, scopes, state,
                     connected_by, tokens_id)
                VALUES ($1, $2, 'linkedin', 'member', $3, '', '', '{}', 'connected', $1, $1)
                """,
                account,
                organization_id,
                bytes([number]) * 32,
            )
        posts = [new_id() for _ in pairs]
        for post, statuses in zip(posts, pairs, strict=True):
            await tx.execute(
                """
                INSERT INTO posts (id, organization_id, text, status, publish_at, created_by)
                VALUES ($1, $2, 'x', 'scheduled', kit_now(), $1)
                """,
                post,
                organization_id,
            )
            for account, status in zip(accounts, statuses, strict=True):
                await tx.execute(
                    """
                    INSERT INTO deliveries (id, organization_id, post_id, account_id, platform, status)
                    VALUES ($1, $2, $3, $4, 'linkedin', $5)
                    """,
                    new_id(),
                    organization_id,
                    post,
                    account,
                    status,
                )
        await DeliveryRepository(tx).summarize(posts)
        rows = await tx.fetch("SELECT id, status FROM posts")
    stored = {row["id"]: PostStatus(row["status"]) for row in rows}
    assert {post: overall(statuses) for post, statuses in zip(posts, pairs, strict=True)} == stored


def test_only_an_id_of_linkedins_is_taken_from_an_address() -> None:
    urn = "urn:li:share:7431329065766260736"
    assert receipt_of(f"https://www.linkedin.com/feed/update/{urn}/").external_id == urn
    assert receipt_of("https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A12/").external_id == "urn:li:share:12"
    for useless in (None, "", "https://x.test/", "urn:li:share:", "urn:li:person:abc", "javascript:alert(1)"):
        assert receipt_of(useless).external_id is None
