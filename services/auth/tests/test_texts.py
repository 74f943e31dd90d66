"""Text messages on their way: each once, at most twice when nobody knows; nothing of them stands in a row."""

import asyncio

from kit.ledger.model import NotAccepted, Refused, Unanswered

from .conftest import Forward
from .story import GOOD, Story

NUMBER = "+4915123456789"


async def ask(story: Story, number: str = NUMBER) -> str:
    answer = await story.http.post("/v1/accounts", json={"phone": number, "password": GOOD})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["request_token"])


async def statuses(story: Story) -> list[tuple[str, str]]:
    rows = await story.admin("SELECT status, code FROM outgoing_texts ORDER BY id")
    return [(row["status"], row["code"]) for row in rows]


async def test_a_row_holds_neither_number_nor_code(story: Story) -> None:
    await ask(story)
    await story.deliver()
    code = story.phones.code(NUMBER)
    names = await story.admin(
        "SELECT relname FROM pg_class WHERE relnamespace = 'auth'::regnamespace AND relkind = 'r'"
    )
    for name in (row["relname"] for row in names):
        for row in await story.admin(f"SELECT t::text AS row FROM {name} AS t"):
            assert NUMBER[1:] not in row["row"], name
            assert f" {code} " not in row["row"], name
            assert f"({code}," not in row["row"], name
    assert await statuses(story) == [("sent", "")]


async def test_many_workers_send_each_text_once(story: Story) -> None:
    numbers = [f"+4915123456{at:03}" for at in range(700, 715)]
    await asyncio.gather(*(ask(story, number) for number in numbers))
    await story.deliver(workers=5)
    assert sorted(number for number, _ in story.phones.taken) == numbers


async def test_a_text_whose_fate_nobody_knows_is_sent_once_more_and_never_again(
    story: Story, forward: Forward
) -> None:
    await ask(story)
    story.phones.trouble = Unanswered("nobody knows")
    await story.deliver()
    assert (await statuses(story))[0][0] == "unknown"
    for _ in range(3):
        await forward(6)
        await story.deliver()
    assert (await statuses(story))[0][0] == "unknown", "tried again, and unknown again"
    story.phones.trouble = None
    for _ in range(8):
        await forward(61)
        await story.deliver()
    assert (await statuses(story))[0][0] == "unconfirmed"
    assert story.phones.taken == []


async def test_what_was_not_taken_is_tried_again_until_its_code_expires(story: Story, forward: Forward) -> None:
    await ask(story)
    story.phones.trouble = NotAccepted("busy")
    await story.deliver()
    assert (await statuses(story))[0][0] == "pending"
    await forward(61)
    story.phones.trouble = None
    await story.deliver()
    assert await statuses(story) == [("sent", "")]

    await ask(story)
    story.phones.trouble = NotAccepted("busy")
    await story.deliver()
    await forward(601)
    story.phones.trouble = None
    await story.deliver()
    assert (await statuses(story))[1][0] in ("refused", "withdrawn")
    assert len(story.phones.taken) == 1


async def test_a_number_that_is_refused_is_not_tried_again(story: Story) -> None:
    await ask(story)
    story.phones.trouble = Refused("no such number", code="40310")
    await story.deliver()
    assert await statuses(story) == [("refused", "40310")]
    story.phones.trouble = None
    await story.deliver()
    assert story.phones.taken == []


async def test_texts_are_in_the_language_of_whoever_asks(story: Story) -> None:
    body = {"phone": NUMBER, "password": GOOD}
    await story.http.post("/v1/accounts", json=body, headers={"accept-language": "de"})
    await story.deliver()
    assert "ist Ihr Rostrum-Code" in story.phones.to(NUMBER)[-1]
