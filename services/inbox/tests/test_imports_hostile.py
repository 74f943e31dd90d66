"""Files that mean harm, or were damaged on their way: refused by name, and read in little memory."""

import gzip
import io
import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inbox.imports.errors import REFUSALS

from .house import House
from .test_imports import book, run, upload

MEBIBYTE = 1024 * 1024
_READ = """
import json, sys
from inbox.imports.errors import FileRefused
from inbox.imports.reading import rows, sniff


def peak():
    # of this program alone: what `getrusage` tells begins with what the parent had when it forked
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


before = peak()
count, why, row = 0, "", None
with open(sys.argv[1], "rb") as file:
    try:
        for cells in rows(file, sniff(file)):
            count += 1
    except FileRefused as refused:
        why, row = refused.why, refused.row
print(json.dumps({"rows": count, "why": why, "row": row, "mebibytes": peak() - before}))
"""


def read(path: Path) -> dict[str, Any]:
    """What a process of its own makes of a file: rows, or why it is refused, and the memory that took."""
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(path)], capture_output=True, text=True, timeout=240, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def workbook(parts: dict[str, bytes], packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packed) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def _sheet(inside: bytes = b"") -> bytes:
    return b'<worksheet xmlns="x"><sheetData>' + inside + b"</sheetData></worksheet>"


_NOISE = random.Random(7).randbytes(3 * MEBIBYTE).hex().encode()
"""What does not pack well, so that what is around it may unpack to a lot."""

_ROW = b'<row r="1"><c r="A1" t="inlineStr"><is><t>+491701111111</t></is></c></row>'
_ENTITY = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><worksheet><sheetData/></worksheet>'
_LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><worksheet><sheetData/></worksheet>'
_GOOD = b"Name,Phone\n" + b"".join(b"N,+4917%08d\n" % each for each in range(5000))

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "10,000 columns in a workbook": (
        lambda: book("<row>" + '<c r="NTP1"><v>1</v></c>' + "</row>"),
        "too-many-columns",
    ),
    "an entity that reads a file": (lambda: workbook({"xl/worksheets/sheet1.xml": _ENTITY}), "not-a-workbook"),
    "a billion laughs": (lambda: workbook({"xl/worksheets/sheet1.xml": _LAUGHS}), "not-a-workbook"),
    "a workbook cut in the middle": (lambda: book("<row><c><v>1</v></c></row>" * 5000)[:-200], "not-a-workbook"),
    "a workbook with a damaged part": (
        lambda: (whole := book("<row><c><v>1</v></c></row>" * 50_000))[:100] + b"\0\xff" * 20 + whole[140:],
        "not-a-workbook",
    ),
    "a workbook without its end tags": (
        lambda: workbook({"xl/worksheets/sheet1.xml": _sheet(_ROW)[:-30]}),
        "not-a-workbook",
    ),
    "an archive that is no workbook": (lambda: workbook({"readme.txt": b"hello"}), "not-a-workbook"),
    "a gzip": (lambda: gzip.compress(_GOOD), "no-table"),
    "half a gzip": (lambda: gzip.compress(_GOOD)[:300], "no-table"),
    "a workbook of long ago": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "no-table"),
    "a PDF": (lambda: b"%PDF-1.7\nName,Phone\n", "no-table"),
    "UTF-16 without a mark": (lambda: "Name,Phone\nAnn,+491701234567\n".encode("utf-16-le"), "nul-bytes"),
    "UTF-32": (lambda: "Name,Phone\nAnn,+491701234567\n".encode("utf-32"), "nul-bytes"),
    "half a character at the end of UTF-16": (lambda: "Name,Phone\nA,B\n".encode("utf-16")[:-1], "not-readable"),
    "a quotation mark that is never closed": (lambda: _GOOD + b'"Ann,+491701234567\n', "ends-in-a-row"),
    "a file cut within a quoted cell": (lambda: _GOOD + b'Ann,"+4917012', "ends-in-a-row"),
    "a NUL behind five thousand rows": (lambda: _GOOD + b"Bob\0,+491701234568\n", "nul-bytes"),
}


@pytest.mark.parametrize("name", list(HOSTILE))
async def test_it_is_refused_by_name_and_nothing_of_it_is_imported(house: House, name: str) -> None:
    make, why = HOSTILE[name]
    told = await run(house, make(), columns=[{"column": 0, "to": "name"}, {"column": 1, "to": "phone"}])
    assert (told["state"], told["refusal"], told["refusal_reason"]) == ("refused", why, REFUSALS[why])
    assert (told["made"], await house.count("SELECT count(*) FROM contacts")) == (0, 0)
    answer = await house.ask("POST", f"/v1/contact-imports/{told['id']}/start", json={"columns": told_columns()})
    assert answer.status_code == 409


def told_columns() -> list[dict[str, Any]]:
    return [{"column": 0, "to": "phone"}]


async def test_a_file_that_is_no_table_is_refused_where_it_is_looked_at(house: House) -> None:
    """The inspection and the dry run say the same as the import."""
    for content, why in ((gzip.compress(_GOOD), "no-table"), (_GOOD + b'"', "")):
        found = await upload(house, content)
        answer = await house.ask("GET", f"/v1/contact-imports/{found}/inspection")
        assert (answer.status_code, answer.json().get("reason", "")) == (422 if why else 200, why)


async def test_what_a_workbook_leads_to_outside_is_never_looked_at(house: House) -> None:
    """A link to another workbook, a connection, a macro: only the first sheet's own values are read."""
    linked = '<row r="1"><c r="A1"><f>[1]Sheet1!A1</f><v>491701111111</v></c></row>'
    more = {
        "xl/externalLinks/externalLink1.xml": b'<externalLink xmlns:r="r"><externalBook r:id="rId1"/></externalLink>',
        "xl/externalLinks/_rels/externalLink1.xml.rels": b'<Relationships><Relationship Id="rId1" '
        b'Target="http://127.0.0.1:9/stolen.xlsx" TargetMode="External"/></Relationships>',
        "xl/connections.xml": b'<connections><connection refreshOnLoad="1"/></connections>',
        "xl/vbaProject.bin": b"\xd0\xcf\x11\xe0",
    }
    good = linked.replace("491701111111", "+491701111111").replace('r="A1"', 'r="A1" t="str"')
    told = await run(house, book(good, "", **more), columns=told_columns(), heading=False)
    assert (told["state"], told["made"]) == ("finished", 1)


async def test_a_row_that_ends_with_the_file_and_cells_in_lines_are_read_as_they_are(house: House) -> None:
    content = b'Name,Phone\n"An\nn",+491701111111\n"Bob ""B""","+491702222222"'
    await run(house, content, columns=[{"column": 0, "to": "name"}, {"column": 1, "to": "phone"}])
    assert {each["name"] for each in (await house.get("/v1/contacts"))["items"]} == {"An\nn", 'Bob "B"'}


def _long_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"Name,Phone\nAnn,+491701111111\n")
        for _ in range(100):
            file.write(b"x" * MEBIBYTE)


def _many_rows(path: Path) -> None:
    line = b"Person of a long name,+491701234567,person@example.com,Some street of a town\n" * 1000
    with path.open("wb") as file:
        for _ in range(2000):
            file.write(line)


def _bomb(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part,
    ):
        part.write(b"<worksheet><sheetData><row>")
        for _ in range(500):
            part.write(b"<c><v>1</v></c>" * 60_000)


def _many_strings(path: Path) -> None:
    strings = b"<sst><!--" + _NOISE[: 3 * MEBIBYTE] + b"-->" + b"<si/>" * 20_000_000 + b"</sst>"
    parts = {"xl/worksheets/sheet1.xml": _sheet(_ROW), "xl/sharedStrings.xml": strings}
    path.write_bytes(workbook(parts))


def _long_strings(path: Path) -> None:
    string = b"<si><t>" + _NOISE[:MEBIBYTE] + b"</t></si>"
    parts = {"xl/worksheets/sheet1.xml": _sheet(_ROW), "xl/sharedStrings.xml": b"<sst>" + string * 80 + b"</sst>"}
    path.write_bytes(workbook(parts, zipfile.ZIP_STORED))


def _long_tag(path: Path) -> None:
    tag = b'<row r="' + _NOISE * 12 + b'"/>'
    path.write_bytes(workbook({"xl/worksheets/sheet1.xml": _sheet(tag)}, zipfile.ZIP_STORED))


def _many_parts(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(100_000):
            archive.writestr(f"xl/media/picture-of-something-{number}.png", b"")
        archive.writestr("xl/worksheets/sheet1.xml", _sheet(_ROW))


HEAVY: dict[str, tuple[Callable[[Path], None], str, int]] = {
    "one line of 100 MB": (_long_line, "line-too-long", 60),
    "two million rows, 150 MB": (_many_rows, "", 60),
    "a zip bomb": (_bomb, "workbook-too-large", 60),
    "twenty million shared strings": (_many_strings, "workbook-too-large", 100),
    "80 MB of shared strings": (_long_strings, "workbook-too-large", 250),
    "a tag of 70 MB": (_long_tag, "workbook-too-large", 60),
    "a hundred thousand parts": (_many_parts, "workbook-too-large", 60),
}
"""How each is made, why it is refused, and how many mebibytes reading it may take beyond what a process has."""


@pytest.mark.parametrize("name", list(HEAVY))
def test_memory_is_bounded_whatever_the_file_holds(tmp_path: Path, name: str) -> None:
    make, why, most = HEAVY[name]
    path = tmp_path / "file"
    make(path)
    told = read(path)
    path.unlink()
    assert told["why"] == why, told
    assert told["mebibytes"] < most, told
    assert told["rows"] == (2_000_000 if not why else told["rows"])


async def test_a_piece_of_an_upload_may_be_large_and_other_bodies_may_not(house: House) -> None:
    content = b"Name,Phone\n" + b"Somebody with a name,+491701111111\n" * 150_000
    assert len(content) > 5 * MEBIBYTE
    found = await upload(house, content, piece=len(content))
    assert (await house.get(f"/v1/contact-imports/{found}"))["state"] == "uploaded"
    headers = {"content-type": "application/json"}
    told = b'{"size": 1, "more": "' + b"x" * 2 * MEBIBYTE + b'"}'
    assert (await house.ask("POST", "/v1/contact-imports", content=told, headers=headers)).status_code == 413
