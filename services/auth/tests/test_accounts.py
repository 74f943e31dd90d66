import asyncio

import pytest

from contracts.auth import UserRegistered, UserVerified

from .conftest import Forward
from .story import GOOD, LINK, Story, problem, text_of

ADA = "ada@example.com"


async def test_signing_up_verifying_and_signing_in_opens_an_account(story: Story) -> None:
    assert (await story.sign_up(ADA)).status_code == 202
    await story.deliver()
    verified = await story.verify(story.postbox.token(ADA))
    assert verified.status_code == 200
    signed_in = await story.sign_in(ADA)
    assert signed_in.status_code == 201
    body = signed_in.json()
    assert body["user_id"] == verified.json()["user_id"]
    assert (body["token_type"], body["expires_in"], body["organization_id"], body["role"]) == (
        "Bearer",
        600,
        None,
        None,
    )
    assert signed_in.headers["cache-control"] == "no-store"
    registered, proven = await story.told(UserRegistered, UserVerified)
    assert isinstance(registered, UserRegistered)
    assert isinstance(proven, UserVerified)
    assert str(registered.user_id) == str(proven.user_id) == body["user_id"]
    assert (registered.version, proven.version) == (1, 2)


async def test_an_answer_tells_nobody_whether_an_address_has_an_account(story: Story) -> None:
    """New, not verified, verified: the same status, body and headers; the mail tells the truth."""
    await story.person(ADA)
    await story.sign_up("slow@example.com")
    answers = [await story.sign_up(email) for email in ("new@example.com", "slow@example.com", ADA)]
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    shown = [{k: v for k, v in answer.headers.items() if k != "x-request-id"} for answer in answers]
    assert shown[0] == shown[1] == shown[2]
    await story.deliver()
    subjects = [story.postbox.to(email)[-1]["subject"] for email in ("new@example.com", "slow@example.com", ADA)]
    assert subjects == ["Confirm your e-mail address", "Confirm your e-mail address", "You already have an account"]


async def test_signing_in_tells_nobody_whether_an_address_has_an_account(story: Story) -> None:
    """Also not through an account one has just asked for: not verified looks like a wrong password."""
    await story.person(ADA)
    await story.sign_up("slow@example.com")
    answers = [
        await story.sign_in("nobody@example.com"),
        await story.sign_in(ADA, "another-password-77-x"),
        await story.sign_in("slow@example.com", GOOD),
        await story.sign_in("slow@example.com", "another-password-77-x"),
    ]
    assert {problem(answer) for answer in answers} == {(401, "wrong-credentials")}
    bodies = [{k: v for k, v in answer.json().items() if k != "request_id"} for answer in answers]
    assert all(body == bodies[0] for body in bodies)


async def test_asking_for_another_mail_is_answered_alike_and_mails_only_who_has_an_account(story: Story) -> None:
    await story.person(ADA)
    await story.sign_up("slow@example.com")
    await story.deliver()
    before = len(story.postbox.taken)
    answers = [
        await story.http.post("/v1/accounts/verification-mails", json={"email": email})
        for email in ("nobody@example.com", "slow@example.com", ADA)
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"{}")}
    await story.deliver()
    assert sorted(to for to, _ in story.postbox.taken[before:]) == [ADA, "slow@example.com"]


async def test_two_hundred_sign_ups_of_one_address_at_once_make_one_account(story: Story) -> None:
    spellings = ["Ada@Example.com", "ada@example.COM", "ADA@example.com", " ada@example.com "]
    answers = await asyncio.gather(*(story.sign_up(spellings[at % 4]) for at in range(200)))
    assert {answer.status_code for answer in answers} == {202}
    await story.deliver()
    assert len(story.postbox.taken) == 5, "and nobody's mailbox is flooded"
    links = [LINK.search(text_of(message)) for _, message in story.postbox.taken]
    proofs = await asyncio.gather(*(story.verify(link.group(1)) for link in links if link for _ in range(4)))
    assert sorted(answer.status_code for answer in proofs) == [200] + [410] * 19
    assert await story.count("users") == await story.count("identities") == 1
    assert len(await story.told(UserRegistered)) == 1
    assert (await story.sign_in(ADA)).status_code == 201


async def test_a_link_is_good_once(story: Story) -> None:
    await story.sign_up(ADA)
    await story.deliver()
    token = story.postbox.token(ADA)
    answers = await asyncio.gather(*(story.verify(token) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410, 410]
    assert problem(await story.verify(token)) == (410, "link-used")
    assert len(await story.told(UserVerified)) == 1


async def test_a_link_expires_after_a_day_and_another_mail_brings_another(story: Story, forward: Forward) -> None:
    await story.sign_up(ADA)
    await story.deliver()
    old = story.postbox.token(ADA)
    await forward(24 * 3600 + 1)
    assert problem(await story.verify(old)) == (410, "link-expired")
    await story.http.post("/v1/accounts/verification-mails", json={"email": ADA})
    await story.deliver()
    assert (await story.verify(story.postbox.token(ADA))).status_code == 200


async def test_an_earlier_link_stays_good_after_another_mail(story: Story) -> None:
    await story.sign_up(ADA)
    await story.deliver()
    first = story.postbox.token(ADA)
    await story.http.post("/v1/accounts/verification-mails", json={"email": ADA})
    await story.deliver()
    second = story.postbox.token(ADA)
    assert first != second
    assert (await story.verify(first)).status_code == 200
    assert problem(await story.verify(second)) == (410, "link-used")


async def test_a_strangers_link_in_my_mailbox_does_not_open_my_account_to_them(story: Story) -> None:
    """They sign up with my address after me; whichever mail I open, their password never becomes mine."""
    stranger = "the-strangers-own-19-password"
    await story.sign_up(ADA, GOOD)
    await story.deliver()
    mine = story.postbox.token(ADA)
    await story.sign_up(ADA, stranger)
    await story.http.post("/v1/accounts/verification-mails", json={"email": ADA})
    await story.deliver()
    resent = story.postbox.token(ADA)
    assert problem(await story.verify(resent)) == (403, "link-of-another")
    assert problem(await story.verify(mine, stranger)) == (403, "link-of-another")
    assert (await story.sign_in(ADA, stranger)).status_code == 401
    assert (await story.verify(mine)).status_code == 200
    assert (await story.sign_in(ADA, GOOD)).status_code == 201
    assert (await story.sign_in(ADA, stranger)).status_code == 401


async def test_who_signed_up_with_somebody_elses_address_first_gains_nothing(story: Story) -> None:
    """The password goes with the link of its own sign-up."""
    await story.sign_up(ADA, "the-strangers-own-19-password")
    await story.deliver()
    await story.sign_up(ADA, GOOD)
    await story.deliver()
    assert (await story.verify(story.postbox.token(ADA))).status_code == 200
    assert (await story.sign_in(ADA, GOOD)).status_code == 201
    assert (await story.sign_in(ADA, "the-strangers-own-19-password")).status_code == 401


async def test_signing_up_again_does_not_change_the_password_of_a_verified_account(story: Story) -> None:
    await story.person(ADA)
    await story.sign_up(ADA, "the-strangers-own-19-password")
    assert (await story.sign_in(ADA, GOOD)).status_code == 201
    assert (await story.sign_in(ADA, "the-strangers-own-19-password")).status_code == 401


@pytest.mark.parametrize(
    "password",
    [
        "short-one-7",
        "x" * 257,
        "password1234",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "qwertyuiop1234567890",
        "my ada@example.com word",
        "MY ADA@EXAMPLE.COM WORD",
        "adaexamplecom",
    ],
)
async def test_a_password_that_can_be_guessed_is_refused_with_advice(password: str, story: Story) -> None:
    answer = await story.sign_up(ADA, password)
    assert problem(answer) == (422, "password-refused")
    assert all(error["pointer"] == "#/password" and error["detail"] for error in answer.json()["errors"])
    assert password not in answer.text
    assert await story.count("users") == 0


@pytest.mark.parametrize(
    "password",
    ["рыба-кит-Журавль-42-я", "correct horse battery staple", "🦊🌲🪨🛶🎈🧵🪁🎻🦉🗝🧭🪶", "k3#" + "fq9!vz" * 42],
)
async def test_any_long_and_unusual_password_is_good(password: str, story: Story) -> None:
    assert (await story.sign_up(ADA, password)).status_code == 202
    await story.deliver()
    await story.verify(story.postbox.token(ADA), password)
    assert (await story.sign_in(ADA, password)).status_code == 201


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@exa mple.com", "a@b@c.de"]
)
async def test_what_cannot_be_an_address_is_refused(email: str, story: Story) -> None:
    answer = await story.sign_up(email)
    assert problem(answer) == (422, "address-invalid")
    assert answer.json()["errors"][0]["pointer"] == "#/email"


async def test_me_is_shown_to_me_with_my_memberships(story: Story) -> None:
    ada = await story.person("Ada@Example.com")
    organization_id = await ada.create("Acme")
    me = (await ada.call("GET", "/v1/me")).json()
    assert (me["user_id"], me["email"], me["verified"]) == (ada.user_id, "Ada@example.com", True)
    (membership,) = me["memberships"]["items"]
    assert (membership["organization_id"], membership["name"], membership["role"]) == (
        organization_id,
        "Acme",
        "owner",
    )
    assert (await story.http.get("/v1/me")).status_code == 401


async def test_a_mail_is_html_and_text_and_what_people_wrote_is_escaped(story: Story) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create("<b>Acme</b> & Sons")
    assert (await ada.invite(organization_id, "bob@example.com")).status_code == 201
    await story.deliver()
    (message,) = story.postbox.to("bob@example.com")
    assert "&lt;b&gt;Acme&lt;/b&gt; &amp; Sons" in text_of(message, "html")
    assert "<b>" not in text_of(message, "html")
    assert "<b>Acme</b> & Sons" in text_of(message)
    assert message["subject"] == "You are invited to <b>Acme</b> & Sons"
    assert message["message-id"].endswith("@rostrum.test>")
