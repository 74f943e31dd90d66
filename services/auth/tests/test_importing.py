"""People brought from another system sign in with the passwords they had there."""

import json
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from auth.bootstrap import import_users
from contracts.audit import AuditEntry
from contracts.auth import UserRegistered

from .story import GOOD, Story

ADA, BOB = "ada@example.com", "bob@example.com"


def hashed(password: str = GOOD, form: str = "$2y$") -> str:
    return form + bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()[4:]


async def brought(story: Story, *lines: Any) -> list[str]:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return [told.outcome async for told in story.parts.user_import.run(texts)]


async def test_a_proven_address_is_an_account_whose_old_password_signs_in(story: Story) -> None:
    line = {"email": "Ada@Example.com", "hash": hashed(), "verified": True, "locale": "de"}
    assert await brought(story, line, line, "") == ["opened", "known"]
    assert (await story.sign_in(ADA, "not-the-password-17")).status_code == 401
    assert (await story.sign_in(ADA)).status_code == 201
    (row,) = await story.admin("SELECT password_hash, locale FROM users")
    assert row["password_hash"].startswith("$argon2id$"), "renewed at the first sign-in"
    assert row["locale"] == "de"
    assert len(await story.told(UserRegistered)) == 1
    lines = [each.action for each in await story.told(AuditEntry) if isinstance(each, AuditEntry)]
    assert "auth.user.imported" in lines


async def test_who_has_not_proven_the_address_is_sent_a_link(story: Story) -> None:
    assert await brought(story, {"email": ADA, "hash": hashed(), "verified": False}) == ["mailed"]
    assert (await story.sign_in(ADA)).status_code == 401
    await story.deliver()
    assert (await story.verify(story.postbox.token(ADA))).status_code == 200
    assert (await story.sign_in(ADA)).status_code == 201


async def test_an_account_that_is_there_is_left_as_it_is(story: Story) -> None:
    await story.person(ADA)
    assert await brought(story, {"email": ADA, "hash": hashed("another-password-77-x"), "verified": True}) == [
        "known"
    ]
    assert (await story.sign_in(ADA, GOOD)).status_code == 201


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        {"email": ADA, "verified": True},
        {"email": "nobody", "hash": "$2b$04$" + "a" * 53, "verified": True},
        {"email": ADA, "hash": "5f4dcc3b5aa765d61d8327deb882cf99", "verified": True},
        {"email": ADA, "hash": "$2b$31$" + "a" * 53, "verified": True},
        {"email": ADA, "hash": "$argon2id$v=19$m=4194304,t=9,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "verified": True},
        {"email": ADA, "hash": "$2b$04$" + "a" * 53, "verified": True, "role": "admin"},
    ],
)
async def test_a_line_that_cannot_be_used_is_refused_and_the_others_go_on(line: Any, story: Story) -> None:
    first, second = await brought(story, line, {"email": BOB, "hash": hashed(), "verified": True})
    assert first.startswith("refused: ")
    assert ADA not in first
    assert second == "opened"


async def test_the_command_reads_a_file_and_names_lines_not_people(
    story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text(json.dumps({"email": ADA, "hash": hashed(), "verified": True}) + "\n{}\n", encoding="utf-8")
    await import_users(story.parts, str(file))
    said = capsys.readouterr().out
    assert "line 2: refused" in said
    assert "1 opened, 1 refused" in said
    assert ADA not in said
    with pytest.raises(SystemExit):
        await import_users(story.parts, str(tmp_path / "missing"))
