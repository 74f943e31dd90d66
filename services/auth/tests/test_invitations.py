import asyncio
from uuid import UUID

from contracts.auth import InvitationAccepted, InvitationCreated, InvitationRevoked, MemberAdded
from kit.ids import new_id

from .conftest import Forward
from .story import Story, problem


async def test_an_invited_person_becomes_a_member_in_that_role(story: Story) -> None:
    ada, bob = await story.person("ada@example.com"), await story.person("bob@example.com")
    organization_id = await ada.create("Acme")
    invited = await ada.invite(organization_id, "BOB@example.com", "approver")
    assert (invited.status_code, invited.json()["state"]) == (201, "pending")
    answer = await story.accept(bob)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["organization_id"], body["name"], body["role"]) == (organization_id, "Acme", "approver")
    assert (await bob.refresh(organization_id)).json()["role"] == "approver"
    created, accepted, added = (await story.told(InvitationCreated, InvitationAccepted, MemberAdded))[-3:]
    assert isinstance(created, InvitationCreated)
    assert isinstance(accepted, InvitationAccepted)
    assert isinstance(added, MemberAdded)
    assert str(created.invitation_id) == str(accepted.invitation_id) == invited.json()["id"]
    assert (created.version, accepted.version, added.version) == (1, 2, 1)
    assert (str(added.member_id), str(added.user_id)) == (body["member_id"], bob.user_id)


async def test_accepting_many_times_at_once_is_accepting_once(story: Story) -> None:
    ada, bob = await story.person("ada@example.com"), await story.person("bob@example.com")
    organization_id = await ada.create()
    await ada.invite(organization_id, bob.email)
    await story.deliver()
    answers = await asyncio.gather(*(story.accept(bob) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["member_id"] for answer in answers}) == 1
    assert len(await story.told(InvitationAccepted)) == 1
    assert await story.count("members", UUID(organization_id)) == 2


async def test_an_invitation_is_worth_nothing_to_anybody_else(story: Story) -> None:
    ada, eve = await story.person("ada@example.com"), await story.person("eve@example.com")
    organization_id = await ada.create()
    await ada.invite(organization_id, "bob@example.com")
    await story.deliver()
    token = story.postbox.token("bob@example.com")
    answer = await eve.call("POST", "/v1/invitations/accept", json={"token": token})
    assert problem(answer) == (403, "invitation-for-another")
    assert (await story.http.post("/v1/invitations/accept", json={"token": token})).status_code == 401
    bob = await story.person("bob@example.com")
    assert (await bob.call("POST", "/v1/invitations/accept", json={"token": token})).status_code == 200


async def test_a_token_that_was_not_in_our_mail_opens_nothing(story: Story) -> None:
    ada, bob = await story.person("ada@example.com"), await story.person("bob@example.com")
    mints = story.parts.mints
    made = (await ada.invite(await ada.create(), bob.email)).json()["id"]
    for token in ("x", mints.challenge.make(new_id()), mints.refresh.make(new_id())):
        answer = await bob.call("POST", "/v1/invitations/accept", json={"token": token})
        assert problem(answer) == (422, "invitation-malformed")
    crossed = mints.invitation.make(UUID(await bob.create()), UUID(made))
    answer = await bob.call("POST", "/v1/invitations/accept", json={"token": crossed})
    assert problem(answer) == (410, "invitation-gone")


async def test_a_revoked_invitation_opens_nothing(story: Story) -> None:
    ada, bob = await story.person("ada@example.com"), await story.person("bob@example.com")
    organization_id = await ada.create()
    invitation_id = (await ada.invite(organization_id, bob.email)).json()["id"]
    path = f"/v1/organizations/{organization_id}/invitations/{invitation_id}"
    await story.deliver()
    assert (await ada.call("DELETE", path)).status_code == 204
    assert (await ada.call("DELETE", path)).status_code == 204
    assert problem(await story.accept(bob)) == (410, "invitation-gone")
    assert len(await story.told(InvitationRevoked)) == 1
    assert problem(await ada.call("POST", f"{path}/mails")) == (409, "invitation-settled")


async def test_accepting_and_revoking_at_once_end_in_one_of_both(story: Story) -> None:
    ada, bob = await story.person("ada@example.com"), await story.person("bob@example.com")
    organization_id = await ada.create()
    invitation_id = (await ada.invite(organization_id, bob.email)).json()["id"]
    path = f"/v1/organizations/{organization_id}/invitations/{invitation_id}"
    await story.deliver()
    accepted, revoked = await asyncio.gather(story.accept(bob), ada.call("DELETE", path))
    assert (accepted.status_code, revoked.status_code) in ((200, 409), (410, 204))
    assert await story.count("members", UUID(organization_id)) == (2 if accepted.status_code == 200 else 1)


async def test_an_invitation_expires_after_a_week_and_another_mail_opens_it_again(
    story: Story, forward: Forward
) -> None:
    ada, bob = await story.person("ada@example.com"), await story.person("bob@example.com")
    organization_id = await ada.create()
    invitation_id = (await ada.invite(organization_id, bob.email)).json()["id"]
    await story.deliver()
    await forward(7 * 86400 + 1)
    for person in (ada, bob):
        await person.refresh()
    assert problem(await story.accept(bob)) == (410, "invitation-gone")
    path = f"/v1/organizations/{organization_id}/invitations"
    assert (await ada.call("GET", path)).json()["items"][0]["state"] == "expired"
    assert (await ada.call("POST", f"{path}/{invitation_id}/mails")).status_code == 202
    assert (await story.accept(bob)).status_code == 200


async def test_an_expired_invitation_makes_room_for_a_new_one(story: Story, forward: Forward) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    await ada.invite(organization_id, "bob@example.com")
    assert problem(await ada.invite(organization_id, "Bob@Example.com")) == (409, "already-invited")
    await forward(7 * 86400 + 1)
    await ada.refresh()
    assert (await ada.invite(organization_id, "bob@example.com")).status_code == 201
    path = f"/v1/organizations/{organization_id}/invitations"
    old, new = (await ada.call("GET", path)).json()["items"]
    assert (old["state"], new["state"]) == ("revoked", "pending")
    assert problem(await ada.call("POST", f"{path}/{old['id']}/mails")) == (409, "invitation-settled")
    (told,) = await story.told(InvitationRevoked)
    assert (told.subject_id, told.version) == (old["id"], 2)


async def test_one_address_is_invited_once_by_one_organization_however_many_try(story: Story) -> None:
    ada, carl = await story.person("ada@example.com"), await story.person("carl@example.com")
    ours, theirs = await ada.create(), await carl.create()
    answers = await asyncio.gather(*(ada.invite(ours, "bob@example.com") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]
    assert (await carl.invite(theirs, "bob@example.com")).status_code == 201, "others invite whom they like"


async def test_the_same_invitation_sent_twice_is_mailed_once(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    answers = [
        await ada.invite(organization_id, "bob@example.com", headers={"idempotency-key": "once"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    await story.deliver()
    assert len(story.postbox.to("bob@example.com")) == 1


async def test_who_is_a_member_is_not_invited_again(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    await story.member(ada, organization_id, "bob@example.com", "editor")
    assert problem(await ada.invite(organization_id, "bob@example.com")) == (409, "already-member")


async def test_a_mail_is_not_sent_again_without_end(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    invitation_id = (await ada.invite(organization_id, "bob@example.com")).json()["id"]
    path = f"/v1/organizations/{organization_id}/invitations/{invitation_id}/mails"
    assert [(await ada.call("POST", path)).status_code for _ in range(5)] == [202] * 4 + [429]
    await story.deliver()
    assert len(story.postbox.to("bob@example.com")) == 5


async def test_revoking_and_inviting_anew_does_not_fill_a_strangers_mailbox(story: Story, forward: Forward) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()

    async def again() -> int:
        answer = await ada.invite(organization_id, "bob@example.com")
        if answer.status_code == 201:
            path = f"/v1/organizations/{organization_id}/invitations/{answer.json()['id']}"
            assert (await ada.call("DELETE", path)).status_code == 204
        return answer.status_code

    assert [await again() for _ in range(12)] == [201] * 10 + [429] * 2
    assert (await ada.invite(organization_id, "carl@example.com")).status_code == 201
    await forward(86_401)
    await ada.refresh()
    assert await again() == 201


async def test_who_was_removed_does_not_come_back_by_the_old_link(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    bob = await story.member(ada, organization_id, "bob@example.com", "editor")
    member_id = (await ada.members(organization_id))["bob@example.com"]["id"]
    await ada.call("DELETE", f"/v1/organizations/{organization_id}/members/{member_id}")
    assert problem(await story.accept(bob)) == (410, "invitation-gone")
    assert (await ada.invite(organization_id, bob.email)).status_code == 201
    assert (await story.accept(bob)).status_code == 200


async def test_invitations_come_in_pages_for_those_who_may_invite(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    emails = [f"p{at}@example.com" for at in range(3)]
    for email in emails:
        await ada.invite(organization_id, email)
    path = f"/v1/organizations/{organization_id}/invitations?limit=2"
    first = (await ada.call("GET", path)).json()
    rest = (await ada.call("GET", f"{path}&cursor={first['next_cursor']}")).json()
    assert [each["email"] for each in first["items"] + rest["items"]] == emails
