from uuid import UUID

from auth.sign_ins.model import Proof, Visitor, Wish
from contracts.auth import AuthAuditRecorded
from kit.ids import new_id

from .conftest import Forward
from .story import GOOD, Person, Story, problem, text_of

ADA = "ada@example.com"


async def again(story: Story, person: Person, device: str = "") -> Person:
    """The same person in another session, on this device or another."""
    headers = {"device-token": device} if device else {}
    answer = await story.http.post("/v1/sessions", json={"email": person.email, "password": GOOD}, headers=headers)
    assert answer.status_code == 201, answer.text
    return Person(person.http, person.email, answer.json())


async def devices(person: Person) -> list[dict[str, object]]:
    answer = await person.call("GET", "/v1/devices")
    assert answer.status_code == 200
    found: list[dict[str, object]] = answer.json()["items"]
    return found


async def test_a_device_is_known_again_by_its_token(story: Story) -> None:
    ada = await story.person(ADA)
    token = ada.tokens["device_token"]
    second = await again(story, ada, token)
    assert second.tokens["device_token"] == token
    (device,) = await devices(second)
    assert device["current"] is True
    other = await again(story, ada)
    assert other.tokens["device_token"] != token
    assert [each["current"] for each in await devices(other)] == [True, False]


async def test_whoever_signs_in_on_a_new_device_is_told_by_mail_but_for_the_first(story: Story) -> None:
    ada = await story.person(ADA)
    await again(story, ada, ada.tokens["device_token"])
    await story.deliver()
    before = len(story.postbox.to(ADA))
    organization_id = await ada.create()
    answer = await story.sign_in(ADA, organization_id=organization_id)
    assert answer.status_code == 201
    await story.deliver()
    (mail,) = story.postbox.to(ADA)[before:]
    assert "a device that we have not seen before" in text_of(mail)


async def test_a_device_of_two_people_is_one_row_for_each(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person("bob@example.com")
    await again(story, bob, ada.tokens["device_token"])
    (hers,), his = await devices(ada), await devices(bob)
    assert hers["id"] not in {each["id"] for each in his}
    refused = await bob.call("DELETE", f"/v1/devices/{hers['id']}")
    assert problem(refused) == (404, "device-not-found")


async def test_a_device_is_named_under_its_owners_key(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person("bob@example.com")
    (device,) = await devices(ada)
    path, body = f"/v1/devices/{device['id']}", {"name": "Ada's laptop"}
    assert problem(await ada.call("PATCH", path, json=body)) == (428, "if-match-required")
    answer = await ada.call("PATCH", path, json=body, headers={"if-match": '"v1"'})
    assert (answer.status_code, answer.json()["name"], answer.headers["etag"]) == (200, "Ada's laptop", '"v2"')
    assert problem(await ada.call("PATCH", path, json=body, headers={"if-match": '"v1"'}))[0] == 412
    assert problem(await bob.call("PATCH", path, json=body, headers={"if-match": '"v2"'}))[0] == 404
    (row,) = await story.admin("SELECT name_sealed FROM devices WHERE name_sealed IS NOT NULL")
    assert b"laptop" not in row["name_sealed"]
    assert [each["name"] for each in await devices(ada)] == ["Ada's laptop"]


async def test_a_forgotten_device_is_unknown_and_signed_out(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    other = await again(story, ada)
    token = other.tokens["device_token"]
    (_, first) = await devices(other)
    await forward(601)
    await other.refresh()
    assert problem(await other.call("DELETE", f"/v1/devices/{first['id']}")) == (403, "step-up-needed")
    fresh = await again(story, ada, token)
    assert (await fresh.call("DELETE", f"/v1/devices/{first['id']}")).status_code == 204
    assert problem(await ada.refresh()) == (401, "session-ended")
    assert (await other.refresh()).status_code == 200
    assert len(await devices(fresh)) == 1


async def test_a_remembered_device_spares_the_second_factor_until_everything_ends(
    story: Story, forward: Forward
) -> None:
    ada = await story.person(ADA)
    user_id, entrance = UUID(ada.user_id), story.parts.entrance
    token_id = story.parts.mints.device.read(ada.tokens["device_token"]).ids[0]
    visitor = Visitor(device=token_id)

    async def remembered() -> object:
        (device,) = await devices(ada)
        return device["remembered_until"]

    async def admitted(*proofs: Proof, remember: bool = True) -> None:
        async with story.database.transaction() as tx:
            await entrance.admit(tx, user_id, proofs, Wish(visitor, remember_device=remember))

    await admitted(Proof.PASSWORD)
    assert await remembered() is None, "only after a second factor"
    await admitted(Proof.PASSWORD, Proof.TOTP, remember=False)
    assert await remembered() is None, "only who wishes so"
    await admitted(Proof.PASSWORD, Proof.TOTP)
    assert await remembered() is not None
    await forward(31 * 86400)
    ada = await again(story, ada, ada.tokens["device_token"])
    assert await remembered() is None, "for thirty days"
    await admitted(Proof.PASSWORD, Proof.TOTP)
    assert (await ada.call("DELETE", "/v1/devices/remembered")).status_code == 204
    assert await remembered() is None, "or until it is taken back"
    await admitted(Proof.PASSWORD, Proof.TOTP)
    assert (await ada.call("DELETE", "/v1/sessions")).status_code == 204
    ada = await again(story, ada, ada.tokens["device_token"])
    assert await remembered() is None, "or all sessions end"


async def test_no_more_than_a_hundred_devices_are_known_of_a_person(story: Story) -> None:
    ada = await story.person(ADA)
    await story.admin(
        "INSERT INTO devices (id, user_id, token_id, seen_at) SELECT gen_random_uuid(), $1, gen_random_uuid(), "
        "kit_now() - make_interval(days => n) FROM generate_series(1, 120) AS n RETURNING id",
        UUID(ada.user_id),
    )
    await again(story, ada)
    assert await story.count("devices") == 100
    assert (await again(story, ada, ada.tokens["device_token"])).tokens["device_token"] == ada.tokens["device_token"]


async def test_what_happens_to_devices_is_on_record(story: Story) -> None:
    ada = await story.person(ADA)
    await again(story, ada)
    lines = [each.action for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    assert lines.count("auth.device.added") == 1
    assert problem(await ada.call("DELETE", f"/v1/devices/{new_id()}")) == (404, "device-not-found")
