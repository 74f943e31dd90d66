from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.catalogue.catalogue import CATALOGUE
from billing.organizations.errors import OrganizationNotHeardOf
from contracts.event import Event
from kit.db.database import Database
from kit.ids import new_id

from .hearing import Ear, added, created, removed

FREE = CATALOGUE.versions[1].plans["free"]


async def test_a_new_organization_starts_active_on_the_free_plan_and_the_others_are_told(ear: Ear) -> None:
    organization_id = new_id()
    await ear.hear(created(organization_id))
    found = await ear.organization(organization_id)
    assert (found.plan, found.status, found.seats_used) == ("free", "active", 0)
    assert found.entitlements == FREE.limits
    (told,) = await ear.told([organization_id])
    assert (told.organization_id, told.plan, told.limits, told.version) == (organization_id, "free", FREE.limits, 1)


async def test_the_same_creation_twice_grants_once_and_tells_once(ear: Ear) -> None:
    """Doubled by the broker, sent again under another id, and replayed from history."""
    organization_id = new_id()
    event = created(organization_id)
    await ear.hear(event, event)
    await ear.hear(event)
    await ear.hear(created(organization_id))
    await ear.hear(event, generation=1)
    assert len(await ear.told([organization_id])) == 1
    assert (await ear.organization(organization_id)).version == 2
    found = await ear.audited(organization_id)
    assert [(line.action, line.actor_kind, line.target_kind, line.target_id) for line in found] == [
        ("billing.plan.changed", "system", "organization", str(organization_id)),
        ("billing.entitlements.changed", "system", "entitlements", str(organization_id)),
    ]


async def test_the_same_member_event_twice_counts_once(ear: Ear) -> None:
    organization_id, member = new_id(), new_id()
    event = added(organization_id, member)
    await ear.hear(created(organization_id), event, event)
    await ear.hear(event)
    await ear.hear(added(organization_id, member))
    await ear.hear(event, generation=1)
    assert (await ear.organization(organization_id)).seats_used == 1
    gone = removed(organization_id, member)
    await ear.hear(gone, gone)
    await ear.hear(gone, generation=1)
    assert (await ear.organization(organization_id)).seats_used == 0


async def test_an_addition_that_arrives_after_the_removal_takes_no_seat(ear: Ear) -> None:
    organization_id, member = new_id(), new_id()
    await ear.hear(created(organization_id), removed(organization_id, member))
    assert (await ear.organization(organization_id)).seats_used == 0
    await ear.hear(added(organization_id, member))
    assert (await ear.organization(organization_id)).seats_used == 0


async def test_a_member_who_comes_back_takes_the_seat_again(ear: Ear) -> None:
    """Also when both additions are in one batch and the newer one comes first."""
    organization_id, member = new_id(), new_id()
    first, left, back = (
        added(organization_id, member, 1),
        removed(organization_id, member, 2),
        added(organization_id, member, 3),
    )
    await ear.hear(created(organization_id), back, first, left)
    assert (await ear.organization(organization_id)).seats_used == 1


async def test_members_who_arrive_before_their_organization_are_not_lost(ear: Ear) -> None:
    organization_id = new_id()
    await ear.hear(added(organization_id, new_id()), added(organization_id, new_id()))
    with pytest.raises(OrganizationNotHeardOf):
        await ear.organization(organization_id)
    await ear.hear(created(organization_id))
    assert (await ear.organization(organization_id)).seats_used == 2


async def test_the_version_rises_with_every_change_and_with_nothing_else(ear: Ear) -> None:
    organization_id, member = new_id(), new_id()
    steps = [added(organization_id, member), removed(organization_id, member), added(organization_id, member, 3)]
    await ear.hear(created(organization_id))
    seen = [(await ear.organization(organization_id)).version]
    for step in steps:
        await ear.hear(step)
        seen.append((await ear.organization(organization_id)).version)
        await ear.hear(step, generation=1)
        assert (await ear.organization(organization_id)).version == seen[-1]
    assert seen == sorted(set(seen))


async def test_one_batch_for_two_organizations_gives_each_its_own_seats(ear: Ear) -> None:
    ours, theirs = new_id(), new_id()
    await ear.hear(created(ours), created(theirs))
    await ear.hear(added(ours, new_id()), added(theirs, new_id()), added(theirs, new_id()))
    assert (await ear.organization(ours)).seats_used == 1
    assert (await ear.organization(theirs)).seats_used == 2


async def test_an_event_cannot_touch_the_seat_of_another_organization(ear: Ear) -> None:
    """A removal that names our member in the name of another organization is refused by row-level security."""
    ours, theirs, member = new_id(), new_id(), new_id()
    await ear.hear(created(ours), created(theirs), added(ours, member))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ear.hear(removed(theirs, member))
    assert (await ear.organization(ours)).seats_used == 1
    assert (await ear.organization(theirs)).seats_used == 0


@pytest.mark.parametrize("table", ["organizations", "entitlements", "seats"])
async def test_a_forgotten_where_shows_only_our_own_rows(table: str, ear: Ear, database: Database) -> None:
    ours, theirs = new_id(), new_id()
    for organization_id in (ours, theirs):
        await ear.hear(created(organization_id), added(organization_id, new_id()))
    async with database.transaction(ours) as tx:
        rows = await tx.fetch(f"SELECT organization_id FROM {table}")
        assert [row["organization_id"] for row in rows] == [ours]
    with pytest.raises(asyncpg.PostgresError):
        async with database.transaction() as tx:
            await tx.fetch(f"SELECT organization_id FROM {table}")


ORGANIZATIONS = 2
# Per organization, per member: how often the membership changed (1: added, 2: and removed, 3: and added again).
STORIES = st.lists(st.lists(st.integers(1, 3), max_size=4), min_size=ORGANIZATIONS, max_size=ORGANIZATIONS)


def tell(story: list[list[int]]) -> tuple[list[Event], dict[UUID, int]]:
    """All events of a story, and how many seats each organization must have in the end."""
    events: list[Event] = []
    seats: dict[UUID, int] = {}
    for members in story:
        organization_id = new_id()
        events.append(created(organization_id))
        seats[organization_id] = sum(changes % 2 for changes in members)
        for changes in members:
            member_id = new_id()
            events += [
                (added if version % 2 else removed)(organization_id, member_id, version)
                for version in range(1, changes + 1)
            ]
    return events, seats


@given(story=STORIES, data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_in_whatever_order_and_however_often_events_arrive_the_projection_is_the_same(
    ear: Ear, story: list[list[int]], data: st.DataObject
) -> None:
    events, seats = tell(story)
    once = data.draw(st.permutations(range(len(events))), label="order")
    again = data.draw(st.lists(st.integers(0, len(events) - 1), max_size=8), label="doubled")
    order = data.draw(st.permutations([*once, *again]), label="arrivals")
    replayed = data.draw(st.lists(st.integers(0, len(events) - 1), max_size=4), label="replayed")
    await ear.hear(*(events[at] for at in order))
    await ear.hear(*(events[at] for at in replayed), generation=1)
    found = {organization_id: await ear.organization(organization_id) for organization_id in seats}
    assert {organization_id: each.seats_used for organization_id, each in found.items()} == seats
    assert all(
        (each.plan, each.status, each.entitlements) == ("free", "active", FREE.limits) for each in found.values()
    )
    assert sorted(told.organization for told in await ear.told(seats)) == sorted(seats)
