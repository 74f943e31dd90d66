"""Which mails people want, said signed in, or by the link of a mail."""

import asyncio
from typing import Any

import httpx
import pytest

from contracts.auth import MailPreferencesChanged

from .story import Person, Story, problem

ADA, BOB = "ada@example.com", "bob@example.com"
UNWANTED = {"items": [{"category": "invitations", "wanted": False}]}
WANTED = {"items": [{"category": "invitations", "wanted": True}]}


async def change(person: Person, body: dict[str, Any], version: int) -> httpx.Response:
    return await person.call("PUT", "/v1/mail-preferences", json=body, headers={"if-match": f'"v{version}"'})


async def wishes(person: Person) -> dict[str, bool]:
    answer = await person.call("GET", "/v1/mail-preferences")
    assert answer.status_code == 200, answer.text
    return {each["category"]: each["wanted"] for each in answer.json()["items"]}


async def invited(story: Story, address: str) -> str:
    """Ada invites somebody; the path of the unsubscribe link in the mail."""
    ada = await story.person(f"ada-{address}")
    await ada.invite(await ada.create(), address)
    await story.deliver()
    return link_of(story, address)


def link_of(story: Story, address: str) -> str:
    mail = story.postbox.to(address)[-1]
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    link = str(mail["list-unsubscribe"]).strip("<>")
    assert link.startswith("https://app.test/v1/unsubscribe?token=")
    assert address not in link
    return link.removeprefix("https://app.test")


async def invitations(story: Story, address: str) -> int:
    """How many mails somebody has got after being invited by yet another organization."""
    inviter = await story.person(f"inviter-{len(story.postbox.taken)}@example.com")
    assert (await inviter.invite(await inviter.create(), address)).status_code == 201
    await story.deliver()
    return len([mail for mail in story.postbox.to(address) if mail["list-unsubscribe"]])


async def test_everybody_wants_everything_until_they_say_otherwise(story: Story) -> None:
    ada = await story.person(ADA)
    answer = await ada.call("GET", "/v1/mail-preferences")
    assert answer.headers["etag"] == '"v0"'
    assert answer.json() == {
        "items": [
            {"category": "account", "wanted": True, "essential": True},
            {"category": "invitations", "wanted": True, "essential": False},
            {"category": "announcements", "wanted": True, "essential": False},
        ]
    }


async def test_what_is_not_wanted_is_not_sent_and_others_are_told(story: Story) -> None:
    bob = await story.person(BOB)
    answer = await change(bob, UNWANTED, 0)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"v1"')
    assert await wishes(bob) == {"account": True, "announcements": True, "invitations": False}
    assert await invitations(story, BOB) == 0
    assert (await story.admin("SELECT code FROM outgoing_mails WHERE category = 'invitations'"))[0]["code"] == ""
    assert (await change(bob, UNWANTED, 1)).headers["etag"] == '"v1"', "nothing has changed"
    assert (await change(bob, WANTED, 1)).headers["etag"] == '"v2"'
    assert await invitations(story, BOB) == 1
    told = await story.told(MailPreferencesChanged)
    assert [
        (each.category, each.wanted, each.version) for each in told if isinstance(each, MailPreferencesChanged)
    ] == [
        ("invitations", False, 1),
        ("invitations", True, 2),
    ]
    assert {str(each.user_id) for each in told if isinstance(each, MailPreferencesChanged)} == {bob.user_id}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"items": [{"category": "account", "wanted": False}]}, (422, "mail-category-essential")),
        ({"items": [{"category": "nothing", "wanted": True}]}, (422, "mail-category-unknown")),
        ({"items": []}, (422, "invalid")),
        ({"items": [{"category": "account"}]}, (422, "invalid")),
    ],
)
async def test_what_cannot_be_wished_is_refused(
    body: dict[str, Any], expected: tuple[int, str], story: Story
) -> None:
    ada = await story.person(ADA)
    assert problem(await change(ada, body, 0)) == expected
    assert await story.told(MailPreferencesChanged) == []


async def test_nobody_overwrites_what_they_have_not_seen(story: Story) -> None:
    ada = await story.person(ADA)
    assert problem(await ada.call("PUT", "/v1/mail-preferences", json=UNWANTED)) == (428, "if-match-required")
    answers = await asyncio.gather(*(change(ada, UNWANTED, 0) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert len(await story.told(MailPreferencesChanged)) == 1
    assert (await story.http.get("/v1/mail-preferences")).status_code == 401


async def test_what_is_shown_is_of_one_moment_so_that_its_version_is_that_of_its_wishes(story: Story) -> None:
    ada = await story.person(ADA)

    async def changes() -> None:
        for version in range(20):
            assert (await change(ada, WANTED if version % 2 else UNWANTED, version)).status_code == 200

    changing = asyncio.create_task(changes())
    while not changing.done():
        answer = await ada.call("GET", "/v1/mail-preferences")
        version = int(answer.headers["etag"].strip('"v'))
        assert answer.json()["items"][1]["wanted"] is (version % 2 == 0)
    await changing


async def test_one_persons_wishes_are_not_anothers(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    await change(ada, UNWANTED, 0)
    assert await wishes(bob) == {"account": True, "announcements": True, "invitations": True}
    assert await invitations(story, BOB) == 1


@pytest.mark.parametrize("body", [b"List-Unsubscribe=One-Click", b"", b"whatever"])
async def test_one_click_is_enough_without_any_account_and_again_is_the_same(body: bytes, story: Story) -> None:
    link = await invited(story, BOB)
    form = {"content-type": "application/x-www-form-urlencoded"}
    for _ in range(2):
        answer = await story.http.post(link, content=body, headers=form)
        assert (answer.status_code, answer.json()) == (200, {"category": "invitations", "wanted": False})
    assert await invitations(story, BOB) == 1, "none but the first"
    assert (await story.admin("SELECT code FROM outgoing_mails ORDER BY id DESC"))[0]["code"] == "suppressed"
    assert await story.told(MailPreferencesChanged) == []


async def test_reading_a_link_changes_nothing(story: Story) -> None:
    link = await invited(story, BOB)
    for _ in range(2):
        assert (await story.http.get(link)).json() == {"category": "invitations", "wanted": True}
    assert await invitations(story, BOB) == 2
    await story.http.post(link)
    assert (await story.http.get(link)).json() == {"category": "invitations", "wanted": False}


async def test_a_link_speaks_for_the_account_of_its_address(story: Story) -> None:
    bob = await story.person(BOB)
    link = await invited(story, BOB)
    for _ in range(2):
        assert (await story.http.post(link)).status_code == 200
    assert await wishes(bob) == {"account": True, "announcements": True, "invitations": False}
    assert [each.version for each in await story.told(MailPreferencesChanged)] == [1]
    assert (await change(bob, WANTED, 1)).status_code == 200
    assert await invitations(story, BOB) == 2
    assert (await story.http.get(link)).json()["wanted"] is True


async def test_who_said_no_before_having_an_account_sees_so_and_can_change_it(story: Story) -> None:
    await story.http.post(await invited(story, BOB))
    bob = await story.person(BOB)
    assert await wishes(bob) == {"account": True, "announcements": True, "invitations": False}
    assert (await change(bob, WANTED, 0)).status_code == 200
    assert await wishes(bob) == {"account": True, "announcements": True, "invitations": True}
    assert await invitations(story, BOB) == 2


async def test_mails_that_somebody_asks_for_come_in_any_case(story: Story) -> None:
    await story.http.post(await invited(story, BOB))
    await story.sign_up(BOB)
    await story.deliver()
    mail = story.postbox.to(BOB)[-1]
    assert mail["list-unsubscribe"] is None
    assert (await story.verify(story.postbox.token(BOB))).status_code == 200


async def test_a_link_that_was_tampered_with_does_nothing(story: Story) -> None:
    link = await invited(story, BOB)
    path, _, token = link.partition("?token=")
    for junk in ("", "x", token[:-1], token + "A", token[:20] + "A" + token[21:], "A" * 600):
        if junk != token:
            for method in ("GET", "POST"):
                answer = await story.http.request(method, path, params={"token": junk})
                assert answer.status_code == 422, junk
    assert (await story.http.post(path)).status_code == 422
    assert await story.admin("SELECT * FROM mail_suppressions") == []


async def test_mails_speak_the_language_of_whoever_causes_them(story: Story) -> None:
    german = {"accept-language": "de-CH,de;q=0.9,en;q=0.5"}
    await story.http.post("/v1/accounts", json={"email": ADA, "password": "plum-otter-gravel-94-sky"}, headers=german)
    await story.deliver()
    assert story.postbox.to(ADA)[0]["subject"] == "Bestätigen Sie Ihre E-Mail-Adresse"
    assert (await story.verify(story.postbox.token(ADA))).status_code == 200
    await story.http.post("/v1/accounts", json={"email": ADA, "password": "plum-otter-gravel-94-sky"}, headers=german)
    ada = Person(story.http, ADA, (await story.sign_in(ADA)).json())
    await ada.invite(await ada.create("Bäckerei <b>Müller</b>"), BOB, headers=german)
    await story.sign_up("eve@example.com")
    await story.deliver()
    assert story.postbox.to(ADA)[1]["subject"] == "Sie haben bereits ein Konto"
    assert story.postbox.to(BOB)[0]["subject"] == "Einladung zu Bäckerei <b>Müller</b>"
    page = story.postbox.to(BOB)[0].get_body(("html",))
    assert page is not None
    assert "Bäckerei &lt;b&gt;Müller&lt;/b&gt;" in page.get_content()
    assert story.postbox.to("eve@example.com")[0]["subject"] == "Confirm your e-mail address"
