"""Feature flags: who has what, steadily; switched by staff, told to everybody who asks."""

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from auth.flags.model import Rules, Subject, is_on, share_of
from auth.staff.permissions import StaffRole
from contracts.auth import AuthAuditRecorded, FlagChanged
from kit.ids import new_id

from .staffing import Colleague, hired
from .story import Person, Story, problem


async def define(colleague: Colleague, key: str = "new-composer", **rules: Any) -> Any:
    body = {"key": key, "sentence": "The new composer.", **rules}
    answer = await colleague.call("POST", "/v1/staff/flags", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def change(colleague: Colleague, version: int, key: str = "new-composer", **rules: Any) -> Any:
    body = {"sentence": "The new composer.", **rules}
    headers = {"if-match": f'"v{version}"'}
    return await colleague.call("PUT", f"/v1/staff/flags/{key}", json=body, headers=headers)


async def on(person: Person, key: str = "new-composer") -> bool:
    answer = await person.call("GET", "/v1/flags")
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["flags"][key])


@given(percentages=st.lists(st.floats(0, 100), min_size=2, max_size=2).map(sorted), subject=st.uuids())
def test_raising_a_share_takes_nobody_out(percentages: list[float], subject: UUID) -> None:
    lower, higher = (Rules(percentage=each, counted_by="user") for each in percentages)
    assert is_on("x", higher, Subject(subject)) or not is_on("x", lower, Subject(subject))


def test_shares_are_what_they_say_and_differ_between_flags() -> None:
    people = [new_id() for _ in range(20_000)]
    for percentage in (0, 1, 25, 50, 100):
        rules = Rules(percentage=percentage, counted_by="user")
        share = sum(is_on("composer", rules, Subject(each)) for each in people) / len(people) * 100
        assert abs(share - percentage) < 1.5
    both = sum(share_of("a", each) < 50 and share_of("b", each) < 50 for each in people) / len(people)
    assert abs(both - 0.25) < 0.02, "one flag's half is not another's"


def test_a_share_is_the_same_for_ever() -> None:
    assert share_of("composer", UUID(int=1)) == 8.26
    assert share_of("composer", UUID(int=2)) == 98.57


def test_rules_in_their_order() -> None:
    user, organization = new_id(), new_id()
    somebody = Subject(user, organization, "pro")
    assert not is_on("x", Rules(), somebody)
    assert is_on("x", Rules(by_default=True), somebody)
    assert is_on("x", Rules(users=frozenset({user})), somebody)
    assert is_on("x", Rules(organizations=frozenset({organization})), somebody)
    assert is_on("x", Rules(plans=frozenset({"pro"})), somebody)
    assert is_on("x", Rules(percentage=100), somebody)
    assert not is_on("x", Rules(percentage=100), Subject(user)), "a share of organizations holds nobody without one"
    assert not is_on("x", Rules(plans=frozenset({"pro"})), Subject(user))
    everything = Rules(True, True, 100, "user", frozenset({organization}), frozenset({"pro"}), frozenset({user}))
    assert not is_on("x", everything, somebody)


async def test_named_people_and_organizations_have_it_others_not(story: Story) -> None:
    admin = await hired(story)
    ada, bob = await story.person("ada@example.com"), await story.person("bob@example.com")
    await define(admin, users=[ada.user_id])
    assert (await on(ada), await on(bob)) == (True, False)
    organization_id = await bob.create()
    assert (await change(admin, 1, organizations=[organization_id])).status_code == 200
    assert (await on(ada), await on(bob)) == (False, False), "bob acts nowhere yet"
    assert (await bob.refresh(organization_id)).status_code == 200
    assert await on(bob)


async def test_a_plan_has_it_as_billing_last_said(story: Story) -> None:
    admin, ada = await hired(story), await story.person("ada@example.com")
    organization_id = await ada.create()
    await ada.refresh(organization_id)
    await define(admin, plans=["pro"])
    assert not await on(ada)
    await story.admin(
        "INSERT INTO quota_limits (organization_id, plan, limits, version) VALUES ($1, 'pro', '{}', 1)",
        UUID(organization_id),
    )
    assert await on(ada)


async def test_the_kill_switch_needs_no_version_and_ends_it_for_everybody(story: Story) -> None:
    admin, ada = await hired(story), await story.person("ada@example.com")
    await define(admin, by_default=True)
    assert await on(ada)
    for _ in range(2):
        assert (await admin.call("PUT", "/v1/staff/flags/new-composer/killed", json={"killed": True})).is_success
    assert not await on(ada)
    assert (await admin.call("PUT", "/v1/staff/flags/new-composer/killed", json={"killed": False})).is_success
    assert await on(ada)
    told = [each.version for each in await story.told(FlagChanged) if isinstance(each, FlagChanged)]
    assert told == [1, 2, 3]
    lines = [each for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    assert [each.action for each in lines].count("auth.flag.killed") == 2


async def test_flags_are_answered_with_a_tag(story: Story) -> None:
    admin, ada = await hired(story), await story.person("ada@example.com")
    await define(admin)
    first = await ada.call("GET", "/v1/flags")
    tag = {"if-none-match": first.headers["etag"]}
    assert (await ada.call("GET", "/v1/flags", headers=tag)).status_code == 304
    await change(admin, 1, by_default=True)
    changed = await ada.call("GET", "/v1/flags", headers=tag)
    assert (changed.status_code, changed.json()["flags"]) == (200, {"new-composer": True})


async def test_flags_are_made_changed_and_taken_away_by_versions_and_on_record(story: Story) -> None:
    admin = await hired(story)
    made = await define(admin, percentage=12.5)
    assert (made["percentage"], made["version"], made["counted_by"]) == (12.5, 1, "organization")
    again = await admin.call("POST", "/v1/staff/flags", json={"key": "new-composer", "sentence": "x"})
    assert problem(again) == (409, "flag-exists")
    assert (await change(admin, 1, percentage=20)).json()["version"] == 2
    assert problem(await change(admin, 1, percentage=30)) == (412, "version-mismatch")
    for bad in ({"percentage": 101}, {"percentage": -1}, {"counted_by": "dog"}, {"plans": ["A B"]}, {"more": 1}):
        assert (await change(admin, 2, **bad)).status_code == 422, bad
    await define(admin, "another")
    page = (await admin.call("GET", "/v1/staff/flags?limit=1")).json()
    rest = (await admin.call("GET", f"/v1/staff/flags?limit=1&cursor={page['next_cursor']}")).json()
    assert [each["key"] for each in page["items"] + rest["items"]] == ["another", "new-composer"]
    gone = await admin.call("DELETE", "/v1/staff/flags/new-composer", headers={"if-match": '"v2"'})
    assert gone.status_code == 204
    assert problem(await admin.call("GET", "/v1/staff/flags/new-composer")) == (404, "flag-not-found")
    lines = [each for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    actions = [each.action for each in lines if each.action.startswith("auth.flag.")]
    assert actions == ["auth.flag.created", "auth.flag.changed", "auth.flag.created", "auth.flag.deleted"]


async def test_only_who_may_changes_flags(story: Story) -> None:
    support = await hired(story, StaffRole.SUPPORT)
    refused = await support.call("POST", "/v1/staff/flags", json={"key": "x", "sentence": "x"})
    assert problem(refused) == (403, "permission-missing")
    assert (await support.call("GET", "/v1/staff/flags")).status_code == 200
