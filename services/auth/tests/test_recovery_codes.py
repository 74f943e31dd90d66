"""Recovery codes: shown once, each good once, whoever comes first."""

import asyncio
import re
from uuid import UUID

import pytest

from auth.factors.model import code_hash, new_codes
from contracts.audit import AuditEntry

from .conftest import Forward
from .second_factors import complete, half_signed_in, with_app
from .story import Person, Story, problem, text_of

ADA, BOB = "ada.codes-23@house.test", "bob.codes-34@house.test"


def test_codes_are_of_120_bits_and_none_is_like_another() -> None:
    codes = [code for _ in range(100) for code in new_codes()]
    assert all(re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){5}[0-9a-hjkmnp-tv-z]{4}", code) for code in codes)
    assert len(set(codes)) == 1000
    assert len({letter for code in codes for letter in code} - {"-"}) == 32


@pytest.mark.parametrize("typed", ["{}", " {} ", "upper", "bare", "misread"])
def test_a_code_is_known_however_it_was_typed(typed: str) -> None:
    user_id, code = UUID(int=7), "0123-4567-89ab-cdef-ghjk-mn10"
    forms = {
        "upper": code.upper(),
        "bare": code.replace("-", ""),
        "misread": code.replace("0", "O").replace("1", "l"),
    }
    shown = forms.get(typed, typed.format(code))
    assert code_hash(b"k" * 32, user_id, shown) == code_hash(b"k" * 32, user_id, code) is not None


@pytest.mark.parametrize("junk", ["", "123456", "0123-4567-89ab-cdef-ghjk-mn1", "u" * 24, "é" * 24, "0" * 25])
def test_junk_is_no_code(junk: str) -> None:
    assert code_hash(b"k" * 32, UUID(int=7), junk) is None


def test_the_same_code_of_another_person_is_another() -> None:
    (code, *_) = new_codes()
    assert code_hash(b"k" * 32, UUID(int=7), code) != code_hash(b"k" * 32, UUID(int=8), code)


async def test_codes_come_with_the_first_factor_and_lie_hashed(story: Story) -> None:
    ada = await story.person(ADA)
    first = await with_app(story, ada)
    assert len(first.recovery_codes) == 10
    assert (await with_app(story, ada, "Another")).recovery_codes == []
    rows = await story.admin("SELECT code_hash FROM recovery_codes")
    assert {len(row["code_hash"]) for row in rows} == {32}
    assert len(rows) == 10


async def test_a_code_completes_a_sign_in_once_and_its_owner_is_told(story: Story) -> None:
    ada = await story.person(ADA)
    code, other = (await with_app(story, ada)).recovery_codes[:2]
    owed = await half_signed_in(story, ada)
    answer = await complete(story, owed["sign_in_token"], "recovery_code", code.upper())
    assert answer.status_code == 201
    again = Person(story.http, ADA, answer.json())
    assert (await again.call("GET", "/v1/me/factors")).json()["recovery_codes_left"] == 9
    owed = await half_signed_in(story, ada)
    refused = await complete(story, owed["sign_in_token"], "recovery_code", code)
    assert problem(refused) == (401, "wrong-factor")
    assert (await complete(story, owed["sign_in_token"], "recovery_code", other)).status_code == 201
    lines = [each for each in await story.told(AuditEntry) if isinstance(each, AuditEntry)]
    used = [line.details for line in lines if line.action == "auth.recovery_code.used"]
    assert used == [{"left": 9}, {"left": 8}]
    await story.deliver()
    mails = [text_of(mail) for mail in story.postbox.to(ADA)]
    assert sum("A recovery code of your account was used; 8 are left." in mail for mail in mails) == 2, mails


async def test_of_fifty_who_use_one_code_at_once_one_gets_in(story: Story) -> None:
    ada = await story.person(ADA)
    code = (await with_app(story, ada)).recovery_codes[0]
    owed = [await half_signed_in(story, ada) for _ in range(50)]
    before = await story.count("sessions")
    answers = await asyncio.gather(*(complete(story, each["sign_in_token"], "recovery_code", code) for each in owed))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 49
    assert await story.count("sessions") == before + 1
    assert await story.count("recovery_codes") == 9


async def test_new_codes_void_the_old_ones(story: Story) -> None:
    ada = await story.person(ADA)
    assert problem(await ada.call("POST", "/v1/me/factors/recovery-codes")) == (409, "no-second-factor")
    old = (await with_app(story, ada)).recovery_codes
    answer = await ada.call("POST", "/v1/me/factors/recovery-codes")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    new = answer.json()["recovery_codes"]
    assert not set(old) & set(new)
    owed = await half_signed_in(story, ada)
    assert problem(await complete(story, owed["sign_in_token"], "recovery_code", old[0])) == (401, "wrong-factor")
    assert (await complete(story, owed["sign_in_token"], "recovery_code", new[0])).status_code == 201


async def test_anothers_code_is_worth_nothing(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    await with_app(story, ada)
    code = (await with_app(story, bob)).recovery_codes[0]
    owed = await half_signed_in(story, ada)
    assert problem(await complete(story, owed["sign_in_token"], "recovery_code", code)) == (401, "wrong-factor")
    owed = await half_signed_in(story, bob)
    assert (await complete(story, owed["sign_in_token"], "recovery_code", code)).status_code == 201


async def test_codes_go_with_the_last_factor(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    await forward(1)
    assert (await ada.call("DELETE", f"/v1/me/factors/totp/{app.id}")).status_code == 204
    assert await story.count("recovery_codes") == 0
    assert (await story.sign_in(ADA)).status_code == 201
