"""Announcements: to whom they are meant for, once each, whatever dies meanwhile; and called off at once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.announcements.kind import KIND, AnnouncementKind
from auth.staff.permissions import StaffRole
from contracts.auth import AuthAuditRecorded
from kit.jobs.jobs import Jobs
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Died, Mortal

from .conftest import Forward
from .staffing import Colleague, hired
from .story import Person, Story, problem, text_of

TEXTS = {
    "en": {
        "title": "We have moved",
        "text": "Our office has moved.\n\nCome and see <b>us</b>.",
        "link": "https://x.test/a",
    },
    "de": {"title": "Wir sind umgezogen", "text": "Unser Büro ist umgezogen."},
}


async def drafted(colleague: Colleague, texts: Any = None, **audience: Any) -> str:
    body = {"texts": texts or TEXTS, "audience": audience}
    answer = await colleague.call("POST", "/v1/staff/announcements", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def scheduled(colleague: Colleague, announcement_id: str, version: int = 1, send_at: str | None = None) -> Any:
    path = f"/v1/staff/announcements/{announcement_id}/schedule"
    return await colleague.call("POST", path, json={"send_at": send_at}, headers={"if-match": f'"v{version}"'})


async def work(story: Story) -> None:
    """Take turns until nothing is ready."""
    worker = story.parts.operations.jobs.worker()
    while not await worker.turn():
        pass


async def shown(colleague: Colleague, announcement_id: str) -> Any:
    return (await colleague.call("GET", f"/v1/staff/announcements/{announcement_id}")).json()


def mails(story: Story, person: Person, title: str = "We have moved") -> int:
    return [each["subject"] for each in story.postbox.to(person.email)].count(title)


async def inbox(person: Person, **headers: str) -> list[Any]:
    answer = await person.call("GET", "/v1/announcements", headers=headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def actions(story: Story) -> list[str]:
    told = [each.action for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    return [each for each in told if each.startswith("auth.announcement.")]


async def test_everybody_of_the_audience_is_told_in_the_console_and_by_mail(story: Story) -> None:
    admin = await hired(story)
    ada, bob = await story.person("ada@example.com"), await story.person("bob@example.com")
    await story.sign_up("unproven@example.com")
    announcement_id = await drafted(admin)
    reach = await admin.call("GET", f"/v1/staff/announcements/{announcement_id}/reach")
    assert reach.json() == {"people": 2}
    answer = await scheduled(admin, announcement_id)
    assert (answer.status_code, answer.json()["state"]) == (200, "scheduled")
    await work(story)
    await story.deliver()
    assert (mails(story, ada), mails(story, bob)) == (1, 1)
    assert story.postbox.to("unproven@example.com")[-1]["subject"] != "We have moved"
    (mail,) = [each for each in story.postbox.to(ada.email) if each["subject"] == "We have moved"]
    assert "List-Unsubscribe" in mail
    assert "Come and see &lt;b&gt;us&lt;/b&gt;." in text_of(mail, "html")
    assert "https://x.test/a" in text_of(mail)
    after = await shown(admin, announcement_id)
    assert (after["state"], after["told"], after["read"], after["job"]["state"]) == ("sent", 2, 0, "finished")
    (received,) = await inbox(ada, **{"accept-language": "de"})
    assert (received["title"], received["read_at"]) == ("Wir sind umgezogen", None)
    for _ in range(2):
        assert (await ada.call("PUT", f"/v1/announcements/{announcement_id}/read")).status_code == 204
    assert (await inbox(ada))[0]["read_at"] is not None
    assert (await ada.call("GET", "/v1/announcements?unread=true")).json()["items"] == []
    assert (await shown(admin, announcement_id))["read"] == 1
    assert await actions(story) == [
        "auth.announcement.drafted",
        "auth.announcement.scheduled",
        "auth.announcement.ended",
    ]


async def test_who_wants_no_announcements_finds_them_in_the_console_alone(story: Story) -> None:
    admin, ada, bob = await hired(story), await story.person("ada@example.com"), await story.person("bob@example.com")
    wishes = {"items": [{"category": "announcements", "wanted": False}]}
    answer = await ada.call("PUT", "/v1/mail-preferences", json=wishes, headers={"if-match": '"v0"'})
    assert answer.status_code == 200, answer.text
    await scheduled(admin, await drafted(admin))
    await work(story)
    answer = await bob.call("PUT", "/v1/mail-preferences", json=wishes, headers={"if-match": '"v0"'})
    assert answer.status_code == 200
    await story.deliver()
    assert (mails(story, ada), mails(story, bob)) == (0, 0), "bob said so while his mail waited"
    assert (len(await inbox(ada)), len(await inbox(bob))) == (1, 1)


async def test_an_audience_is_who_fits_all_of_it(story: Story) -> None:
    admin = await hired(story)
    ada, bob = await story.person("ada@example.com"), await story.person("bob@example.com")
    acme = await ada.create("Acme")
    editor = await story.member(ada, acme, "editor@example.com", "editor")
    await story.admin(
        "INSERT INTO quota_limits (organization_id, plan, limits, version) VALUES ($1, 'pro', '{}', 1)", UUID(acme)
    )
    now = story.database.clock.now().isoformat()
    for audience, people in (
        ({}, 3),
        ({"organization_id": acme}, 2),
        ({"organization_id": acme, "roles": ["editor"]}, 1),
        ({"plans": ["pro"]}, 2),
        ({"plans": ["pro"], "roles": ["owner"]}, 1),
        ({"plans": ["agency"]}, 0),
        ({"languages": ["de"]}, 0),
        ({"created_from": now}, 0),
        ({"created_until": now}, 3),
        ({"active_since": "2020-01-01T00:00:00Z"}, 3),
        ({"suspended": True}, 3),
    ):
        announcement_id = await drafted(admin, **audience)
        reach = await admin.call("GET", f"/v1/staff/announcements/{announcement_id}/reach")
        assert reach.json() == {"people": people}, audience
    await scheduled(admin, await drafted(admin, organization_id=acme, roles=["editor"]))
    await work(story)
    assert [len(await inbox(each)) for each in (ada, bob, editor)] == [0, 0, 1]


@pytest.fixture
async def mortal(place: TestDatabase) -> AsyncIterator[Mortal]:
    opened = await Mortal.open(place.url("auth"), name="auth mortal", pool_size=4, acquire_within=60)
    assert isinstance(opened, Mortal)
    try:
        yield opened
    finally:
        await opened.close()


async def test_killed_at_every_step_nobody_is_told_twice_and_nobody_forgotten(story: Story, mortal: Mortal) -> None:
    admin = await hired(story)
    people = [await story.person(f"p{number}@example.com") for number in range(4)]
    announcement_id = await drafted(admin)
    await scheduled(admin, announcement_id)
    mailer = story.parts.mailer
    dying = replace(mailer, database=mortal)
    deaths, lives = 0, 1
    while (await shown(admin, announcement_id))["state"] == "scheduled":
        mortal.live_for(lives)
        try:
            await Jobs(mortal, [AnnouncementKind(dying, batch=2)]).worker().turn()
            lives = 1
        except Died:
            deaths, lives = deaths + 1, lives + 1
        finally:
            mortal.live_for(None)
    assert deaths > 30
    await story.deliver()
    assert [mails(story, each) for each in people] == [1, 1, 1, 1]
    assert (await shown(admin, announcement_id))["job"]["done"] == 4


async def test_called_off_nobody_more_is_told_and_what_waits_never_leaves(story: Story) -> None:
    admin = await hired(story)
    people = [await story.person(f"p{number}@example.com") for number in range(3)]
    announcement_id = await drafted(admin)
    await scheduled(admin, announcement_id)
    jobs = Jobs(story.database, [AnnouncementKind(story.parts.mailer, batch=1)])
    worker = jobs.worker()
    for _ in range(3):  # found, and two told
        await worker.turn()
    for _ in range(2):
        answer = await admin.call("POST", f"/v1/staff/announcements/{announcement_id}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    await work(story)
    await story.deliver()
    assert [mails(story, each) for each in people] == [0, 0, 0]
    assert [await inbox(each) for each in people] == [[], [], []]
    assert problem(await scheduled(admin, announcement_id, 3)) == (409, "announcement-left")
    assert (await actions(story))[-2:] == ["auth.announcement.ended", "auth.announcement.cancelled"]
    assert (await shown(admin, announcement_id))["told"] == 2, "they had been told before it was called off"


async def test_it_leaves_at_its_time_and_no_sooner(story: Story, forward: Forward) -> None:
    admin, ada = await hired(story), await story.person("ada@example.com")
    announcement_id = await drafted(admin)
    assert problem(await scheduled(admin, announcement_id, send_at="2020-01-01T00:00:00Z")) == (
        422,
        "announcement-time-in-past",
    )
    later = (story.database.clock.now() + timedelta(hours=2)).isoformat()
    assert (await scheduled(admin, announcement_id, send_at=later)).status_code == 200
    await work(story)
    assert await inbox(ada) == []
    await forward(2 * 3600 + 1)
    await work(story)
    await ada.refresh()
    assert len(await inbox(ada)) == 1


async def test_more_mails_are_made_only_as_these_leave(story: Story) -> None:
    admin = await hired(story)
    people = [await story.person(f"p{number}@example.com") for number in range(12)]
    headers = {"if-match": '"v0"'}
    path = "/v1/staff/settings/announcement_mails_waiting"
    assert (await admin.call("PUT", path, json={"value": 10}, headers=headers)).status_code == 200
    announcement_id = await drafted(admin)
    await scheduled(admin, announcement_id)
    worker = Jobs(story.database, [AnnouncementKind(story.parts.mailer, batch=1)]).worker()
    for _ in range(30):
        await worker.turn()
    assert (await shown(admin, announcement_id))["told"] == 10
    await story.deliver()
    await story.admin("UPDATE jobs SET ready_at = kit_now() WHERE kind = $1", KIND)
    await work(story)
    await story.deliver()
    assert [mails(story, each) for each in people] == [1] * 12


async def test_a_draft_is_changed_by_versions_and_tried_out_by_its_author_alone(story: Story) -> None:
    admin, ada = await hired(story), await story.person("ada@example.com")
    announcement_id = await drafted(admin)
    path = f"/v1/staff/announcements/{announcement_id}"
    body = {"texts": {"en": {"title": "Other", "text": "Words."}}, "by_mail": False}
    changed = await admin.call("PUT", path, json=body, headers={"if-match": '"v1"'})
    assert (changed.status_code, changed.json()["version"], changed.json()["by_mail"]) == (200, 2, False)
    assert problem(await admin.call("PUT", path, json=body, headers={"if-match": '"v1"'})) == (
        412,
        "version-mismatch",
    )
    assert (await admin.call("POST", f"{path}/tests", json={"language": "de"})).status_code == 202
    await story.deliver()
    assert [each["subject"] for each in story.postbox.to(admin.email)] == ["Other"]
    assert mails(story, ada, "Other") == 0
    await scheduled(admin, announcement_id, 2)
    await work(story)
    await story.deliver()
    assert (mails(story, ada, "Other"), len(await inbox(ada))) == (0, 1), "in the console alone"
    assert await actions(story) == [
        "auth.announcement.drafted",
        "auth.announcement.changed",
        "auth.announcement.tried_out",
        "auth.announcement.scheduled",
        "auth.announcement.ended",
    ]


async def test_what_is_no_announcement(story: Story) -> None:
    admin = await hired(story)
    for texts in (
        {},
        {"de": TEXTS["de"]},
        {"en": {"title": "two\nlines", "text": "x"}},
        {"en": {"title": "x", "text": "x" * 2001}},
        {"en": {"title": "x", "text": "x", "link": "javascript:alert(1)"}},
        {"en": {"title": "x", "text": "x", "link": 'https://x.test/"onclick'}},
        {"en": {"title": "x", "text": "nul\x00"}},
    ):
        body: dict[str, Any] = {"texts": texts, "audience": {}}
        assert (await admin.call("POST", "/v1/staff/announcements", json=body)).status_code == 422, texts
    for audience in ({"roles": ["Dog!"]}, {"created_from": "yesterday"}, {"other": 1}):
        body = {"texts": TEXTS, "audience": audience}
        assert (await admin.call("POST", "/v1/staff/announcements", json=body)).status_code == 422, audience


async def test_the_same_request_twice_begins_one(story: Story) -> None:
    admin = await hired(story)
    body, headers = {"texts": TEXTS}, {"idempotency-key": "one"}
    answers = [await admin.call("POST", "/v1/staff/announcements", json=body, headers=headers) for _ in range(2)]
    assert len({each.json()["id"] for each in answers}) == 1


async def test_who_may_send_and_with_which_proof(story: Story, forward: Forward) -> None:
    support, operator = await hired(story, StaffRole.SUPPORT), await hired(story, StaffRole.OPERATOR)
    assert problem(await support.call("GET", "/v1/staff/announcements")) == (403, "permission-missing")
    announcement_id = await drafted(operator)
    await forward(601)
    await operator.refresh()
    assert problem(await scheduled(operator, announcement_id)) == (403, "step-up-needed")
    ada = await story.person("ada@example.com")
    assert problem(await ada.call("PUT", f"/v1/announcements/{announcement_id}/read")) == (
        404,
        "announcement-not-found",
    )
