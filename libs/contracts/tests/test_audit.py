import re
from uuid import uuid4

import pytest
from pydantic import ValidationError

from contracts import EVENTS
from contracts.audit import ACTIONS, MOST_DETAILS, AuditEntry
from contracts.auth import AuthAuditRecorded

SERVICES = {event.type.partition(".")[0] for event in EVENTS if issubclass(event, AuditEntry)}


def line(**changed: object) -> AuthAuditRecorded:
    fields: dict[str, object] = {
        "action": "auth.member.removed",
        "actor_kind": "user",
        "actor_id": uuid4(),
        "target_kind": "member",
        "target_id": str(uuid4()),
    }
    return AuthAuditRecorded.model_validate(fields | changed)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_names_its_service_and_is_told_in_a_sentence(action: str) -> None:
    assert re.fullmatch(r"[a-z]+(\.[a-z][a-z_]+){2}", action)
    assert action.partition(".")[0] in SERVICES
    assert re.fullmatch(r"[A-Z][^@]{8,90}\.", ACTIONS[action])


@pytest.mark.parametrize(
    "detail",
    [
        "Jane Doe",
        "jane@example.com",
        "two\nlines",
        "ein wörtliches Zitat",
        "x" * 81,
        "trailing\n",
        1.5,
        None,
        2**53,
        ["list"],
        {"a": "b"},
    ],
)
def test_neither_texts_nor_addresses_nor_structures_pass_as_details(detail: object) -> None:
    with pytest.raises(ValidationError):
        line(details={"of": detail})


@pytest.mark.parametrize(
    "detail", ["editor", "2026-01-15T09:30:00+00:00", "019bc1a2-7f00", "", 3, -1, True, 2**53 - 1]
)
def test_words_ids_times_counts_and_truths_pass_as_they_are(detail: object) -> None:
    told = line(details={"of": detail}).details["of"]
    assert (told, type(told)) == (detail, type(detail))


@pytest.mark.parametrize("name", ["Upper", "with space", "", "1st", "a" * 41, "mail@"])
def test_names_of_details_are_plain_names(name: str) -> None:
    with pytest.raises(ValidationError):
        line(details={name: 1})


def test_there_are_not_too_many_details() -> None:
    line(details={f"n{number}": number for number in range(MOST_DETAILS)})
    with pytest.raises(ValidationError):
        line(details={f"n{number}": number for number in range(MOST_DETAILS + 1)})


@pytest.mark.parametrize("target", ["jane@example.com", "Jane Doe", "", "-", "x" * 81, "a\n"])
def test_a_target_is_an_id_and_nothing_else(target: str) -> None:
    with pytest.raises(ValidationError):
        line(target_id=target)
