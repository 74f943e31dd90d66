"""A forgotten password: the link can set one and nothing else, once, and ends whatever the old one began."""

import asyncio

import pytest

from contracts.auth import SessionsRevoked

from .authenticators import Authenticator, add_passkey
from .authenticators import ask as challenge
from .conftest import Forward
from .second_factors import with_app
from .story import GOOD, Person, Story, problem, text_of

ADA, NEW = "ada@example.com", "walnut-ferry-copper-38-moss"


async def ask(story: Story, email: str = ADA) -> None:
    answer = await story.http.post("/v1/password-resets", json={"email": email})
    assert (answer.status_code, answer.json()) == (202, {"request_token": None})
    await story.deliver()


async def link(story: Story, email: str = ADA) -> str:
    await ask(story, email)
    assert "/reset-password#token=" in text_of(story.postbox.to(email)[-1])
    return story.postbox.token(email)


async def reset(story: Story, token: str, password: str = NEW) -> tuple[int, str]:
    answer = await story.http.post("/v1/password-resets/complete", json={"token": token, "password": password})
    return (204, answer.text) if answer.status_code == 204 else problem(answer)


async def test_a_link_sets_a_password_ends_all_sessions_and_signs_nobody_in(story: Story) -> None:
    ada = await story.person(ADA)
    token = await link(story)
    assert await reset(story, token) == (204, ""), "no tokens come back"
    assert (await ada.refresh()).status_code == 401
    assert (await story.sign_in(ADA, GOOD)).status_code == 401
    assert (await story.sign_in(ADA, NEW)).status_code == 201
    revoked = (await story.told(SessionsRevoked))[-1]
    assert isinstance(revoked, SessionsRevoked)
    assert revoked.session_id is None
    await story.deliver()
    assert any("was reset, and all sessions were ended" in text_of(each) for each in story.postbox.to(ADA))


async def test_a_link_is_good_once_also_when_followed_many_times_at_once(story: Story) -> None:
    await story.person(ADA)
    token = await link(story)
    answers = await asyncio.gather(*(reset(story, token) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [204] + [410] * 7
    assert await reset(story, token, GOOD) == (410, "link-expired")


async def test_an_older_link_dies_with_the_password_it_was_to_replace(story: Story) -> None:
    await story.person(ADA)
    first, second = await link(story), await link(story)
    assert first != second
    assert (await reset(story, second))[0] == 204
    assert await reset(story, first, GOOD) == (410, "link-expired")
    third = await link(story)
    signed_in = Person(story.http, ADA, (await story.sign_in(ADA, NEW)).json())
    body = {"present": NEW, "password": GOOD}
    assert (await signed_in.call("PUT", "/v1/me/password", json=body)).status_code == 204
    assert await reset(story, third) == (410, "link-expired"), "the password was changed since"


async def test_a_link_expires_after_half_an_hour(story: Story, forward: Forward) -> None:
    await story.person(ADA)
    token = await link(story)
    await forward(30 * 60 + 1)
    assert await reset(story, token) == (410, "link-expired")


async def test_a_refused_password_leaves_the_link_good(story: Story) -> None:
    await story.person(ADA)
    token = await link(story)
    assert await reset(story, token, "password1234") == (422, "password-refused")
    assert await reset(story, token, "ada@example.com-x") == (422, "password-refused")
    assert (await reset(story, token))[0] == 204


async def test_links_of_other_purposes_and_junk_set_nothing(story: Story) -> None:
    await story.sign_up(ADA)
    await story.deliver()
    of_sign_up = story.postbox.token(ADA)
    assert await reset(story, of_sign_up) == (422, "link-malformed")
    assert await reset(story, "junk") == (422, "link-malformed")
    assert (await story.verify(of_sign_up)).status_code == 200
    token = await link(story)
    assert problem(await story.verify(token)) == (422, "link-malformed"), "and it opens nothing else"
    body = {"token": token, "request_token": token}
    assert problem(await story.http.post("/v1/magic-links/redeem", json=body)) == (422, "link-malformed")


async def test_who_has_no_account_is_answered_alike_and_gets_no_mail(story: Story) -> None:
    await story.person(ADA)
    before = len(story.postbox.taken)
    await ask(story, "nobody@example.com")
    await story.sign_up("waiting@example.com")
    await ask(story, "waiting@example.com")
    assert [to for to, _ in story.postbox.taken[before:]] == ["waiting@example.com"], "which is the sign-up's own"


async def test_the_mail_goes_to_the_address_as_its_owner_proved_it(story: Story) -> None:
    await story.person(ADA)
    await ask(story, "ADA@EXAMPLE.COM")
    assert story.postbox.taken[-1][0] == ADA


async def test_at_most_five_mails_an_hour_are_sent_and_the_answer_stays_the_same(
    story: Story, forward: Forward
) -> None:
    await story.person(ADA)
    before = len(story.postbox.to(ADA))
    for _ in range(8):
        await ask(story)
    assert len(story.postbox.to(ADA)) - before == 5
    await forward(3601)
    await ask(story)
    assert len(story.postbox.to(ADA)) - before == 6


async def test_the_second_factor_is_still_owed(story: Story) -> None:
    ada = await story.person(ADA)
    await with_app(story, ada)
    assert (await reset(story, await link(story)))[0] == 204
    answer = await story.sign_in(ADA, NEW)
    assert answer.status_code == 202
    assert "totp" in answer.json()["factors"]


async def test_with_a_second_factor_eight_characters_are_enough(story: Story) -> None:
    ada = await story.person(ADA)
    token = await link(story)
    assert await reset(story, token, "vq7#Lw2z") == (422, "password-refused")
    await with_app(story, ada)
    assert (await reset(story, await link(story), "vq7#Lw2z"))[0] == 204


@pytest.mark.parametrize("field", ["email", "phone"])
async def test_exactly_one_of_mail_address_and_number_is_given(field: str, story: Story) -> None:
    both = {"email": ADA, "phone": "+4915123456789"}
    for body in ({}, both, {field: None}):
        assert (await story.http.post("/v1/password-resets", json=body)).status_code == 422


async def test_changing_a_password_needs_the_present_one_or_a_fresh_proof(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    other = Person(story.http, ADA, (await story.sign_in(ADA)).json())
    await forward(11 * 60)
    await ada.refresh()
    assert problem(await ada.call("PUT", "/v1/me/password", json={"password": NEW})) == (403, "step-up-needed")
    wrong = await ada.call("PUT", "/v1/me/password", json={"present": NEW, "password": NEW})
    assert problem(wrong) == (403, "password-wrong")
    changed = await ada.call("PUT", "/v1/me/password", json={"present": GOOD, "password": NEW})
    assert changed.status_code == 204
    assert (await other.refresh()).status_code == 401, "other sessions end"
    assert (await ada.refresh()).status_code == 200, "this one goes on"
    assert (await story.sign_in(ADA, GOOD)).status_code == 401
    assert (await story.sign_in(ADA, NEW)).status_code == 201
    await story.deliver()
    assert any("The password of your account was changed." in text_of(each) for each in story.postbox.to(ADA))
    assert {"auth.password.changed", "auth.password.refused"} <= await actions(story)


async def test_right_after_signing_in_no_present_password_is_needed(story: Story) -> None:
    ada = await story.person(ADA)
    assert (await ada.call("PUT", "/v1/me/password", json={"password": NEW})).status_code == 204


async def test_the_present_password_cannot_be_guessed_in_an_open_session(story: Story) -> None:
    ada = await story.person(ADA)
    codes = [
        problem(await ada.call("PUT", "/v1/me/password", json={"present": f"guess-number-{at:03}", "password": NEW}))
        for at in range(14)
    ]
    assert codes[0] == (403, "password-wrong")
    assert codes[-1] == (429, "too-many-attempts")


async def test_of_two_changes_at_once_one_is_made(story: Story) -> None:
    ada = await story.person(ADA)
    bodies = [{"present": GOOD, "password": f"{NEW}-{at}"} for at in range(2)]
    answers = await asyncio.gather(*(ada.call("PUT", "/v1/me/password", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [204, 403]


async def actions(story: Story) -> set[str]:
    rows = await story.admin("SELECT body FROM outbox")
    found = (str(row["body"]) for row in rows)
    wanted = ("auth.password.changed", "auth.password.refused", "auth.password.reset")
    return {action for text in found for action in wanted if action in text}


SHORT = "vq7#Lw2z"


async def test_a_short_password_keeps_its_last_second_factor(story: Story) -> None:
    ada = await story.person(ADA)
    app, other = await with_app(story, ada), await with_app(story, ada, "Another")
    for path in (f"/v1/me/factors/totp/{app.id}", f"/v1/me/factors/totp/{other.id}"):
        changed = await ada.call("PUT", "/v1/me/password", json={"present": GOOD, "password": SHORT})
        assert changed.status_code in {204, 403}
        await ada.refresh()
        answer = await ada.call("DELETE", path)
        assert answer.status_code == (204 if path.endswith(app.id) else 409)
    assert problem(answer) == (409, "password-needs-factor")
    assert (await ada.call("GET", "/v1/me/factors")).json()["recovery_codes_left"] == 10, "nothing was removed"
    longer = await ada.call("PUT", "/v1/me/password", json={"present": SHORT, "password": NEW})
    assert longer.status_code == 204
    await ada.refresh()
    assert (await ada.call("DELETE", path)).status_code == 204
    short = await ada.call("PUT", "/v1/me/password", json={"present": NEW, "password": SHORT})
    assert problem(short) == (422, "password-refused")


async def test_a_short_password_by_a_link_keeps_a_passkey_too(story: Story) -> None:
    ada = await story.person(ADA)
    key = Authenticator()
    passkey = (await add_passkey(ada, key))["id"]
    assert (await reset(story, await link(story), SHORT))[0] == 204
    answer = await story.http.post("/v1/sessions/passkey", json={"assertion": key.answer(await challenge(story))})
    ada = Person(story.http, ADA, answer.json())
    refused = await ada.call("DELETE", f"/v1/me/factors/passkeys/{passkey}")
    assert problem(refused) == (409, "password-needs-factor")
    assert (await reset(story, await link(story), NEW))[0] == 204
    answer = await story.http.post("/v1/sessions/passkey", json={"assertion": key.answer(await challenge(story))})
    ada = Person(story.http, ADA, answer.json())
    assert (await ada.call("DELETE", f"/v1/me/factors/passkeys/{passkey}")).status_code == 204


async def test_a_good_password_needs_no_factor_although_there_was_one(story: Story) -> None:
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    assert (await ada.call("PUT", "/v1/me/password", json={"present": GOOD, "password": NEW})).status_code == 204
    await ada.refresh()
    assert (await ada.call("DELETE", f"/v1/me/factors/totp/{app.id}")).status_code == 204


async def test_of_a_short_password_and_the_removal_of_the_last_factor_one_wins(story: Story) -> None:
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    for _ in range(3):
        await asyncio.gather(
            ada.call("PUT", "/v1/me/password", json={"present": GOOD, "password": SHORT}),
            ada.call("DELETE", f"/v1/me/factors/totp/{app.id}?end_other_sessions=false"),
        )
        (row,) = await story.admin(
            """
            SELECT password_needs_factor AS needs, EXISTS (SELECT FROM totp_factors WHERE user_id = u.id) AS has
            FROM users AS u
            """
        )
        assert row["has"] or not row["needs"]
