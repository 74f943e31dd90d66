"""What contacts want: kept for ever, asked at the moment of sending; and contacts nobody wants to hear from."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from inbox.consent.model import Answer
from inbox.consent.repository import ConsentRepository
from inbox.consent.words import keyword, wish
from kit.ids import new_id
from kit.privacy.person import Person

from .house import NUMBER, House, value
from .lives import Asking

ANN, BOB = "16505551234", "4915112345678"


async def contact_of(house: House, person: str = ANN, by: UUID | None = None) -> str:
    answer = await house.ask("POST", "/v1/contacts/lookup", by=by, json={"kind": "whatsapp_id", "value": person})
    (found,) = answer.json()["items"]
    return str(found["id"])


async def record(house: House, contact_id: str, state: str = "granted", **more: Any) -> dict[str, str]:
    """How the contact stands afterwards, by purpose."""
    body = {"state": state, "channel_kinds": ["whatsapp"], "purposes": ["marketing"], **more}
    answer = await house.ask("POST", f"/v1/contacts/{contact_id}/consents", json=body)
    assert answer.status_code == 201, answer.text
    return {each["purpose"]: each["state"] for each in answer.json()["items"]}


async def stands(house: House, contact_id: str) -> dict[tuple[str, str], str]:
    found = await house.get(f"/v1/contacts/{contact_id}/consents")
    return {(each["channel_kind"], each["purpose"]): each["state"] for each in found["items"]}


async def history(house: House, contact_id: str) -> list[tuple[str, str]]:
    found = await house.get(f"/v1/contacts/{contact_id}/consents/history")
    return [(each["state"], each["source"]) for each in found["items"]]


async def prefer(house: House, wants: str, *, at: int | None = None, person: str = ANN) -> None:
    preference = {
        "wa_id": person,
        "category": "marketing_messages",
        "value": wants,
        "detail": "told",
        "timestamp": at or house.now(),
    }
    change = value(NUMBER, contacts=[{"wa_id": person}], user_preferences=[preference])
    answer = await house.hook({**change, "field": "user_preferences"})
    assert answer.status_code == 200


async def test_what_was_recorded_stays_with_proof_time_and_policy_and_the_newest_counts(house: House) -> None:
    await house.open_conversation()
    ann = await contact_of(house)
    earlier = house.database.clock.now() - timedelta(days=3)
    told = {"proof": "ticked the box on /offers", "policy_version": "2026-03", "source": "web_form"}
    assert await record(house, ann, "withdrawn", at=(earlier + timedelta(days=1)).isoformat()) == {
        "marketing": "withdrawn"
    }
    assert await record(house, ann, at=earlier.isoformat(), **told) == {"marketing": "withdrawn"}
    assert await record(house, ann, **told) == {"marketing": "granted"}
    first = await house.get(f"/v1/contacts/{ann}/consents/history?limit=2")
    rest = await house.get(f"/v1/contacts/{ann}/consents/history?limit=2&cursor={first['next_cursor']}")
    lines = [*first["items"], *rest["items"]]
    assert [each["state"] for each in lines] == ["granted", "withdrawn", "granted"]
    assert (lines[0]["proof"], lines[0]["policy_version"], lines[0]["source"]) == tuple(told.values())
    kept = await house.rows("SELECT proof_sealed FROM consent_entries WHERE proof_sealed IS NOT NULL")
    assert all(b"ticked" not in row["proof_sealed"] for row in kept)
    ahead = {"state": "granted", "channel_kinds": ["sms"], "purposes": ["marketing"]}
    ahead["at"] = (house.database.clock.now() + timedelta(hours=1)).isoformat()
    answer = await house.ask("POST", f"/v1/contacts/{ann}/consents", json=ahead)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/at")


async def test_the_same_request_records_once(house: House) -> None:
    await house.open_conversation()
    ann, key = await contact_of(house), house.headers() | {"idempotency-key": str(new_id())}
    for _ in range(2):
        await house.ask(
            "POST",
            f"/v1/contacts/{ann}/consents",
            json={"state": "granted", "channel_kinds": ["whatsapp"], "purposes": ["marketing"]},
            headers=key,
        )
    assert await history(house, ann) == [("granted", "team")]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_stop_and_start_in_any_order_end_as_they_were_said(house: House, order: tuple[int, ...]) -> None:
    await house.open_conversation()
    ann, now = await contact_of(house), house.now()
    long_ago = (house.database.clock.now() - timedelta(days=1)).isoformat()
    await record(house, ann, at=long_ago)
    said = [("Stopp", now - 30), ("START", now - 20), ("arrêter!", now - 10)]
    for each in order:
        word, at = said[each]
        await house.say(word, timestamp=str(at))
        await house.reduce()
    assert await stands(house, ann) == {("whatsapp", "marketing"): "withdrawn"}
    await house.say("start")
    await house.reduce()
    assert await stands(house, ann) == {("whatsapp", "marketing"): "granted"}
    assert (await house.reply((await house.conversation())["id"])).status_code == 202


async def test_a_start_alone_grants_nothing(house: House) -> None:
    await house.open_conversation()
    await house.say("START")
    await house.say("Please stop calling it that")
    await house.reduce()
    assert await stands(house, await contact_of(house)) == {("whatsapp", "marketing"): "none"}


async def test_what_whatsapp_was_told_of_marketing_counts(house: House) -> None:
    await house.open_conversation()
    ann, now = await contact_of(house), house.now()
    for _ in range(2):
        await prefer(house, "stop", at=now - 20)
        await prefer(house, "resume", at=now - 10)
        await prefer(house, "stop", at=now - 5)
    await prefer(house, "stop", person=BOB)
    await house.reduce(workers=2)
    assert await stands(house, ann) == {("whatsapp", "marketing"): "withdrawn"}
    assert len(await history(house, ann)) == 3
    assert await house.count("SELECT count(*) FROM intake_items WHERE verdict = 'quarantined'") == 1
    await house.say("Hello", person=BOB, name="Bob")
    await house.reduce()
    await house.replay()
    await house.reduce()
    assert await stands(house, await contact_of(house, BOB)) == {("whatsapp", "marketing"): "withdrawn"}


async def test_who_is_refused_as_unwilling_has_withdrawn(house: House) -> None:
    conversation = await house.open_conversation()
    ann = await contact_of(house)
    await record(house, ann)
    ours = (await house.reply(conversation["id"])).json()["id"]
    await house.work()
    (left,) = await house.left()
    error = {"code": 131050, "title": "no marketing"}
    await house.report(left["id"], "failed", ours=ours, errors=[error])
    await house.reduce()
    assert await stands(house, ann) == {("whatsapp", "marketing"): "withdrawn"}
    assert (await history(house, ann))[0] == ("withdrawn", "platform_error")


async def test_a_refusal_told_by_the_second_outweighs_what_was_granted_in_that_second(house: House) -> None:
    conversation = await house.open_conversation()
    ann = await contact_of(house)
    ours = (await house.reply(conversation["id"])).json()["id"]
    await house.work()
    (left,) = await house.left()
    second = house.now() - 5
    await record(house, ann, at=datetime.fromtimestamp(second + 0.5, UTC).isoformat())
    refused = {"code": 131050, "title": "no marketing"}
    await house.report(left["id"], "failed", ours=ours, timestamp=str(second), errors=[refused])
    await house.reduce()
    assert await stands(house, ann) == {("whatsapp", "marketing"): "withdrawn"}


async def test_what_was_withdrawn_before_it_left_does_not_leave(house: House) -> None:
    conversation = await house.open_conversation()
    ours = (await house.reply(conversation["id"])).json()["id"]
    await record(house, conversation["contact_id"], "withdrawn", purposes=["service"])
    await house.work()
    message = await house.message(ours)
    assert (message["status"], message["failure_code"]) == ("failed", "contact-opted-out")
    assert await house.left() == []


async def test_many_are_asked_for_at_once_and_merged_contacts_answer_as_one(house: House) -> None:
    await house.open_conversation()
    await house.say("Hello", person=BOB, name="Bob")
    await house.reduce()
    ann, bob = await contact_of(house), await contact_of(house, BOB)
    await record(house, ann)
    await record(house, bob, "withdrawn")
    both = [UUID(ann), UUID(bob), new_id()]
    assert await asked(house, both) == {both[0]: Answer("granted"), both[1]: Answer("withdrawn")}
    merged = await house.ask("POST", f"/v1/contacts/{ann}/merge", json={"contact_id": bob})
    assert await asked(house, both) == dict.fromkeys(both[:2], Answer("withdrawn"))
    assert (await house.ask("POST", f"/v1/contacts/merges/{merged.json()['id']}/undo")).status_code == 200
    assert await asked(house, both) == {both[0]: Answer("granted"), both[1]: Answer("withdrawn")}
    assert (await house.ask("PUT", f"/v1/contacts/{ann}/block")).status_code == 204
    assert (await asked(house, both))[both[0]].refuses() == "contact-blocked"
    assert Answer().refuses(needs_grant=True) == "consent-missing"
    assert Answer().refuses() == ""


async def asked(house: House, contact_ids: list[UUID], by: UUID | None = None) -> dict[UUID, Answer]:
    """How these stand; whoever asks for the refused alone is told of the same."""
    async with house.database.transaction(by or house.organization_id) as tx:
        consents = ConsentRepository(tx)
        answers = dict(await consents.ask_for(contact_ids, "whatsapp", "marketing"))
        for needs_grant in (True, False):
            refused = await consents.refused(contact_ids, "whatsapp", "marketing", needs_grant=needs_grant)
            assert refused == {
                each: answer for each, answer in answers.items() if answer.refuses(needs_grant=needs_grant)
            }
    return answers


async def test_another_organization_neither_reads_nor_records(house: House) -> None:
    await house.open_conversation()
    ann, others = await contact_of(house), new_id()
    await record(house, ann)
    body = {"state": "granted", "channel_kinds": ["sms"], "purposes": ["marketing"]}
    asked_for: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "consents", {}),
        ("POST", "consents", {"json": body}),
        ("GET", "consents/history", {}),
        ("PUT", "block", {}),
    ]
    for method, path, more in asked_for:
        answer = await house.ask(method, f"/v1/contacts/{ann}/{path}", by=others, **more)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:rostrum:problem:contact-not-found")
    assert await asked(house, [UUID(ann)], by=others) == {}


async def test_a_blocked_contact_is_not_heard_and_gets_nothing(house: House) -> None:
    conversation = await house.open_conversation()
    waiting = (await house.reply(conversation["id"])).json()["id"]
    ann = conversation["contact_id"]
    for _ in range(2):
        assert (await house.ask("PUT", f"/v1/contacts/{ann}/block")).status_code == 204
    blocked = await house.get("/v1/contacts/blocked")
    assert [each["contact_id"] for each in blocked["items"]] == [ann]
    before = len(await house.told())
    await house.say("Are you there?")
    await house.work()
    assert not [each for each in (await house.told())[before:] if type(each).__name__ == "MessageReceived"]
    now = await house.get(f"/v1/conversations/{conversation['id']}")
    assert (now["state"], now["unread_count"]) == ("resolved", conversation["unread_count"])
    assert "Are you there?" in [each["text"] for each in await house.messages(conversation["id"])]
    assert (await house.message(waiting))["failure_code"] == "contact-blocked"
    answer = await house.reply(conversation["id"])
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:contact-blocked")
    assert (await house.ask("DELETE", f"/v1/contacts/{ann}/block")).status_code == 204
    await house.say("And now?")
    await house.reduce()
    assert (await house.get(f"/v1/conversations/{conversation['id']}"))["state"] == "open"
    actions = [line.action for line in await house.audited() if line.action.startswith("inbox.contact.")]
    assert actions == ["inbox.contact.blocked", "inbox.contact.unblocked"]


async def test_who_is_forgotten_leaves_no_wish_behind(house: House) -> None:
    conversation = await house.open_conversation()
    await record(house, conversation["contact_id"], proof="a letter")
    asking = Asking(house)
    await asking.erasure(Person("contact", UUID(conversation["contact_id"]), house.organization_id))
    await asking.work()
    assert await house.count("SELECT (SELECT count(*) FROM consents) + (SELECT count(*) FROM consent_entries)") == 0


@pytest.mark.parametrize(
    ("words", "by_text", "elsewhere"),
    [
        ("stop", "stop", "stop"),
        ("  Désabonner. ", "stop", "stop"),
        ("İPTAL", "stop", "stop"),
        ("СТОП", "stop", "stop"),
        ("إلغاء", "stop", "stop"),
        ("退订", "stop", "stop"),
        ("yes", "start", ""),
        ("cancel", "stop", ""),
        ("Help", "help", ""),
        ("start", "start", "start"),
        ("please stop", "", ""),
        ("", "", ""),
    ],
)
def test_words_are_known_in_many_languages(words: str, by_text: str, elsewhere: str) -> None:
    assert (keyword(words), wish(words)) == (by_text, elsewhere)
