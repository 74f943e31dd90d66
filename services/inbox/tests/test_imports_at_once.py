"""Whoever becomes known while a file is imported, or was known before, is one contact in the end."""

import asyncio

from inbox.imports.kind import import_kinds
from kit.jobs.jobs import Jobs

from .house import House
from .test_imports import COLUMNS, counts, names, report, run, upload

ANN = "+491701111111"


async def start(house: House, content: bytes) -> str:
    found = await upload(house, content)
    body = {"columns": COLUMNS, "region": "DE", "heading": False}
    answer = await house.ask("POST", f"/v1/contact-imports/{found}/start", json=body)
    assert answer.status_code == 202, answer.text
    return found


async def all_worked(house: House, jobs: Jobs) -> None:
    while await house.count("SELECT count(*) FROM jobs WHERE ended_at IS NULL"):
        await jobs.worker().turn()


async def test_two_files_of_the_same_people_at_once_are_each_of_them_once(house: House) -> None:
    lines = "".join(f"N{each},+4917{each:08d},n{each}@example.com\n" for each in range(500)).encode()
    turned = b"\n".join(reversed(lines.splitlines())) + b"\n"
    imports = [await start(house, content) for content in (lines, turned)]
    await asyncio.gather(*(all_worked(house, house.parts.jobs) for _ in range(3)))
    told = [await house.get(f"/v1/contact-imports/{each}") for each in imports]
    assert [each["state"] for each in told] == ["finished", "finished"]
    assert sorted(each["made"] + each["unchanged"] for each in told) == [500, 500]
    assert sum(each["made"] for each in told) == 500
    assert await house.count("SELECT count(*) FROM contacts") == 500
    assert await house.count("SELECT count(*) FROM contact_identities") == 1500


async def test_whoever_writes_while_the_file_is_imported_is_the_contact_of_the_file(house: House) -> None:
    await house.connected()
    lines = "".join(f"N{each},+4917{each:08d},\n" for each in range(300)).encode()
    found = await start(house, lines)

    async def write() -> None:
        for each in range(0, 300, 30):
            await house.say("Hello", person=f"4917{each:08d}", name=f"W{each}")
            await house.reduce()

    await asyncio.gather(all_worked(house, house.parts.jobs), write())
    told = await house.get(f"/v1/contact-imports/{found}")
    assert (told["state"], told["made"] + told["unchanged"]) == ("finished", 300)
    assert await house.count("SELECT count(*) FROM contacts WHERE merged_into IS NULL") == 300
    assert await house.count("SELECT count(DISTINCT contact_id) FROM contact_identities WHERE left_at IS NULL") == 300


async def test_a_number_that_somebody_has_left_is_of_whom_the_file_says(house: House) -> None:
    await house.connected()
    await house.say("Hello", person=ANN[1:], name="Ann")
    await house.reduce()
    system = {"type": "user_changed_number", "body": "changed", "wa_id": "491709999999"}
    await house.say("", type="system", system=system, person=ANN[1:], name="Ann")
    await house.reduce()
    assert await house.count("SELECT count(*) FROM contact_identities WHERE left_at IS NOT NULL") > 0
    told = await run(house, f"Bob,{ANN},bob@example.com\nCem,+491702222222,\n".encode(), heading=False)
    assert counts(told) == (2, 2, 0, 0, 0)
    assert await names(house) == {"Ann", "Bob", "Cem"}
    (bob,) = (await house.ask("POST", "/v1/contacts/lookup", json={"kind": "phone", "value": ANN})).json()["items"]
    assert bob["name"] == "Bob"


async def test_a_file_that_repeats_itself_is_worked_by_several_and_has_everybody_once(house: House) -> None:
    people = [f"N{each},+4917{each:08d},n{each}@example.com\n" for each in range(40)]
    found = await start(house, "".join(people * 3).encode())
    keyring, files = house.parts.media.keyring, house.parts.imports.files
    jobs = Jobs(house.database, import_kinds(house.database, keyring, files, chunk=10))
    await asyncio.gather(*(all_worked(house, jobs) for _ in range(3)))
    told = await house.get(f"/v1/contact-imports/{found}")
    assert (told["state"], counts(told)) == ("finished", (120, 40, 0, 80, 0))
    assert [line[2] for line in await report(house, found)] == ["repeated"] * 80, "whichever chunk was first"
    assert await house.count("SELECT count(*) FROM contacts") == 40
    assert await house.count("SELECT count(*) FROM contact_identities") == 120
