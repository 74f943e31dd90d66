"""The first draft of somebody who has completed their first steps."""

from itertools import product

import pytest

from contracts import decode
from contracts.audit import AuditEntry
from contracts.auth import OnboardingCompleted
from contracts.event import encode
from kit.db.database import Database
from kit.ids import new_id
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery
from postrules.drafts import Draft
from postrules.limits import Platform
from postrules.validation import validate
from publisher.first_posts.words import first_words
from publisher.posts.model import PostStatus
from publisher.posts.repository import PostRepository
from publisher.worker import SUBSCRIPTIONS

from .rows import Rows
from .story import Story

GOALS = ("be_seen", "post_regularly", "answer_faster", "win_customers", "understand_numbers")
TEMPLATES = ("craft", "food", "advice", "shop", "health", "community")


async def hear(database: Database, event: OnboardingCompleted) -> None:
    """Let it arrive: twice, as may happen, and once more as another message."""
    subscription = next(each for each in SUBSCRIPTIONS if each.event is OnboardingCompleted)
    for generation in (0, 0, 1):
        delivery = Delivery(1, encode(event), event.id, event.type, generation, event=event)
        await Applier(database, event.type, event.type, subscription).apply([delivery])


def completed(database: Database, **changed: object) -> OnboardingCompleted:
    said = {
        "organization_id": new_id(),
        "onboarding_id": new_id(),
        "user_id": new_id(),
        "post_id": new_id(),
        "goals": ["be_seen"],
        "template": "craft",
        "language": "en",
        "time": database.clock.now(),
    }
    return OnboardingCompleted.model_validate(said | changed)


async def test_the_draft_is_written_once_by_whom_and_with_the_id_that_were_said(database: Database) -> None:
    event = completed(database)
    await hear(database, event)
    async with database.transaction(event.organization) as tx:
        post = await PostRepository(tx).find(event.post_id)
        assert await tx.fetchval("SELECT count(*) FROM posts") == 1
    assert (post.status, post.created_by, post.when) == (PostStatus.DRAFT, event.user_id, None)
    assert post.text == first_words("craft", ["be_seen"], "en")


async def test_who_has_deleted_the_draft_does_not_get_it_again(database: Database) -> None:
    event = completed(database)
    await hear(database, event)
    async with database.transaction(event.organization) as tx:
        await PostRepository(tx).remove(event.post_id)
    again = event.model_copy(update={"id": new_id()})
    await hear(database, again)
    async with database.transaction(event.organization) as tx:
        assert await tx.fetchval("SELECT count(*) FROM posts") == 0


async def test_two_organizations_have_each_their_own(database: Database, rows: Rows) -> None:
    ours, theirs = completed(database), completed(database, template="food", language="de")
    await hear(database, ours)
    await hear(database, theirs)
    for event in (ours, theirs):
        async with database.transaction(event.organization) as tx:
            assert await tx.fetchval("SELECT text FROM posts") == first_words(
                event.template, event.goals, event.language
            )
            assert await tx.fetchval("SELECT count(*) FROM first_posts") == 1
        assert await rows.told(event.organization) == [], "a draft is nobody's fact"


async def test_it_is_on_record_that_the_platform_wrote_it(database: Database) -> None:
    event = completed(database)
    await hear(database, event)
    async with database.transaction() as tx:
        bodies = await tx.fetch("SELECT body FROM outbox")
    (line,) = [each for row in bodies if isinstance(each := decode(row["body"]), AuditEntry)]
    assert (line.action, line.actor_kind, line.target_id) == (
        "publisher.post.created",
        "system",
        str(event.post_id),
    )


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_template_and_goal_has_words_that_platforms_accept(language: str) -> None:
    said = {first_words(template, [goal], language) for template, goal in product(TEMPLATES, GOALS)}
    assert len(said) == len(TEMPLATES) * len(GOALS)
    for text in said:
        assert validate(Draft(Platform.LINKEDIN, text)) == []


def test_what_is_not_known_yet_is_passed_over() -> None:
    assert first_words("space", ["fame"], "tlh") == first_words("space", [], "en") != ""


async def test_the_person_finds_it_among_their_posts(story: Story) -> None:
    event = completed(story.database)
    await hear(story.database, event)
    answer = await story.client(event.organization).get(f"/v1/posts/{event.post_id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "draft")
