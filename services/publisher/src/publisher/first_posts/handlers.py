from contracts.auth import OnboardingCompleted
from kit.audit import SYSTEM, audited
from kit.db.database import Transaction
from publisher.first_posts.repository import FirstPostRepository
from publisher.first_posts.words import first_words
from publisher.posts.model import Post, PostStatus
from publisher.posts.repository import PostRepository


async def on_onboarding_completed(event: OnboardingCompleted, tx: Transaction) -> None:
    """Write the first draft, once: also when this is heard again after it was changed or deleted."""
    if not await FirstPostRepository(tx).add(event.onboarding_id, event.post_id):
        return
    draft = Post(
        id=event.post_id,
        organization_id=event.organization,
        text=first_words(event.template, event.goals, event.language),
        status=PostStatus.DRAFT,
        when=None,
        created_by=event.user_id,
        version=1,
        created_at=event.time,
        changed_at=event.time,
    )
    await PostRepository(tx).add(draft)
    await tx.emit(
        audited(
            "publisher.post.created", SYSTEM, "post", draft.id, status=draft.status.value, template=event.template
        )
    )
