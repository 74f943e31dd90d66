"""Undoing an import gives back what was there: names and values, of whoever was not used or changed since."""

import csv
import io
from typing import Any

import pytest

from kit.ids import new_id

from .house import House
from .test_fields import define, put
from .test_imports import COLUMNS, run, work

MORE = [*COLUMNS, {"column": 3, "to": "attribute:city"}, {"column": 4, "to": "attribute:secret"}]
ANN, BOB, CEM = "+491701111111", "+491702222222", "+491703333333"


async def attributes(house: House) -> None:
    await define(house, "city")
    await define(house, "secret", personal=True)
    await define(house, "likes", "several", choices=["tea", "coffee"])


async def people(house: House) -> dict[str, dict[str, Any]]:
    """Everybody by name, with their values."""
    found = {}
    for each in (await house.get("/v1/contacts?limit=100"))["items"]:
        values = (await house.get(f"/v1/contacts/{each['id']}/attributes"))["values"]
        found[each["name"]] = {"id": each["id"], "values": values}
    return found


async def undone(house: House, import_id: str) -> dict[str, Any]:
    answer = await house.ask("POST", f"/v1/contact-imports/{import_id}/undo")
    assert answer.status_code == 202, answer.text
    await work(house)
    told: dict[str, Any] = await house.get(f"/v1/contact-imports/{import_id}")
    return told


async def report(house: House, import_id: str) -> list[list[str]]:
    answer = await house.ask("GET", f"/v1/contact-imports/{import_id}/undo-report")
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.text)))[1:]


@pytest.mark.parametrize("mode", ["overwrite", "fill"])
async def test_values_are_given_back_sealed_ones_too_and_such_that_were_not_there_go(house: House, mode: str) -> None:
    await attributes(house)
    await run(house, f"Ann,{ANN},,Köln,hers\nBob,{BOB},,,\n".encode(), columns=MORE, heading=False)
    ann = (await people(house))["Ann"]["id"]
    await put(house, ann, likes=["tea", "coffee"])
    before = await people(house)
    columns = [*MORE, {"column": 5, "to": "attribute:likes"}]
    told = await run(
        house,
        f"A,{ANN},,Bonn,other,tea\nB,{BOB},b@example.com,Bonn,his,coffee\nCem,{CEM},,Bonn,,\n".encode(),
        columns=columns,
        heading=False,
        mode=mode,
    )
    assert (told["made"], told["changed"]) == (1, 2)
    after = await people(house)
    assert after["B" if mode == "overwrite" else "Bob"]["values"] == {
        "city": "Bonn",
        "secret": "his",
        "likes": ["coffee"],
    }
    kept = await house.rows("SELECT v::text AS text FROM contact_import_values AS v")
    assert not [row for row in kept if "hers" in row["text"]]
    told = await undone(house, told["id"])
    assert (told["state"], told["undone"], told["kept"]) == ("undone", 3, 0)
    assert await people(house) == before
    assert await report(house, told["id"]) == []
    assert await house.count("SELECT count(*) FROM contact_import_values WHERE import_id = $1::uuid", told["id"]) == 0
    for city, names in (("Bonn", set()), ("Köln", {"Ann"})):
        body = {"query": {"attribute": "city", "is": city}}
        found = (await house.ask("POST", "/v1/segments/preview", json=body)).json()["sample"]
        assert {each["name"] for each in found} == names


async def test_whoever_was_used_or_changed_since_is_left_alone_and_told_of(house: House) -> None:
    await attributes(house)
    await run(house, f"Ann,{ANN},,Köln,\nBob,{BOB},,Köln,\n".encode(), columns=MORE, heading=False)
    rows = f"Ann,{ANN},,Bonn,\nBob,{BOB},,Bonn,\nCem,{CEM},,Bonn,\n".encode()
    told = await run(house, rows, columns=MORE, heading=False, mode="overwrite")
    found = await people(house)
    await put(house, found["Ann"]["id"], secret="learnt since")
    noted = await house.ask("POST", f"/v1/contacts/{found['Cem']['id']}/notes", json={"text": "called us"})
    assert noted.status_code == 201
    told = await undone(house, told["id"])
    assert (told["undone"], told["kept"]) == (1, 2)
    now = await people(house)
    assert now["Ann"]["values"] == {"city": "Bonn", "secret": "learnt since"}
    assert now["Bob"]["values"] == {"city": "Köln"}
    assert now["Cem"]["values"] == {"city": "Bonn"}
    assert sorted(line[:2] for line in await report(house, told["id"])) == sorted(
        [[found["Ann"]["id"], "changed-since"], [found["Cem"]["id"], "made-and-used"]]
    )
    other = await house.ask("GET", f"/v1/contact-imports/{told['id']}/undo-report", by=new_id())
    assert other.status_code == 404


async def test_of_rows_that_are_one_contact_in_chunks_apart_the_first_values_are_given_back(house: House) -> None:
    await attributes(house)
    await run(house, f"Ann,{ANN},,Köln,\n".encode(), columns=MORE, heading=False)
    others = "".join(f"N{each},+4916{each:08d},,,\n" for each in range(8500))
    content = f"A,{ANN},,Bonn,\n{others}B,{ANN},,Trier,\n".encode()
    told = await run(house, content, columns=MORE, heading=False, mode="overwrite")
    (ann,) = (await house.ask("POST", "/v1/contacts/lookup", json={"kind": "phone", "value": ANN})).json()["items"]
    assert ann["name"] == "B"
    told = await undone(house, told["id"])
    assert (told["state"], told["kept"]) == ("undone", 0)
    assert {name: each["values"] for name, each in (await people(house)).items()} == {"Ann": {"city": "Köln"}}


async def test_after_thirty_days_it_is_too_late_and_nothing_is_kept_for_it(house: House) -> None:
    await attributes(house)
    await run(house, f"Ann,{ANN},,Köln,hers\n".encode(), columns=MORE, heading=False)
    told = await run(house, f"A,{ANN},,Bonn,\n".encode(), columns=MORE, heading=False, mode="overwrite")
    while await house.parts.imports.sweep():
        pass
    assert await house.count("SELECT count(*) FROM contact_import_values") == 1
    await house.forward(30 * 86_400 + 60)
    answer = await house.ask("POST", f"/v1/contact-imports/{told['id']}/undo")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:too-late-to-undo")
    while await house.parts.imports.sweep():
        pass
    assert await house.count("SELECT count(*) FROM contact_import_values") == 0
    assert await house.count("SELECT count(*) FROM contact_import_changes WHERE name_before IS NOT NULL") == 0
    assert await house.count("SELECT count(*) FROM contact_imports WHERE NOT undo_over") == 0


async def contact_of(house: House, phone: str) -> dict[str, Any]:
    answer = await house.ask("POST", "/v1/contacts/lookup", json={"kind": "phone", "value": phone})
    (found,) = answer.json()["items"]
    return {"id": found["id"], "known": {each["value"] for each in found["identities"]}}


CONSENT = {"channel_kinds": ["whatsapp", "sms"], "purposes": ["marketing", "utility"], "policy_version": "7"}


async def test_what_existing_contacts_were_known_by_and_agreed_to_is_taken_away_again(house: House) -> None:
    await run(house, f"Ann,{ANN},\nBob,{BOB},\n".encode(), heading=False)
    ann, bob = await contact_of(house, ANN), await contact_of(house, BOB)
    before = await state(house, ann["id"], "sms", "utility", "withdrawn")
    content = f"Ann,{ANN},ann@example.com\nBob,{BOB},bob@example.com\nCem,{CEM},\n".encode()
    told = await run(house, content, heading=False, mode="fill", consent=CONSENT)
    assert (told["made"], told["changed"]) == (1, 2)
    assert (await contact_of(house, ANN))["known"] == ann["known"] | {"ann@example.com"}
    assert len((await house.get(f"/v1/contacts/{ann['id']}/consents"))["items"]) == 4
    later = await state(house, bob["id"], "whatsapp", "marketing", "granted")
    told = await undone(house, told["id"])
    assert (told["undone"], told["kept"]) == (3, 0)
    assert await contact_of(house, ANN) == ann
    assert await contact_of(house, BOB) == bob
    assert (await house.get(f"/v1/contacts/{ann['id']}/consents"))["items"] == before
    assert (await house.get(f"/v1/contacts/{bob['id']}/consents"))["items"] == later
    assert await house.count("SELECT count(*) FROM contact_import_identities") == 0
    assert await house.count("SELECT count(*) FROM consent_entries WHERE import_id IS NOT NULL") == 0


async def test_by_what_somebody_has_written_since_they_stay_known(house: House) -> None:
    await house.connected()
    await run(house, b"Ann,,ann@example.com\n", heading=False)
    told = await run(house, f"Ann,{ANN},ann@example.com\n".encode(), heading=False, mode="fill")
    ann = await contact_of(house, ANN)
    await house.say("Hello", person=ANN[1:], name="Ann")
    await house.reduce()
    assert (await undone(house, told["id"]))["state"] == "undone"
    assert await contact_of(house, ANN) == ann


async def state(house: House, contact_id: str, kind: str, purpose: str, wish: str) -> list[dict[str, Any]]:
    """Record a wish; how the contact stands to everything then."""
    body = {"channel_kinds": [kind], "purposes": [purpose], "state": wish}
    answer = await house.ask("POST", f"/v1/contacts/{contact_id}/consents", json=body)
    assert answer.status_code == 201, answer.text
    found: list[dict[str, Any]] = (await house.get(f"/v1/contacts/{contact_id}/consents"))["items"]
    return [each for each in found if each["channel_kind"] == kind and each["purpose"] == purpose]
