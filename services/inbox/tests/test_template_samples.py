"""Samples of headers and cards: files of the organization that WhatsApp gets before the template that shows them."""

from collections.abc import Mapping
from typing import Any

import pytest

from kit.ids import new_id

from .house import House
from .test_templates import PATH, at_whatsapp, create, read

SAMPLES = "/v1/media/samples"
PNG = b"\x89PNG\r\n\x1a\n" + b"a picture" * 1000
MP4 = b"\x00\x00\x00\x20ftypisom" + b"a film" * 1000
BODY = {"type": "BODY", "text": "There is something new today."}
GRAPH = "/whatsapp/graph/v23.0"
PARTS = {"method": "POST", "path": f"{GRAPH}/upload:"}


async def add(house: House, content: bytes = PNG, expect: int = 201, **more: Any) -> Any:
    answer = await house.ask("POST", SAMPLES, content=content, **more)
    assert answer.status_code == expect, answer.text
    return answer.json() if answer.content else None


def header(sample_id: str, form: str = "IMAGE") -> dict[str, Any]:
    return {"type": "HEADER", "format": form, "example": {"sample_id": sample_id}}


async def submitted(house: House, components: list[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    channel = await house.connected()
    return await create(house, channel["id"], category="MARKETING", components=components, submit=True, **more)


def handles(components: list[dict[str, Any]]) -> list[str]:
    return [each["example"]["header_handle"][0] for each in components if each["type"] == "HEADER"]


async def test_whatsapp_gets_the_sample_first_and_the_template_names_its_handle(house: House) -> None:
    sample = await add(house)
    assert (sample["media_type"], sample["size"]) == ("image/png", len(PNG))
    template = await submitted(house, [header(sample["id"]), BODY])
    await house.work()
    (there,) = [each for each in (await at_whatsapp(house)).values() if each["name"] == template["name"]]
    assert handles(there["components"])[0].startswith("4::")
    assert (await read(house, template["id"]))["status"] == "pending"
    shown = (await read(house, template["id"]))["components"][0]
    assert shown["example"] == {"sample_id": sample["id"]}, "what was written stays as it was written"


async def test_cards_of_a_carousel_name_samples_and_each_is_uploaded_once(house: House) -> None:
    one, two = await add(house), await add(house, PNG + b"2")
    buttons = {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "More"}]}
    cards = [
        {"components": [header(each["id"]), {"type": "BODY", "text": "A card of ours."}, buttons]}
        for each in (one, two, one)
    ]
    template = await submitted(house, [BODY, {"type": "CAROUSEL", "cards": cards}])
    await house.work()
    (there,) = [each for each in (await at_whatsapp(house)).values() if each["name"] == template["name"]]
    carousel = next(each for each in there["components"] if each["type"] == "CAROUSEL")
    first, second, third = [handles(card["components"])[0] for card in carousel["cards"]]
    assert first == third != second
    assert await house.count("SELECT count(*) FROM template_sample_uploads WHERE state = 'done'") == 2


async def test_an_upload_that_breaks_off_goes_on_and_one_that_is_refused_refuses_the_template(house: House) -> None:
    sample = await add(house)
    await house.faults({"kind": "drop_after_effect", "match": PARTS, "times": 1})
    template = await submitted(house, [header(sample["id"]), BODY])
    await house.work()
    assert (await read(house, template["id"]))["status"] == "pending"
    other = await add(house, PNG + b"!")
    await house.faults(
        {"kind": "refuse_before_effect", "status": 400, "match": {"path": f"{GRAPH}/app/uploads"}, "times": 9}
    )
    refused = await create(
        house,
        (await house.get("/v1/channels"))["items"][0]["id"],
        name="refused",
        category="MARKETING",
        components=[header(other["id"]), BODY],
        submit=True,
    )
    await house.work()
    found = await read(house, refused["id"])
    assert (found["status"], found["reason_code"]) == ("draft", "sample-refused")
    await house.faults()
    assert (await house.ask("POST", f"{PATH}/{refused['id']}/submit")).status_code == 202
    await house.work()
    assert (await read(house, refused["id"]))["status"] == "pending"


@pytest.mark.parametrize("content", [b"GIF89a nothing of theirs", b"", b"MZ a program"])
async def test_what_whatsapp_does_not_take_is_no_sample(house: House, content: bytes) -> None:
    await add(house, content, 422)


async def test_a_template_names_samples_of_its_organization_that_suit_its_header(house: House) -> None:
    ours, film, theirs = await add(house), await add(house, MP4), await add(house, by=new_id())
    channel = await house.connected()
    for named in (header(theirs["id"]), header(str(new_id())), header("none"), header(film["id"])):
        body = {
            "channel_id": channel["id"],
            "name": "shown",
            "language": "en",
            "category": "MARKETING",
            "components": [named, BODY],
            "submit": True,
        }
        answer = await house.ask("POST", PATH, json=body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == "#/components/0/example/sample_id"
    await create(house, channel["id"], category="MARKETING", components=[header(film["id"], "VIDEO"), BODY])
    listed = (await house.get(SAMPLES))["items"]
    assert [each["id"] for each in listed] == [ours["id"], film["id"]]


async def test_the_same_request_twice_is_one_sample_and_one_that_is_deleted_is_gone(house: House) -> None:
    key = {"idempotency-key": new_id().hex, **house.headers()}
    one, again = await add(house, headers=key), await add(house, headers=key)
    assert one == again
    assert (await house.ask("DELETE", f"{SAMPLES}/{one['id']}", by=new_id())).status_code == 404
    assert (await house.ask("DELETE", f"{SAMPLES}/{one['id']}")).status_code == 204
    assert (await house.ask("DELETE", f"{SAMPLES}/{one['id']}")).status_code == 404
    assert (await house.get(SAMPLES))["items"] == []
    told = [each.action for each in await house.audited() if each.target_id == one["id"]]
    assert told == ["inbox.template_sample.added", "inbox.template_sample.deleted"]
    answer = await house.ask("POST", SAMPLES, content=PNG, role="agent")
    assert answer.status_code == 403
