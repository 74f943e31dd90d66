"""What happens to an account is told to whoever owns it: once per cause, in their language, never a flood."""

from uuid import UUID

import pytest

from auth.mails.notices import MOST_NOTICES, Notice, notify
from kit.ids import new_id
from kit.mail import Templates

from .conftest import Forward
from .story import GOOD, Story, text_of

ADA = "ada.noticed-19@house.test"


@pytest.mark.parametrize("locale", ["en", "de"])
def test_every_notice_has_a_sentence_in_every_language(locale: str) -> None:
    templates = Templates("auth")
    said = {
        notice: templates.render(
            "security-notice", locale, {"notice": notice, "when": "2026-01-01 00:00 UTC", "link": "https://app.test"}
        )
        for notice in Notice
    }
    first = {notice: words.text.splitlines()[0] for notice, words in said.items()}
    assert all(len(each) > 20 for each in first.values()), first
    assert len(set(first.values())) == len(Notice)
    assert all(first[notice] in words.html for notice, words in said.items())


async def test_a_person_is_told_at_the_proven_address_once_per_cause(story: Story) -> None:
    ada = await story.person(ADA)
    before, cause = len(story.postbox.to(ADA)), new_id()
    for _ in range(3):
        async with story.database.transaction() as tx:
            await notify(tx, story.parts.mailer, UUID(ada.user_id), Notice.FACTOR_ADDED, cause)
    await story.deliver()
    (mail,) = story.postbox.to(ADA)[before:]
    assert "A second factor was added to your account." in text_of(mail)
    assert "UTC" in text_of(mail)
    assert "A second factor was added to your account." in text_of(mail, "html")


async def test_notices_speak_the_language_of_the_sign_up(story: Story) -> None:
    body = {"email": ADA, "password": GOOD}
    await story.http.post("/v1/accounts", json=body, headers={"accept-language": "de-AT,en;q=0.5"})
    await story.deliver()
    user_id = (await story.verify(story.postbox.token(ADA))).json()["user_id"]
    async with story.database.transaction() as tx:
        assert await notify(tx, story.parts.mailer, UUID(user_id), Notice.NEW_DEVICE)
    await story.deliver()
    assert "unbekannten Gerät" in text_of(story.postbox.to(ADA)[-1])


async def test_who_is_attacked_is_not_buried_in_mails(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    user_id, before = UUID(ada.user_id), len(story.postbox.to(ADA))

    async def tell(notice: Notice) -> bool:
        async with story.database.transaction() as tx:
            return await notify(tx, story.parts.mailer, user_id, notice)

    told = [await tell(Notice.NEW_DEVICE) for _ in range(MOST_NOTICES + 3)]
    assert told == [True] * MOST_NOTICES + [False] * 3
    assert await tell(Notice.PASSWORD_CHANGED), "another kind has its own limit"
    await forward(3601)
    assert await tell(Notice.NEW_DEVICE)
    await story.deliver()
    assert len(story.postbox.to(ADA)) - before == MOST_NOTICES + 2


async def test_without_a_mail_address_nobody_is_written_to(story: Story) -> None:
    number = "+4915123456789"
    asked = await story.http.post("/v1/accounts", json={"phone": number, "password": GOOD})
    await story.deliver()
    body = {"request_token": asked.json()["request_token"], "code": story.phones.code(number)}
    user_id = (await story.http.post("/v1/accounts/verify-phone", json=body)).json()["user_id"]
    async with story.database.transaction() as tx:
        assert not await notify(tx, story.parts.mailer, UUID(user_id), Notice.NEW_DEVICE)
