"""Contacts from files: taken in pieces, read as they are, recognised, counted, reported, undone."""

import csv
import io
import zipfile
from typing import Any

import pytest

from inbox.imports.model import CHUNK
from kit.ids import new_id

from .house import House
from .test_fields import define

COLUMNS = [{"column": 0, "to": "name"}, {"column": 1, "to": "phone"}, {"column": 2, "to": "email"}]
HEAD = "Name;Telefon;E-Mail\n"


async def upload(house: House, content: bytes, piece: int = 1 << 20) -> str:
    begun = await house.ask("POST", "/v1/contact-imports", json={"size": len(content)})
    assert begun.status_code == 201, begun.text
    found = begun.json()["id"]
    for at in range(0, len(content), piece):
        answer = await send(house, found, at, content[at : at + piece])
        assert answer.status_code == 200, answer.text
    return str(found)


async def send(house: House, import_id: str, offset: int, content: bytes) -> Any:
    headers = {"upload-offset": str(offset), "content-type": "application/offset+octet-stream"}
    return await house.ask("PATCH", f"/v1/contact-imports/{import_id}/file", content=content, headers=headers)


async def run(house: House, content: bytes, **how: Any) -> dict[str, Any]:
    """The import after all of its work."""
    found = await upload(house, content)
    body = {"columns": COLUMNS, "region": "DE", **how}
    answer = await house.ask("POST", f"/v1/contact-imports/{found}/start", json=body)
    assert answer.status_code == 202, answer.text
    await work(house)
    told: dict[str, Any] = await house.get(f"/v1/contact-imports/{found}")
    return told


async def work(house: House) -> None:
    worker = house.parts.jobs.worker()
    open_jobs = "SELECT count(*) FROM jobs WHERE ended_at IS NULL"
    for _ in range(200):
        await worker.turn()
        if not await house.count(open_jobs):
            return
    raise AssertionError("jobs do not end")


def counts(told: dict[str, Any]) -> tuple[int, ...]:
    return tuple(told[name] for name in ("rows", "made", "changed", "unchanged", "faulty"))


async def names(house: House) -> set[str]:
    return {each["name"] for each in (await house.get("/v1/contacts?limit=100"))["items"]}


async def report(house: House, import_id: str) -> list[list[str]]:
    answer = await house.ask("GET", f"/v1/contact-imports/{import_id}/report")
    return list(csv.reader(io.StringIO(answer.text)))[1:]


async def test_a_file_is_inspected_checked_imported_and_reported(house: House) -> None:
    text = (
        HEAD + "Ann Müller;0170 1234567;Ann@Example.com\n"
        "Bob;+44 20 7946 0958;\n"
        "Nobody;12;not an address\n"
        ";;\n"
        '"Cem\nÖzil";(0221) 99-88 77;\n'
        "Ann again;+491701234567;\n"
    )
    found = await upload(house, text.encode("cp1252"), piece=50)
    seen = await house.get(f"/v1/contact-imports/{found}/inspection")
    assert (seen["form"], seen["encoding"], seen["delimiter"], seen["heading"]) == ("csv", "cp1252", ";", True)
    assert seen["columns"] == ["name", "phone", "email"]
    body = {"columns": COLUMNS, "region": "DE"}
    dry = (await house.ask("POST", f"/v1/contact-imports/{found}/check", json=body)).json()
    assert (dry["rows"], dry["good"], dry["faulty"]) == (6, 4, 1)
    assert [(each["row"], each["field"], each["code"]) for each in dry["faults"]] == [
        (4, "phone", "bad-phone"),
        (4, "email", "bad-email"),
        (4, "", "no-identity"),
    ]
    assert await names(house) == set()
    for _ in range(2):
        answer = await house.ask("POST", f"/v1/contact-imports/{found}/start", json=body)
        assert answer.status_code == 202, answer.text
    await work(house)
    told = await house.get(f"/v1/contact-imports/{found}")
    assert (told["state"], counts(told)) == ("finished", (6, 3, 0, 1, 1))
    assert await names(house) == {"Ann Müller", "Bob", "Cem\nÖzil"}
    assert [line[:3] for line in await report(house, found)] == [
        ["4", "", "no-identity"],
        ["4", "email", "bad-email"],
        ["4", "phone", "bad-phone"],
        ["7", "", "repeated"],
    ]
    looked_up = await house.ask("POST", "/v1/contacts/lookup", json={"kind": "whatsapp_id", "value": "491701234567"})
    (ann,) = looked_up.json()["items"]
    assert {each["value"] for each in ann["identities"]} == {"+491701234567", "491701234567", "ann@example.com"}
    job = await house.get(f"/v1/contact-jobs/{told['job_id']}")
    assert (job["state"], job["total"], job["failed"]) == ("finished", 2, 0)


@pytest.mark.parametrize(
    ("mode", "name", "city", "expected"),
    [
        ("skip", "Old", "Köln", (1, 0, 0, 1, 0)),
        ("overwrite", "New", "Bonn", (1, 0, 1, 0, 0)),
        ("fill", "Old", "Köln", (1, 0, 1, 0, 0)),
    ],
)
async def test_who_is_there_is_skipped_overwritten_or_filled(
    house: House, mode: str, name: str, city: str, expected: tuple[int, ...]
) -> None:
    await define(house, "city")
    await define(house, "orders", "number")
    columns = [*COLUMNS, {"column": 3, "to": "attribute:city"}, {"column": 4, "to": "attribute:orders"}]
    await run(
        house, b"Old,+4917099,,K\xc3\xb6ln,\n".replace(b"+4917099", b"+491709999999"), columns=columns, heading=False
    )
    told = await run(
        house, b'New,+491709999999,a@b.example,Bonn,"1.234,5"\n', columns=columns, heading=False, mode=mode
    )
    assert counts(told) == expected
    assert await names(house) == {name}
    (contact,) = (await house.get("/v1/contacts"))["items"]
    values = (await house.get(f"/v1/contacts/{contact['id']}/attributes"))["values"]
    assert values == {"city": city} | ({"orders": 1234.5} if mode != "skip" else {})
    known = {each["kind"] for each in contact["identities"]}
    assert known == {"phone", "whatsapp_id"} | ({"email"} if mode != "skip" else set())


async def test_a_row_that_is_two_contacts_is_reported_and_changes_neither(house: House) -> None:
    await run(house, b"Ann,+491701111111,\nBob,,bob@example.com\n", heading=False)
    told = await run(house, b"Both,+491701111111,bob@example.com\n", heading=False, mode="overwrite")
    assert counts(told) == (1, 0, 0, 0, 1)
    assert await names(house) == {"Ann", "Bob"}
    assert (await report(house, told["id"]))[0][2] == "several-contacts"


async def test_many_chunks_are_imported_once_whoever_dies_and_undone(house: House) -> None:
    lines = "".join(f"N{each},+4917{each:08d},\n" for each in range(9000))
    found = await upload(house, (HEAD.replace(";", ",") + lines).encode())
    body = {
        "columns": COLUMNS,
        "consent": {"channel_kinds": ["whatsapp"], "purposes": ["marketing"], "policy_version": "1"},
    }
    assert (await house.ask("POST", f"/v1/contact-imports/{found}/start", json=body)).status_code == 202
    for _ in range(4):
        await house.parts.jobs.worker().turn()
    await work(house)
    told = await house.get(f"/v1/contact-imports/{found}")
    assert counts(told) == (9000, 9000, 0, 0, 0)
    assert await house.count("SELECT count(*) FROM contacts") == 9000
    assert await house.count("SELECT count(*) FROM consents WHERE state = 'granted'") == 9000
    await house.connected()
    await house.say("Hello", person="491700000007", name="Seven")
    await house.reduce()
    assert (await house.ask("POST", f"/v1/contact-imports/{found}/undo")).status_code == 202
    await work(house)
    told = await house.get(f"/v1/contact-imports/{found}")
    assert (told["state"], told["undone"], told["kept"]) == ("undone", 8999, 1)
    assert await names(house) == {"Seven"}
    assert (await house.ask("POST", f"/v1/contact-imports/{found}/undo")).status_code == 409
    while await house.parts.imports.sweep():
        pass
    assert await house.count("SELECT count(*) FROM contact_import_parts") == 0


async def test_undoing_gives_back_names_that_nobody_has_changed_since(house: House) -> None:
    await run(house, b"Ann,+491701111111,\nBob,+491702222222,\n", heading=False)
    told = await run(house, b"A,+491701111111,\nB,+491702222222,\n", heading=False, mode="overwrite")
    (bob,) = [each for each in (await house.get("/v1/contacts"))["items"] if each["name"] == "B"]
    tag = {"if-match": f'"v{bob["version"]}"'}
    changed = await house.ask("PATCH", f"/v1/contacts/{bob['id']}", json={"name": "Robert"}, headers=tag)
    assert changed.status_code == 200
    await house.ask("POST", f"/v1/contact-imports/{told['id']}/undo")
    await work(house)
    assert await names(house) == {"Ann", "Robert"}


async def test_an_upload_goes_on_where_it_stands_and_takes_no_more_than_it_was_said_to_be(house: House) -> None:
    begun = (await house.ask("POST", "/v1/contact-imports", json={"size": 10})).json()["id"]
    assert (await send(house, begun, 0, b"12345")).json()["received"] == 5
    again = await send(house, begun, 0, b"12345")
    assert (again.status_code, again.json()["offset"]) == (409, 5)
    assert (await send(house, begun, 5, b"678901")).status_code == 422
    body = {"columns": COLUMNS}
    assert (await house.ask("POST", f"/v1/contact-imports/{begun}/start", json=body)).status_code == 409
    assert (await house.ask("GET", f"/v1/contact-imports/{begun}", by=new_id())).status_code == 404
    assert (await house.ask("GET", "/v1/contact-imports", role="agent")).status_code == 403
    assert (await house.ask("POST", f"/v1/contact-imports/{begun}/cancel")).json()["state"] == "cancelled"


async def test_a_cancelled_import_does_nothing_more(house: House) -> None:
    lines = "".join(f"N{each},+4917{each:08d},\n" for each in range(9000))
    found = await upload(house, lines.encode())
    await house.ask("POST", f"/v1/contact-imports/{found}/start", json={"columns": COLUMNS, "heading": False})
    worker = house.parts.jobs.worker()
    for _ in range(2):
        await worker.turn()
    assert (await house.ask("POST", f"/v1/contact-imports/{found}/cancel")).json()["state"] == "cancelled"
    await work(house)
    assert await house.count("SELECT count(*) FROM contacts") in (0, CHUNK)


def book(sheet: str, strings: str = "", **more: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="x"><sheetData>{sheet}</sheetData></worksheet>'
        )
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="x">{strings}</sst>')
        for name, content in more.items():
            archive.writestr(name, content)
    return packed.getvalue()


async def test_a_workbook_is_read_like_a_table(house: House) -> None:
    sheet = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>Phone</t></is></c></row>'
        '<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2"><v>4.91701234567E+11</v></c></row>'
        '<row r="3"><c r="C3" t="str"><v>cem@example.com</v></c></row>'
    )
    content = book(sheet, "<si><t>Name</t></si><si><r><t>An</t></r><r><t>n</t></r></si>")
    told = await run(house, content)
    assert counts(told) == (2, 2, 0, 0, 0)
    assert "Ann" in await names(house)


HOSTILE = {
    "bomb": (book("<row>" + "<c><v>1</v></c>" * 2_000_000 + "</row>"), "workbook-too-large"),
    "entities": (
        book("<row/>").replace(b"", b""),
        "empty",
    ),
    "columns": (",".join(["x"] * 10_000).encode() + b"\n", "too-many-columns"),
    "line": (b"a,b\n" + b"x" * (2 * 1024 * 1024), "line-too-long"),
    "nul": (b"Name,Phone\nAnn,+491701234567\nBob\0,+491701234568\n", "nul-bytes"),
    "quote": (b'Name,Phone\n"Ann,+491701234567\n' + b"x,y\n" * 100_000, "field-too-long"),
    "no zip": (b"PK\x03\x04 and nothing", "not-a-workbook"),
    "utf-16": (b"\xff\xfe" + b"a\0,\0" + b"\x00\xd8" * 9 + b"\n\0x", "not-readable"),
}


@pytest.mark.parametrize("name", list(HOSTILE))
async def test_a_hostile_file_is_refused_by_name_and_nothing_of_it_is_imported(house: House, name: str) -> None:
    content, why = HOSTILE[name]
    told = await run(house, content)
    assert (told["state"], told["refusal"]) == ("refused", why)
    assert told["refusal_reason"]
    assert await house.count("SELECT count(*) FROM contacts") == 0


async def test_a_fault_at_the_end_of_a_long_file_leaves_nothing_half_imported(house: House) -> None:
    good = b"".join(b"N,+4917%08d,\n" % each for each in range(9000))
    told = await run(house, good + b"\0,\n", heading=False)
    assert (told["state"], told["refusal"], told["refused_row"]) == ("refused", "nul-bytes", 9001)
    assert await house.count("SELECT count(*) FROM contacts") == 0


async def test_broken_bytes_and_marks_are_read_as_they_were_meant(house: House) -> None:
    text = "\ufeffName\tPhone\tMail\nJosé\t+491701111111\t\n".encode() + b"Ren\xe9\t+491702222222\t\n"
    await run(house, text)
    await run(house, "Name\tPhone\tMail\nŁukasz\t+48500500500\t\n".encode("utf-16"))
    assert await names(house) == {"José", "René", "Łukasz"}


async def test_columns_that_cannot_be_are_named(house: House) -> None:
    found = await upload(house, b"a,b\n")
    cases = [
        ([{"column": 0, "to": "name"}], "#/columns"),
        ([{"column": 0, "to": "phone"}, {"column": 1, "to": "phone"}], "#/columns/0/to"),
        ([{"column": 0, "to": "phone"}, {"column": 1, "to": "attribute:none"}], "#/columns/1/to"),
    ]
    for columns, pointer in cases:
        answer = await house.ask("POST", f"/v1/contact-imports/{found}/start", json={"columns": columns})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
