"""From a file to rows: every fault is told by line and column, and none of it is guessed away."""

import csv
import io
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from kit.errors import DomainError
from publisher.imports.model import COLUMNS, MOST_ROWS, Fault, Line
from publisher.posts.content import Content
from publisher.posts.model import Changes, Target
from publisher.posts.schemas import ContentIn, LocalTime, QueueSlot, when_of
from publisher.posts.when import InQueue, When

NEEDED: Final = ("text", "accounts")
_LONGEST: Final = 65_536


def lines(text: str) -> tuple[list[Line], list[Fault]]:
    """The rows of a file with a header, and what is wrong with its form."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    found: list[Line] = []
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        faults = _of_header(header)
        began = reader.line_num + 1
        for cells in reader:
            line, began = began, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if len(found) == MOST_ROWS:
                return found, [
                    *faults,
                    _fault(line, "", "rows.max", f"More than {MOST_ROWS} rows.", "Split the file."),
                ]
            if len(cells) != len(header):
                detail = f"The row has {len(cells)} cells, the header {len(header)}."
                faults.append(_fault(line, "", "cells", detail, "Put texts with commas between quotation marks."))
            found.append(Line(line, dict(zip(header, cells, strict=False))))
    except csv.Error as error:
        faults = [_fault(reader.line_num, "", "csv", f"This is not CSV: {error}.", "Close every quotation mark.")]
    return found, faults or ([] if found else [_fault(1, "", "rows.min", "There is no row.", "Write a row.")])


def _of_header(header: list[str]) -> list[Fault]:
    faults = [
        _fault(1, name[:50], "columns", "This column is not known.", f"Use {', '.join(COLUMNS)}.")
        for name in header
        if name not in COLUMNS
    ]
    faults += [
        _fault(1, name, "columns", "This column is missing.", "Add it to the header.")
        for name in NEEDED
        if name not in header
    ]
    if len(set(header)) != len(header):
        faults.append(_fault(1, "", "columns", "A column is there twice.", "Keep one of them."))
    return faults


def wishes(line: Line, zone: str, now: datetime) -> tuple[Changes | None, list[Fault]]:
    """What a row asks for; None where it cannot be read."""
    faults: list[Fault] = []
    text = line.cells.get("text", "")
    if len(text) > _LONGEST:
        faults.append(_fault(line.number, "text", "text.max", "The text is too long.", "Shorten it."))
    targets = _targets(line, faults)
    content = _content(line, faults)
    when = _when(line, zone, now, faults)
    if faults or content is None:
        return None, faults
    return Changes(text, targets, when, content), []


def _targets(line: Line, faults: list[Fault]) -> tuple[Target, ...]:
    found: dict[UUID, Target] = {}
    for word in line.cells.get("accounts", "").replace(";", " ").replace(",", " ").split():
        try:
            found[UUID(word)] = Target(UUID(word))
        except ValueError:
            fix = "Write the ids of connected accounts with spaces between them."
            faults.append(_fault(line.number, "accounts", "account", "This is no id of an account.", fix))
    return tuple(found.values())


def _content(line: Line, faults: list[Fault]) -> Content | None:
    given = {
        name: value.strip()
        for name in ("kind", "title", "link", "first_comment")
        if (value := line.cells.get(name, "")).strip()
    }
    shown, cover = _media(line, "media", faults), _media(line, "cover", faults)
    if len(cover) > 1:
        faults.append(_fault(line.number, "cover", "cover.max", "A post has one cover.", "Keep one id."))
    media: dict[str, object] = {"media": [{"media_id": each} for each in shown]}
    media |= {"cover": cover[0]} if cover else {}
    try:
        return ContentIn.model_validate(given | media).content()
    except ValidationError as error:
        faults += [
            _fault(line.number, str(each["loc"][0]), str(each["type"]), f"{each['msg']}.", "Write it otherwise.")
            for each in error.errors(include_url=False, include_input=False)
        ]
        return None


def _media(line: Line, column: str, faults: list[Fault]) -> list[UUID]:
    """Pictures, videos and documents of the library, by id, in their order."""
    found: list[UUID] = []
    for word in line.cells.get(column, "").replace(";", " ").replace(",", " ").split():
        try:
            found.append(UUID(word))
        except ValueError:
            fix = "Write the ids that the library shows, with spaces between them."
            faults.append(_fault(line.number, column, "media", "This is no id of the library.", fix))
    return found


def missing(line: Line, content: Content, known: Collection[UUID]) -> list[Fault]:
    """What a row shows that the library does not have, or not yet: each by its id."""
    shown = [("media", use.media_id) for use in content.media] + ([("cover", content.cover)] if content.cover else [])
    return [
        _fault(
            line.number,
            column,
            "media-missing",
            f"The library has no {media_id} that is ready to be published.",
            "Upload it first, or correct the id.",
        )
        for column, media_id in shown
        if media_id not in known
    ]


def _when(line: Line, zone: str, now: datetime, faults: list[Fault]) -> When | InQueue | None:
    """An instant with its offset, a local time, `queue:` and an id, `now`, or nothing for a draft."""
    wanted, there = line.cells.get("publish_at", "").strip(), line.cells.get("zone", "").strip() or zone
    try:
        if not wanted:
            return None
        if wanted == "now":
            return when_of("now", now)
        if wanted.startswith("queue:"):
            return when_of(QueueSlot(queue=UUID(wanted.removeprefix("queue:").strip())), now)
        moment = datetime.fromisoformat(wanted)
        if moment.tzinfo is not None:
            return When(moment.astimezone(UTC))
        return when_of(LocalTime.model_validate({"local": moment.isoformat(), "zone": there}), now)
    except DomainError as refusal:
        faults += of_refusal(line.number, refusal)
    except (ValueError, OverflowError):
        fix = "Write 2026-12-24 09:00, 2026-12-24T09:00:00+01:00, now, queue: and an id, or nothing."
        faults.append(_fault(line.number, "publish_at", "time", "This is no time.", fix))
    return None


def of_refusal(line: int, refusal: DomainError) -> list[Fault]:
    """What is wrong with a row, as whoever refused it says."""
    told = refusal.extensions.get("findings")
    if isinstance(told, list) and told:
        return [
            _fault(line, _column(each["pointer"]), each["rule"], each["detail"], each["fix"]) for each in told[:20]
        ]
    faults = [_fault(line, _column(each.pointer), refusal.code, each.detail, _SEE) for each in refusal.errors[:20]]
    return faults or [_fault(line, "", refusal.code, refusal.detail or refusal.title(), _SEE)]


_SEE: Final = "Change the row and import it again."


def _column(pointer: object) -> str:
    """The column that a place in a request stands for."""
    parts = [part for part in str(pointer).removeprefix("#/").split("/") if part]
    names: Iterable[str] = (part for part in parts if part in COLUMNS)
    return next(iter(names), "accounts" if parts[:1] in (["targets"], ["overrides"]) else "")


def _fault(line: int, column: str, rule: str, detail: str, fix: str) -> Fault:
    return Fault(line, column, rule, detail, fix)
