"""What an organization knows of its contacts: typed, sealed where personal, and kept when contacts become one."""

from typing import Any

import pytest

from kit.ids import new_id

from .house import House
from .test_consent import BOB, contact_of


async def define(house: House, key: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    body = {"key": key, "name": key, "type": kind, "applies_to": "contact", **more}
    answer = await house.ask("POST", "/v1/attributes", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def put(house: House, contact_id: str, **values: Any) -> dict[str, Any]:
    answer = await house.ask("PATCH", f"/v1/contacts/{contact_id}/attributes", json={"values": values})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["values"]
    return found


async def test_values_are_typed_and_all_or_none_is_set(house: House) -> None:
    await house.open_conversation()
    ann = await contact_of(house)
    await define(house, "city")
    await define(house, "orders", "number")
    await define(house, "born", "date")
    await define(house, "vip", "checkbox")
    await define(house, "size", "list", choices=["S", "M"])
    await define(house, "likes", "several", choices=["tea", "coffee", "milk"])
    values = {
        "city": "Köln",
        "orders": 3.0,
        "born": "1990-02-28",
        "vip": True,
        "size": "M",
        "likes": ["milk", "tea"],
    }
    assert await put(house, ann, **values) == values
    wrong = {"city": "Bonn", "orders": "three", "likes": ["beer"]}
    answer = await house.ask("PATCH", f"/v1/contacts/{ann}/attributes", json={"values": wrong})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/values/orders")
    assert (await house.get(f"/v1/contacts/{ann}/attributes"))["values"] == values
    assert await put(house, ann, likes=["tea"], vip=None) == {k: v for k, v in values.items() if k != "vip"} | {
        "likes": ["tea"]
    }
    others = await house.ask("GET", f"/v1/contacts/{ann}/attributes", by=new_id())
    assert others.status_code == 404


@pytest.mark.parametrize("value", [[], ["tea", "tea"], "tea", ["water"]])
async def test_several_choices_are_a_list_of_what_there_is(house: House, value: Any) -> None:
    await house.open_conversation()
    await define(house, "likes", "several", choices=["tea", "coffee"])
    path = f"/v1/contacts/{await contact_of(house)}/attributes"
    answer = await house.ask("PATCH", path, json={"values": {"likes": value}})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:rostrum:problem:value-refused")


async def test_what_is_personal_lies_sealed_and_is_compared_by_hash(house: House) -> None:
    await house.open_conversation()
    ann = await contact_of(house)
    await define(house, "nickname", personal=True)
    assert await put(house, ann, nickname="Annie") == {"nickname": "Annie"}
    (row,) = await house.rows("SELECT * FROM contact_attributes")
    assert (row["value"], row["key"], row["number"]) == (None, None, None)
    assert b"nnie" not in row["value_sealed"]
    assert len(row["blind"]) == 32


async def test_merged_contacts_keep_what_was_known_of_each(house: House) -> None:
    await house.open_conversation()
    await house.say("Hello", person=BOB, name="Bob")
    await house.reduce()
    ann, bob = await contact_of(house), await contact_of(house, BOB)
    await define(house, "city")
    await define(house, "orders", "number")
    await put(house, ann, city="Köln")
    await put(house, bob, city="Bonn", orders=7)
    merged = await house.ask("POST", f"/v1/contacts/{ann}/merge", json={"contact_id": bob})
    for each in (ann, bob):
        found = (await house.get(f"/v1/contacts/{each}/attributes"))["values"]
        assert found == {"city": "Köln", "orders": 7.0}
    assert (await house.ask("POST", f"/v1/contacts/merges/{merged.json()['id']}/undo")).status_code == 200
    assert (await house.get(f"/v1/contacts/{bob}/attributes"))["values"] == {"city": "Bonn", "orders": 7.0}


async def test_an_attribute_that_is_deleted_takes_its_values_along(house: House) -> None:
    await house.open_conversation()
    ann, city = await contact_of(house), await define(house, "city")
    await put(house, ann, city="Köln")
    assert (await house.ask("DELETE", f"/v1/attributes/{city['id']}")).status_code == 204
    assert (await house.get(f"/v1/contacts/{ann}/attributes"))["values"] == {}
    while await house.parts.attribute_sweeping.run():
        pass
    left = "SELECT (SELECT count(*) FROM contact_attributes) + (SELECT count(*) FROM attributes)"
    assert await house.count(left) == 0
