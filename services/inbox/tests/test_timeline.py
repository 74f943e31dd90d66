"""What happened with a contact, in one list: complete, in order, each line once, and no line of hidden channels."""

from datetime import datetime
from typing import Any
from uuid import UUID

from kit.ids import new_id

from .house import House
from .lives import SHEENA, Life, first_place, live, twin
from .test_contact_notes import write
from .test_imports import run
from .test_merging import BOB, contacts, merged, undo
from .test_visibility import Desks, desks

__all__ = ["desks"]


async def lines(house: House, contact_id: object, limit: int = 100) -> list[dict[str, Any]]:
    """The whole timeline, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await house.get(f"/v1/contacts/{contact_id}/timeline?limit={limit}{cursor}")
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def sent_to(house: House, life: Life) -> None:
    """The broadcast that waits for them has left."""
    await house.rows(
        "UPDATE broadcast_recipients SET state = 'delivered', sent_at = kit_now() WHERE contact_id = $1 RETURNING id",
        life.contact.id,
    )


async def test_all_that_is_on_record_stands_in_one_list_whatever_the_pages(house: House) -> None:
    place = await first_place(house)
    life = await live(house, place, SHEENA, "Sheena")
    await twin(house, place, life, SHEENA)
    await sent_to(house, life)
    blocked = await house.ask("PUT", f"/v1/contacts/{life.contact.id}/block")
    assert blocked.status_code < 300, blocked.text
    whole = await lines(house, life.contact.id)
    assert {each["what"] for each in whole} == {
        "made",
        "blocked",
        "conversation_opened",
        "message_last",
        "noted",
        "consent",
        "imported",
        "merged",
        "separated",
        "broadcast",
        "labelled",
        "field_set",
    }
    times = [datetime.fromisoformat(each["at"]) for each in whole]
    assert times == sorted(times, reverse=True)
    assert await lines(house, life.contact.id, limit=3) == whole
    assert await lines(house, life.contact.id, limit=1) == whole
    told = {each["what"]: each for each in whole}
    assert (told["consent"]["state"], told["consent"]["kind"], told["consent"]["detail"]) == (
        "granted",
        "whatsapp",
        "marketing",
    )
    assert (told["broadcast"]["state"], told["imported"]["state"]) == ("delivered", "changed")
    assert told["labelled"]["by"] == str(place.agent_id)
    notes = [each for each in whole if each["what"] == "noted"]
    assert {(each["text"], each["conversation_id"] is None) for each in notes} == {
        ("about them", True),
        ("about them", False),
    }
    assert (await house.ask("GET", f"/v1/contacts/{life.contact.id}/timeline", by=new_id())).status_code == 404


async def test_a_line_that_two_contacts_share_comes_once_when_they_are_one(house: House) -> None:
    """One call labels both at the same moment; one file made both."""
    columns = [{"column": 0, "to": "phone"}]
    await run(house, b"+491701111111\n+491702222222\n", heading=False, columns=columns)
    one, other = [each["id"] for each in (await house.get("/v1/contacts"))["items"]]
    label = (await house.ask("POST", "/v1/labels", json={"name": "vip"})).json()["id"]
    await house.ask("POST", "/v1/labels/apply", json={"contact_ids": [one, other], "add": [label]})
    merge = await merged(house, one, other)
    for limit in (1, 2, 100):
        found = [each["what"] for each in await lines(house, one, limit)]
        assert sorted(found) == ["imported", "labelled", "made", "made", "merged"], limit
    await undo(house, merge["id"])
    assert sorted(each["what"] for each in await lines(house, other)) == [
        "imported",
        "labelled",
        "made",
        "merged",
        "separated",
    ]


async def test_what_stands_on_a_hidden_channel_is_in_nobodys_list_who_does_not_see_it(desks: Desks) -> None:
    house, contact = desks.house, desks.secret["contact_id"]
    path = f"/v1/conversations/{desks.secret['id']}/notes"
    assert (await house.ask("POST", path, json={"text": "among us"})).status_code == 201
    await write(house, desks.insider, contact, "for all")
    seen = [each["what"] for each in (await desks.get(desks.insider, f"/v1/contacts/{contact}/timeline"))["items"]]
    assert sorted(seen) == ["conversation_opened", "made", "message_last", "noted", "noted"]
    fewer = (await desks.get(desks.outsider, f"/v1/contacts/{contact}/timeline"))["items"]
    assert sorted((each["what"], each["text"]) for each in fewer if each["what"] == "noted") == [("noted", "for all")]
    assert sorted(each["what"] for each in fewer) == ["made", "noted"]


async def test_a_conversation_that_goes_on_elsewhere_is_told_once(house: House) -> None:
    sheena, bob = await contacts(house, SHEENA, BOB)
    await merged(house, sheena, bob)
    opened = [each for each in await lines(house, sheena) if each["what"] == "conversation_opened"]
    assert len(opened) == 1
    assert await house.count("SELECT count(*) FROM conversations WHERE contact_id = $1", UUID(sheena)) == 2
