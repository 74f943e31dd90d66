"""The check of data maps fails for each thing that may be wrong, and says where and what to write."""

from pathlib import Path
from typing import ClassVar
from uuid import UUID

import pytest
from pydantic import Field

from contracts.event import SEALED, Audience, Event
from kit.intake import keeping
from kit.ledger import sweeping
from kit.mail import mailer
from kit.messaging import processed
from kit.privacy.checking import faults_of_events, faults_of_service, tables_of
from kit.privacy.datamap import BadDataMap, Column, DataMap, Lead, load, read
from kit.privacy.words import MEANINGS, RETENTION, SUBJECTS, Classification, Subject

SCHEMA = """\
-- The sum of all migrations.

CREATE TABLE notes (
    id uuid NOT NULL,
    "user" uuid,
    text_sealed bytea NOT NULL DEFAULT '\\x'::bytea,
    tags text[] NOT NULL DEFAULT '{}'::text[],
    written_at timestamp with time zone NOT NULL DEFAULT kit_now(),
    CONSTRAINT notes_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE notes IS 'Notes.';

CREATE TABLE pages (
    note_id uuid NOT NULL,
    number integer
);
"""
NOTES = """\
[notes]
purpose = "Keeps what people note."
retention = "account"
subject.user = "user"

[notes.columns]
id = "identifier"
user = "identifier"
text_sealed = { class = "content", sealed = true }
tags = { class = "content", why = "short words, shown in lists" }
written_at = "behavioural"
"""
PAGES = """\
[pages]
purpose = "Keeps the order of notes."
retention = "account"
subject.user = "note_id -> notes"

[pages.columns]
note_id = "identifier"
number = "technical"
"""
NOBODY = DataMap("kit.toml", {})


def faults(text: str, kit: str = "", schema: str = SCHEMA) -> list[str]:
    return faults_of_service(read(text, "data.toml"), read(kit, "kit.toml"), tables_of(schema))


def test_the_columns_of_a_schema_are_read_with_their_types() -> None:
    assert tables_of(SCHEMA) == {
        "notes": {
            "id": "uuid",
            "user": "uuid",
            "text_sealed": "bytea",
            "tags": "text[]",
            "written_at": "timestamp with time zone",
        },
        "pages": {"note_id": "uuid", "number": "integer"},
    }


def test_a_whole_map_has_no_faults() -> None:
    assert faults(NOTES + PAGES) == []


def test_tables_that_kit_makes_are_described_by_kit() -> None:
    assert faults(NOTES, kit=PAGES) == []
    assert faults(NOTES + PAGES, kit=PAGES) == ["data.toml: pages: kit describes this table; take it out"]


@pytest.mark.parametrize(
    ("instead_of", "written", "fault"),
    [
        (
            'number = "technical"\n',
            "",
            "pages.number: is not classified; write `number = …` with one of identifier |",
        ),
        ('number = "technical"', 'number = "technical"\ncolor = "none"', "pages.color: there is no such column any"),
        (PAGES, "", "pages: has no section; write `[pages]` with"),
        (PAGES, PAGES + PAGES.replace("pages", "books"), "books: there is no such table any more"),
        ("sealed = true", 'retention = "account"', "notes.text_sealed: content lies open; seal it and write `sealed"),
        ('tags = { class = "content"', 'tags = { class = "contact data"', None),
        (', why = "short words, shown in lists"', "", "notes.tags: content lies open"),
        (
            '{ class = "content", why = "short words, shown in lists" }',
            '"contact data"',
            "notes.tags: contact data lies open",
        ),
        (
            '{ class = "content", why = "short words, shown in lists" }',
            '"credential"',
            "notes.tags: credential lies open",
        ),
        ("sealed = true", "blind = true", None),
        ("sealed = true", "hashed = true", None),
        ('why = "short words, shown in lists"', "sealed = true", "notes.tags: is text[], what is sealed is bytea"),
        ('why = "short words, shown in lists"', 'why = "needed"', "notes.tags: `why` says nothing"),
        ('"Keeps what people note."', '"Notes."', "notes: the purpose says nothing"),
        (
            'retention = "account"',
            'retention = "ever"',
            "notes: `ever` is no retention class; write one of messages |",
        ),
        ("sealed = true", 'sealed = true, retention = "ever"', "notes.text_sealed: `ever` is no retention class"),
        ("sealed = true", 'sealed = true, purpose = "ever"', "notes.text_sealed: the purpose says nothing"),
        ('subject.user = "user"\n', "", "notes: holds personal data; write `subject.user = …` (or contact, address)"),
        (
            'subject.user = "user"',
            'without_subject = "nobody knows whose"',
            "pages: subject.user goes by notes, which",
        ),
        (
            'subject.user = "user"',
            'subject.user = "owner"',
            "notes: subject.user goes by `owner`, which is no column",
        ),
        ('subject.user = "user"', 'subject.contact = "user"', "pages: subject.user goes by notes, which leads to no"),
        (
            'subject.user = "user"',
            'subject.user = "id -> pages"',
            "notes: subject.user goes by pages, which leads to",
        ),
        ('"note_id -> notes"', '"note_id -> books"', "pages: subject.user goes by books, which leads to no user"),
        ('"note_id -> notes"', '["note_id -> notes", "number"]', None),
        (
            'subject.user = "user"',
            'subject.user = "user"\nwithout_subject = "nobody knows whose"',
            "notes: has a subject and none",
        ),
    ],
)
def test_each_fault_of_a_table_is_named(instead_of: str, written: str, fault: str | None) -> None:
    assert instead_of in NOTES + PAGES
    found = faults((NOTES + PAGES).replace(instead_of, written))
    if fault is None:
        assert found == []
    else:
        assert any(each.startswith(f"data.toml: {fault}") for each in found), found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[notes", "data.toml: not TOML: "),
        ('notes = "kept"', "data.toml: notes: "),
        (NOTES.replace('id = "identifier"', 'id = "secret"'), "data.toml: notes.id: `secret` is not known; write"),
        (NOTES.replace('class = "content", s', "s"), "data.toml: notes.text_sealed: write `class = …`"),
        (NOTES.replace('purpose = "Keeps what people note."\n', ""), "data.toml: notes: write `purpose = …`"),
        (NOTES.replace('retention = "account"\n', ""), "data.toml: notes: write `retention = …`"),
        (
            NOTES.replace("sealed = true", "seald = true"),
            "data.toml: notes.text_sealed.seald: nobody knows this word",
        ),
        (NOTES.replace("sealed = true", "sealed = 'often'"), "data.toml: notes.text_sealed.sealed: "),
        (NOTES.replace("subject.user", "subject.robot"), "data.toml: notes.subject.robot"),
    ],
)
def test_a_file_that_is_no_map_says_where_and_what_to_write(text: str, complaint: str) -> None:
    with pytest.raises(BadDataMap) as bad:
        read(text, "data.toml")
    assert bad.value.complaints[0].startswith(complaint), bad.value.complaints


def test_an_owner_without_a_file_is_told_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(
        BadDataMap, match=r"data\.toml: missing; describe each table in it, as docs/howto/add-a-table"
    ):
        load(tmp_path / "data.toml", "data.toml")


class NoteWritten(Event):
    """Somebody noted something."""

    type: ClassVar[str] = "notes.note.written.v1"
    subject: ClassVar[str] = "note_id"
    audience: ClassVar[Audience] = "internal"

    note_id: UUID
    title: str = Field(json_schema_extra=SEALED)


EVENTS = """\
[envelope]
purpose = "Tells others what happened."
retention = "history"

[envelope.fields]
id = "technical"
time = "behavioural"
organization_id = "technical"
version = "technical"
traceparent = "technical"

["notes.note.written.v1".fields]
note_id = "identifier"
title = { class = "content", sealed = true }
"""


def test_events_take_purpose_and_retention_from_the_envelope_unless_they_state_their_own() -> None:
    described = read(EVENTS, "data.toml")
    assert faults_of_events(described, (NoteWritten,)) == []
    assert described.tables[NoteWritten.type].purpose == "Tells others what happened."
    own = read(f'{EVENTS}["notes.note.signed.v1"]\nretention = "audit"\n', "data.toml")
    assert own.tables["notes.note.signed.v1"].retention == "audit"


@pytest.mark.parametrize(
    ("instead_of", "written", "fault"),
    [
        ('note_id = "identifier"\n', "", "notes.note.written.v1.note_id: is not classified; write `note_id = …`"),
        (
            'note_id = "identifier"',
            'note_id = "identifier"\nday = "none"',
            "notes.note.written.v1.day: there is no such",
        ),
        ('time = "behavioural"\n', "", "envelope.time: is not classified"),
        ('"notes.note.written.v1"', '"notes.note.gone.v1"', 'notes.note.written.v1: has no section; write `["notes.'),
        ('"notes.note.written.v1"', '"notes.note.gone.v1"', "notes.note.gone.v1: there is no such event any more"),
        ('note_id = "identifier"', 'note_id = "content"', "notes.note.written.v1.note_id: content travels open"),
        ('note_id = "identifier"', 'note_id = "contact data"', "notes.note.written.v1.note_id: contact data travels"),
        (
            'note_id = "identifier"',
            'note_id = "credential"',
            "notes.note.written.v1.note_id: credential travels open",
        ),
        (
            'note_id = "identifier"',
            'note_id = { class = "content", why = "it is short and harmless" }',
            "notes.note.written.v1.note_id: content travels open",
        ),
        (
            'note_id = "identifier"',
            'note_id = { class = "content", sealed = true }',
            "notes.note.written.v1.note_id: is not SEALED in NoteWritten",
        ),
        ('{ class = "content", sealed = true }', '"none"', "notes.note.written.v1.title: is SEALED in NoteWritten"),
        ('retention = "history"', 'retention = "ever"', "envelope: `ever` is no retention class"),
    ],
)
def test_each_fault_of_an_event_is_named(instead_of: str, written: str, fault: str) -> None:
    assert instead_of in EVENTS
    found = faults_of_events(read(EVENTS.replace(instead_of, written), "data.toml"), (NoteWritten,))
    assert any(each.startswith(f"data.toml: {fault}") for each in found), found


def test_a_lead_is_a_column_or_leads_on_to_a_table() -> None:
    table = read(PAGES.replace('"note_id -> notes"', '["note_id -> notes", "number"]'), "").tables["pages"]
    assert table.leads == [(Subject.USER, Lead("note_id", "notes")), (Subject.USER, Lead("number"))]


def test_a_column_may_be_written_as_its_class_alone() -> None:
    assert Column.model_validate("content") == Column.model_validate({"class": Classification.CONTENT})


def test_every_word_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Classification)
    assert set(SUBJECTS) == set(Subject)


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("seen messages", processed.RETENTION.days),
        ("ledger", sweeping.KEEP.days),
        ("mails", mailer.KEEP_FOR.days),
        ("intake", keeping.RETENTION.days),
        ("intake", keeping.RETENTION_OF_DOUBTFUL.days),
    ],
)
def test_a_retention_class_says_what_the_purges_do(name: str, days: int) -> None:
    assert f"{days} days" in RETENTION[name].meaning
