"""Imports where workers die at every step, and where one of the people of a file is forgotten."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from inbox.imports.kind import import_kinds
from kit.jobs.jobs import Jobs
from kit.testing.mortal import Died, Mortal

from .house import House
from .test_imports import COLUMNS, counts, names, report, run, upload, work


@pytest.fixture
async def mortal(house: House) -> AsyncIterator[Mortal]:
    opened = await Mortal.open(house.place.url("inbox"), name="mortal", pool_size=4, acquire_within=30)
    assert isinstance(opened, Mortal)
    try:
        yield opened
    finally:
        await opened.close()


async def _die_often(house: House, mortal: Mortal) -> int:
    """In each turn a worker dies at the first step, a new one at the second, until one lives it through."""
    deaths, lives = 0, 1
    keyring, files = house.parts.media.keyring, house.parts.imports.files
    while await house.count("SELECT count(*) FROM jobs WHERE ended_at IS NULL"):
        mortal.live_for(lives)
        try:
            await Jobs(mortal, import_kinds(mortal, keyring, files, chunk=6)).worker().turn()
            lives = 1
        except Died:
            deaths, lives = deaths + 1, lives + 1
        finally:
            mortal.live_for(None)
    return deaths


async def _told(house: House, import_id: str) -> dict[str, Any]:
    told: dict[str, Any] = await house.get(f"/v1/contact-imports/{import_id}")
    return told


async def test_killed_at_every_step_nothing_is_lost_and_nothing_doubled(house: House, mortal: Mortal) -> None:
    await run(house, b"Before,+491700000003,\n", heading=False)
    lines = "".join(f"N{each},+4917{each:08d},n{each}@example.com\n" for each in range(9))
    found = await upload(house, f"{lines}N,12,\nAgain,+491700000001,\n".encode())
    consent = {"channel_kinds": ["whatsapp"], "purposes": ["marketing"], "policy_version": "1"}
    body = {"columns": COLUMNS, "region": "DE", "heading": False, "mode": "overwrite", "consent": consent}
    assert (await house.ask("POST", f"/v1/contact-imports/{found}/start", json=body)).status_code == 202
    assert await _die_often(house, mortal) > 40
    told = await _told(house, found)
    assert (told["state"], counts(told)) == ("finished", (11, 8, 1, 1, 1))
    assert await names(house) == {f"N{each}" for each in range(9) if each != 1} | {"Again"}
    assert [line[:3] for line in await report(house, found)] == [
        ["10", "", "no-identity"],
        ["10", "phone", "bad-phone"],
        ["11", "", "repeated"],
    ]
    for table, expected in (("contacts", 9), ("contact_identities", 27), ("consents", 9)):
        assert await house.count(f"SELECT count(*) FROM {table}") == expected, table
    await house.ask("POST", f"/v1/contact-imports/{found}/undo")
    assert await _die_often(house, mortal) > 5
    told = await _told(house, found)
    assert (told["state"], told["undone"] + told["kept"]) == ("undone", 9)
    assert await names(house) == {"Before", "Again"}, "who was changed again since stays"


async def _keys(house: House) -> dict[str, set[bool]]:
    """Whether the keys of each subject have bytes, as a backup of now would have them."""
    found: dict[str, set[bool]] = {}
    for row in await house.rows("SELECT subject, wrapped IS NOT NULL AS whole FROM seal_keys"):
        found.setdefault(row["subject"], set()).add(row["whole"])
    return found


async def _called(house: House) -> set[str]:
    """The names that can still be read."""
    return {each["name"] for each in (await house.get("/v1/contacts?limit=100"))["items"] if each["name"]}


async def test_one_of_a_file_is_forgotten_and_the_others_are_not(house: House) -> None:
    lines = "".join(f"N{each},+4917{each:08d},\n" for each in range(20)).encode()
    await run(house, lines, heading=False)
    people = {each["name"]: each["id"] for each in (await house.get("/v1/contacts?limit=100"))["items"]}
    assert len([subject for subject in await _keys(house) if subject.startswith("contact")]) == 1
    keyring, ada = house.parts.media.keyring, f"contact:{people['N7']}"
    async with house.database.transaction(house.organization_id) as tx:
        await keyring.shred(tx, house.organization_id, ada)
    await keyring.forget_shredded()
    assert await _called(house) == {f"N{each}" for each in range(20) if each != 7}
    kept = await _keys(house)
    assert kept[ada] == {False}
    assert {subject for subject, whole in kept.items() if True in whole and subject.startswith("contact")} == {
        f"contact:{each}" for name, each in people.items() if name != "N7"
    }
    told = await run(house, lines.replace(b"N", b"M"), heading=False, mode="overwrite")
    assert counts(told) == (20, 0, 19, 0, 0)
    assert [line[:3] for line in await report(house, told["id"])] == [["8", "", "forgotten"]]
    assert await _called(house) == {f"M{each}" for each in range(20) if each != 7}
    await house.ask("POST", f"/v1/contact-imports/{told['id']}/undo")
    await work(house)
    assert await _called(house) == {f"N{each}" for each in range(20) if each != 7}
