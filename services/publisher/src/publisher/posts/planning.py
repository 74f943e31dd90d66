"""Carrying the wishes for a post out, on rows of which nothing has left."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from kit.db.database import Transaction
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect
from publisher.accounts.model import Account, lane_of
from publisher.accounts.repository import AccountRepository
from publisher.budgets.planning import within_budgets
from publisher.budgets.projects import within_projects
from publisher.deliveries.model import KIND, Delivery
from publisher.deliveries.repository import DeliveryRepository
from publisher.deliveries.sending import Sending
from publisher.posts.checking import check
from publisher.posts.composing import Composed, compose, needs
from publisher.posts.model import Changes, Post, PostStatus, Target, Unset
from publisher.posts.when import checked


@dataclass(frozen=True, slots=True)
class Plan:
    """A post as it is to be, and the accounts it is for."""

    post: Post
    targets: tuple[Target, ...]
    accounts: dict[UUID, Account]


async def plan(
    tx: Transaction,
    sending: Sending,
    post: Post,
    deliveries: Sequence[Delivery],
    changes: Changes,
    *,
    now: datetime,
    queue_id: UUID | None = None,
) -> Plan:
    """The post with its changes, if it could be published so; `queue_id` is whose slot its new time is.

    Raises:
        PostNotAcceptable, TimeNotAcceptable: it could not.
    """
    targets = tuple(Target(each.account_id, each.text, each.different) for each in deliveries)
    targets = targets if changes.targets is Unset else changes.targets
    text = post.text if changes.text is Unset else changes.text
    when = changes.time(post.when)
    if when is not None and when != post.when:
        when = checked(when, now)
    accounts = await AccountRepository(tx).among({target.account_id for target in targets})
    content = post.content if changes.content is Unset else changes.content
    composed = await compose(tx, sending.media, Composed(text, content, targets, accounts), hold=True)
    check(composed, sending.platforms, final=when is not None)
    if when is not None and sending.renditions is not None:
        wanted_media = (
            need for each in composed.variants() for need in needs(each.account.platform, each.content, each.media)
        )
        await sending.renditions.ask(tx, wanted_media)
    if when is not None and (when != post.when or changes.targets is not Unset):
        await within_budgets(tx, post.id, when.at, accounts, content.kind.value)
        await within_projects(tx, post.id, when.at, accounts, sending.platforms)
    status = PostStatus.DRAFT if when is None else PostStatus.SCHEDULED
    queue_id = post.queue_id if changes.when is Unset else queue_id
    wanted = replace(post, text=text, content=content, when=when, status=status, queue_id=queue_id)
    return Plan(wanted, targets, accounts)


async def carry_out(
    tx: Transaction, ledger: Ledger, planned: Plan, deliveries: Sequence[Delivery], *, anew: bool
) -> None:
    """Let the deliveries be those of the targets; `anew` replaces them all, for an effect is never used twice."""
    rows, post = DeliveryRepository(tx), planned.post
    wanted = {target.account_id: target for target in planned.targets}
    kept = {} if anew else {each.account_id: each for each in deliveries if each.account_id in wanted}
    gone = [each.id for each in deliveries if each.account_id not in kept]
    if gone:
        await ledger.cancel(tx, KIND, gone)
        await rows.remove(gone)
    for account_id, delivery in kept.items():
        await rows.set_variant(delivery.id, wanted[account_id].text, wanted[account_id].different)
    added = [_delivery(planned, target) for target in planned.targets if target.account_id not in kept]
    if added:
        await rows.add(added)
        if post.when is not None:
            await ledger.add(tx, *(_effect(post, each, post.when.at) for each in added))


def _delivery(planned: Plan, target: Target) -> Delivery:
    return Delivery(
        id=new_id(),
        post_id=planned.post.id,
        account_id=target.account_id,
        platform=planned.accounts[target.account_id].platform,
        text=target.text,
        different=target.different,
        status=planned.post.status,
        external_id=None,
        url=None,
        reason="",
        code="",
        published_at=None,
        resolved_by=None,
        version=1,
    )


def _effect(post: Post, delivery: Delivery, due_at: datetime) -> Effect:
    lane = lane_of(post.organization_id, delivery.platform, delivery.account_id)
    return Effect(KIND, lane, delivery.id, due_at)
