"""Settings of the system: typed, versioned, changed by whoever may, and heard of."""

import asyncio
from typing import Any

from auth.staff.permissions import StaffRole
from auth.system.current import CurrentSettings
from auth.system.registry import MAINTENANCE, SETTINGS, SIGN_UPS
from contracts.auth import AuthAuditRecorded, SystemSettingChanged
from kit.http.caller import TokenRefused

from .conftest import Forward
from .staffing import Colleague, hired
from .story import GOOD, Story, problem


async def set_(colleague: Colleague, name: str, value: Any, version: int = 0) -> Any:
    headers = {"if-match": f'"v{version}"'}
    return await colleague.call("PUT", f"/v1/staff/settings/{name}", json={"value": value}, headers=headers)


async def test_every_setting_is_what_it_is_by_default_until_somebody_changes_it(story: Story) -> None:
    admin = await hired(story)
    listed = (await admin.call("GET", "/v1/staff/settings")).json()["items"]
    assert [each["name"] for each in listed] == list(SETTINGS)
    assert all(each["value"] == each["default"] and each["version"] == 0 for each in listed)
    assert all(each["sentence"].endswith(".") for each in listed)


async def test_a_change_has_a_version_a_line_an_event_and_a_history(story: Story) -> None:
    admin = await hired(story)
    first = await set_(admin, "sign_ups", "closed")
    assert (first.status_code, first.headers["etag"], first.json()["changed_by"]) == (200, '"v1"', admin.staff_id)
    assert problem(await set_(admin, "sign_ups", "open")) == (412, "version-mismatch")
    without = await admin.call("PUT", "/v1/staff/settings/sign_ups", json={"value": "open"})
    assert problem(without) == (428, "if-match-required")
    assert (await set_(admin, "sign_ups", "closed", 1)).json()["version"] == 1, "the same value again changes nothing"
    assert (await set_(admin, "sign_ups", "open", 1)).json()["version"] == 2
    events = await story.told(SystemSettingChanged)
    assert [(each.setting, each.version) for each in events if isinstance(each, SystemSettingChanged)] == [
        ("sign_ups", 1),
        ("sign_ups", 2),
    ]
    assert len({each.setting_id for each in events if isinstance(each, SystemSettingChanged)}) == 1
    lines = [each for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    (first_line, _) = [each for each in lines if each.action == "auth.system_setting.changed"]
    assert (first_line.actor_kind, str(first_line.actor_id)) == ("staff", admin.staff_id)
    assert (first_line.target_id, first_line.organization_id) == ("sign_ups", None)
    page = (await admin.call("GET", "/v1/staff/settings/sign_ups/changes?limit=1")).json()
    assert [each["value"] for each in page["items"]] == ["open"]
    rest = await admin.call("GET", f"/v1/staff/settings/sign_ups/changes?limit=1&cursor={page['next_cursor']}")
    assert [(each["value"], each["version"]) for each in rest.json()["items"]] == [("closed", 1)]


async def test_two_who_change_at_once_do_not_overwrite_each_other(story: Story) -> None:
    admin = await hired(story)
    answers = await asyncio.gather(*(set_(admin, "sign_ups", "closed") for _ in range(6)))
    assert sorted(each.status_code for each in answers) == [200, 412, 412, 412, 412, 412]


async def test_values_are_of_their_type_and_nothing_else(story: Story) -> None:
    admin = await hired(story)
    for name, value in (
        ("sign_ups", "ajar"),
        ("maintenance", {"on": True, "message": "a\nb"}),
        ("maintenance", {"on": True, "allowed_paths": ["/etc/passwd"]}),
        ("maintenance", {"on": True, "other": 1}),
        ("maintenance", {"on": True, "until": "2030-01-01T00:00:00"}),
        ("announcement_mails_waiting", 5),
        ("announcement_mails_waiting", "2000"),
        ("banner", {"shown": True, "texts": {"english": "x"}}),
    ):
        assert problem(await set_(admin, name, value)) == (422, "setting-invalid"), (name, value)
    assert problem(await set_(admin, "nonsense", 1)) == (404, "setting-not-found")


async def test_who_may_change_what(story: Story, forward: Forward) -> None:
    support, operator = await hired(story, StaffRole.SUPPORT), await hired(story, StaffRole.OPERATOR)
    assert problem(await set_(support, "maintenance", {"on": True})) == (403, "permission-missing")
    assert problem(await set_(operator, "sign_ups", "closed")) == (403, "permission-missing")
    assert (await set_(operator, "maintenance", {"on": True})).status_code == 200
    assert (await support.call("GET", "/v1/staff/settings/maintenance")).json()["value"]["on"] is True
    ada = await story.person("ada@example.com")
    assert problem(await ada.call("GET", "/v1/staff/settings")) == (401, TokenRefused.code)
    await forward(601)
    await operator.refresh()
    assert problem(await set_(operator, "maintenance", {"on": False}, 1)) == (403, "step-up-needed")


async def test_while_sign_ups_are_closed_nobody_opens_an_account_and_nobody_learns_anything(story: Story) -> None:
    admin = await hired(story)
    await story.person("known@example.com")
    await set_(admin, "sign_ups", "closed")
    known, unknown = await story.sign_up("known@example.com"), await story.sign_up("new@example.com")
    assert problem(known) == problem(unknown) == (403, "sign-ups-closed")
    assert (await story.sign_in("known@example.com")).status_code == 201, "who has an account goes on"
    await set_(admin, "sign_ups", "open", 1)
    assert (await story.sign_up("new@example.com")).status_code == 202


async def test_the_strict_policy_of_passwords_holds_from_when_it_is_set(story: Story) -> None:
    admin = await hired(story)
    short = GOOD[:14]
    assert (await story.sign_up("one@example.com", short)).status_code == 202
    await set_(admin, "password_policy", "strict")
    assert problem(await story.sign_up("two@example.com", short)) == (422, "password-refused")


async def test_everybody_may_know_what_is_public(story: Story) -> None:
    admin = await hired(story)
    await set_(admin, "banner", {"shown": True, "texts": {"en": "Hello.", "de": "Hallo."}})
    told = (await story.http.get("/v1/system")).json()["settings"]
    assert set(told) == {each.name for each in SETTINGS.values() if each.public}
    assert told["banner"]["texts"]["de"] == "Hallo."


async def test_gateways_ask_for_maintenance_mode(story: Story) -> None:
    admin = await hired(story)
    assert (await story.http.get("/internal/maintenance")).json()["on"] is False
    value = {"on": True, "message": "We move.", "until": "2030-01-01T00:00:00Z", "allowed_paths": ["/v1/posts"]}
    await set_(admin, MAINTENANCE.name, value)
    assert (await story.http.get("/internal/maintenance")).json() == {**value, "version": 1}


async def test_a_process_knows_what_was_set_before_it_began(story: Story) -> None:
    admin = await hired(story)
    await set_(admin, "sign_ups", "closed")
    another = CurrentSettings(story.database)
    assert another.value(SIGN_UPS) == "open"
    await another.refresh()
    assert another.value(SIGN_UPS) == "closed"
