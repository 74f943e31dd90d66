"""Another address: the new one proves itself, the old one is told and may undo it."""

import asyncio
from uuid import UUID

from .conftest import Forward
from .story import GOOD, LINK, Person, Story, problem, text_of

OLD, NEW, THIRD = "ada@old.example.com", "ada@new.example.com", "ada@third.example.com"
NUMBER, OTHER = "+4915123456789", "+4915123456790"


async def ask(person: Person, **body: str) -> str | None:
    answer = await person.call("POST", "/v1/me/address-changes", json=body)
    assert answer.status_code == 202, answer.text
    token = answer.json()["request_token"]
    return None if token is None else str(token)


async def change(story: Story, person: Person, email: str) -> None:
    await ask(person, email=email)
    await story.deliver()
    body = {"token": story.postbox.token(email)}
    answer = await person.call("POST", "/v1/me/address-changes/confirm", json=body)
    assert answer.status_code == 204, answer.text
    await person.refresh()
    await story.deliver()


async def add_number(story: Story, person: Person, number: str = NUMBER) -> None:
    request_token = await ask(person, phone=number)
    await story.deliver()
    body = {"request_token": request_token, "code": story.phones.code(number)}
    answer = await person.call("POST", "/v1/me/address-changes/confirm-by-text", json=body)
    assert answer.status_code == 204, answer.text
    await person.refresh()
    await story.deliver()


def undo_link(story: Story, address: str) -> str:
    mail = next(each for each in reversed(story.postbox.to(address)) if "undo-address-change" in text_of(each))
    found = LINK.search(text_of(mail))
    assert found
    return found.group(1)


async def undo(story: Story, token: str) -> tuple[int, str]:
    answer = await story.http.post("/v1/address-changes/undo", json={"token": token})
    return (204, "") if answer.status_code == 204 else problem(answer)


async def email_of(person: Person) -> str:
    return str((await person.call("GET", "/v1/me")).json()["email"])


async def test_the_new_address_counts_once_it_is_proven_and_the_old_one_is_told(story: Story) -> None:
    ada = await story.person(OLD)
    other = Person(story.http, OLD, (await story.sign_in(OLD)).json())
    await ask(ada, email=NEW)
    assert await email_of(ada) == OLD, "nothing has changed yet"
    await story.deliver()
    body = {"token": story.postbox.token(NEW)}
    assert (await ada.call("POST", "/v1/me/address-changes/confirm", json=body)).status_code == 204
    await ada.refresh()
    assert await email_of(ada) == NEW
    assert (await other.refresh()).status_code == 401, "other sessions end"
    await story.deliver()
    assert "The mail address of your account was changed." in text_of(story.postbox.to(NEW)[-1])
    assert "from now on it is another one" in text_of(story.postbox.to(OLD)[-1])
    assert (await story.sign_in(OLD)).status_code == 401
    assert (await story.sign_in(NEW)).status_code == 201


async def test_a_stale_session_changes_no_address(story: Story, forward: Forward) -> None:
    ada = await story.person(OLD)
    await forward(11 * 60)
    await ada.refresh()
    for method, path, body in (
        ("POST", "/v1/me/address-changes", {"email": NEW}),
        ("DELETE", "/v1/me/phone", None),
    ):
        assert problem(await ada.call(method, path, json=body)) == (403, "step-up-needed")


async def test_a_stranger_who_gets_the_mail_can_do_nothing_with_it(story: Story) -> None:
    ada, bob = await story.person(OLD), await story.person(THIRD)
    await ask(ada, email=NEW)
    await story.deliver()
    body = {"token": story.postbox.token(NEW)}
    assert (await story.http.post("/v1/me/address-changes/confirm", json=body)).status_code == 401
    assert problem(await bob.call("POST", "/v1/me/address-changes/confirm", json=body)) == (410, "link-expired")
    assert await email_of(bob) == THIRD
    assert (await ada.call("POST", "/v1/me/address-changes/confirm", json=body)).status_code == 204


async def test_an_address_that_somebody_has_is_answered_alike_and_told_the_truth(story: Story) -> None:
    ada = await story.person(OLD)
    await story.person(NEW)
    before = len(story.postbox.to(NEW))
    await ask(ada, email=NEW)
    await story.deliver()
    (mail,) = story.postbox.to(NEW)[before:]
    assert "It already has an account of its own" in text_of(mail)
    assert LINK.search(text_of(mail)) is None


async def test_two_who_want_one_address_at_once_do_not_both_get_it(story: Story) -> None:
    ada, bob = await story.person(OLD), await story.person(THIRD)
    tokens = []
    for each in (ada, bob):
        await ask(each, email=NEW)
        await story.deliver()
        tokens.append(story.postbox.token(NEW))
    answers = await asyncio.gather(
        *(
            each.call("POST", "/v1/me/address-changes/confirm", json={"token": token})
            for each, token in zip((ada, bob), tokens, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    assert len(await story.admin("SELECT FROM identities")) == 2


async def test_the_old_address_brings_itself_back_and_locks_out_whoever_changed_it(story: Story) -> None:
    """Somebody knows the password, changes the address, adds a number of theirs, and changes the address again."""
    thief = await story.person(OLD)
    await change(story, thief, NEW)
    owners = undo_link(story, OLD)
    await add_number(story, thief)
    await change(story, thief, THIRD)
    thiefs = undo_link(story, NEW)

    assert await undo(story, owners) == (204, "")
    assert (await thief.refresh()).status_code == 401
    for email in (OLD, NEW, THIRD):
        assert (await story.sign_in(email)).status_code == 401, "the password is void"
    assert len(await story.admin("SELECT FROM identities WHERE kind = 'phone'")) == 0, "what was added is gone"
    assert await undo(story, thiefs) == (410, "link-expired")
    assert await undo(story, owners) == (410, "link-expired")

    await story.deliver()
    body = {"token": story.postbox.token(OLD), "password": "walnut-ferry-copper-38-moss"}
    assert (await story.http.post("/v1/password-resets/complete", json=body)).status_code == 204
    assert (await story.sign_in(OLD, body["password"])).status_code == 201


async def test_whoever_changed_the_address_twice_cannot_void_the_owners_link(story: Story) -> None:
    thief = await story.person(OLD)
    await change(story, thief, NEW)
    owners = undo_link(story, OLD)
    await change(story, thief, THIRD)
    assert await undo(story, undo_link(story, NEW)) == (204, "")
    assert await undo(story, owners) == (204, "")
    rows = await story.admin("SELECT FROM identities")
    assert len(rows) == 1
    await story.deliver()
    assert "/reset-password#token=" in text_of(story.postbox.to(OLD)[-1])


async def test_undoing_ends_after_three_days_and_when_somebody_else_has_the_address(
    story: Story, forward: Forward
) -> None:
    ada = await story.person(OLD)
    await change(story, ada, NEW)
    first = undo_link(story, OLD)
    bob = await story.person(OLD)
    assert await undo(story, first) == (409, "address-taken")
    assert bob.user_id != ada.user_id
    await change(story, ada, THIRD)
    second = undo_link(story, NEW)
    await forward(72 * 3600 + 1)
    assert await undo(story, second) == (410, "link-expired")


async def test_a_link_to_reset_the_password_dies_with_the_address_it_went_to(story: Story) -> None:
    ada = await story.person(OLD)
    await story.http.post("/v1/password-resets", json={"email": OLD})
    await story.deliver()
    token = story.postbox.token(OLD)
    await change(story, ada, NEW)
    body = {"token": token, "password": "walnut-ferry-copper-38-moss"}
    assert problem(await story.http.post("/v1/password-resets/complete", json=body)) == (410, "link-expired")


async def test_at_most_five_changes_an_hour_are_asked_for(story: Story) -> None:
    ada = await story.person(OLD)
    for at in range(5):
        await ask(ada, email=f"ada@{at}.example.com")
    answer = await ada.call("POST", "/v1/me/address-changes", json={"email": NEW})
    assert problem(answer) == (429, "too-many-changes")


async def test_a_number_is_added_changed_and_taken_away(story: Story) -> None:
    ada = await story.person(OLD)
    await add_number(story, ada)
    assert (await ada.call("GET", "/v1/me")).json()["phone"] == NUMBER
    by_phone = await story.http.post("/v1/sessions", json={"phone": NUMBER, "password": GOOD})
    assert by_phone.json()["user_id"] == ada.user_id
    await add_number(story, ada, OTHER)
    assert (await ada.call("GET", "/v1/me")).json()["phone"] == OTHER
    assert "was changed. If it was not you, undo it" in story.phones.to(NUMBER)[-1]
    assert "The phone number of your account was added or changed." in text_of(story.postbox.to(OLD)[-1])
    assert (await ada.call("DELETE", "/v1/me/phone")).status_code == 204
    await ada.refresh()
    assert (await ada.call("GET", "/v1/me")).json()["phone"] is None
    await story.deliver()
    assert "was removed" in text_of(story.postbox.to(OLD)[-1])


async def test_the_former_number_undoes_the_change_by_its_text(story: Story) -> None:
    ada = await story.person(OLD)
    await add_number(story, ada)
    await add_number(story, ada, OTHER)
    found = LINK.search(story.phones.to(NUMBER)[-1])
    assert found
    assert await undo(story, found.group(1)) == (204, "")
    answer = await story.http.post("/v1/sessions", json={"phone": NUMBER, "password": GOOD})
    assert answer.status_code == 401, "the password is void"
    (row,) = await story.admin("SELECT user_id, sealed, id FROM identities WHERE kind = 'phone'")
    assert row["user_id"] == UUID(ada.user_id)


async def test_the_only_address_is_not_taken_away(story: Story) -> None:
    asked = await story.http.post("/v1/accounts", json={"phone": NUMBER, "password": GOOD})
    await story.deliver()
    body = {"request_token": asked.json()["request_token"], "code": story.phones.code(NUMBER)}
    assert (await story.http.post("/v1/accounts/verify-phone", json=body)).status_code == 200
    tokens = (await story.http.post("/v1/sessions", json={"phone": NUMBER, "password": GOOD})).json()
    person = Person(story.http, NUMBER, tokens)
    assert problem(await person.call("DELETE", "/v1/me/phone")) == (409, "last-address")
    await change(story, person, NEW)
    assert (await person.call("DELETE", "/v1/me/phone")).status_code == 204
