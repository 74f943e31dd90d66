"""Completing a sign-in: what is owed, how often it may be tried, and what a remembered device spares."""

import asyncio
from typing import Any

import httpx
import pytest

from auth.throttle.model import RULES, Scope
from contracts.audit import AuditEntry

from .authenticators import Authenticator, add_passkey
from .conftest import Forward
from .second_factors import complete, half_signed_in, with_app
from .story import GOOD, Person, Story, problem
from .test_passkeys import second, second_options

ADA, BOB = "ada.second-29@house.test", "bob.second-40@house.test"
FREE = RULES[Scope.FACTOR].free


async def guess(story: Story, person: Person, times: int) -> list[httpx.Response]:
    """Wrong codes, five per sign-in, as the owner of a stolen password would try them."""
    answers: list[httpx.Response] = []
    while len(answers) < times:
        owed = await half_signed_in(story, person)
        tries = min(5, times - len(answers))
        answers += [await complete(story, owed["sign_in_token"], "totp", "000000") for _ in range(tries)]
    return answers


async def test_codes_are_guessed_no_faster_by_beginning_anew(story: Story, forward: Forward) -> None:
    """Tries are counted on the account, too; recovery codes and passkeys cannot be guessed, and go on."""
    ada = await story.person(ADA)
    app, key = await with_app(story, ada), Authenticator()
    await add_passkey(ada, key)
    answers = await guess(story, ada, FREE + 1)
    assert {problem(each) for each in answers} == {(401, "wrong-factor")}
    owed = await half_signed_in(story, ada)
    answer = await complete(story, owed["sign_in_token"], "totp", app.code(1))
    assert problem(answer) == (429, "too-many-attempts")
    assert int(answer.headers["retry-after"]) >= 1
    owed = await half_signed_in(story, ada)
    assert await second(story, owed["sign_in_token"], key.answer(await second_options(story, owed["sign_in_token"])))
    owed = await half_signed_in(story, ada)
    answer = await complete(story, owed["sign_in_token"], "recovery_code", app.recovery_codes[0])
    assert answer.status_code == 201
    await forward(120)
    owed = await half_signed_in(story, ada)
    assert (await complete(story, owed["sign_in_token"], "totp", app.code())).status_code == 201
    assert len(await guess(story, ada, FREE)) == FREE, "the right code began the count anew"


async def test_guesses_of_one_person_make_no_other_wait(story: Story, forward: Forward) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    await with_app(story, ada)
    app = await with_app(story, bob)
    await forward(60)
    await guess(story, ada, FREE + 1)
    owed = await half_signed_in(story, bob)
    assert (await complete(story, owed["sign_in_token"], "totp", app.code())).status_code == 201


async def test_what_is_shown_in_a_session_counts_on_the_account_as_well(story: Story) -> None:
    ada = await story.person(ADA)
    await with_app(story, ada)
    path = "/v1/sessions/current/proofs"
    for at in range(FREE + 1):
        body = {"factor": "totp", "code": "000000"} if at % 2 else {"factor": "password", "password": "wrong-one-17"}
        assert problem(await ada.call("POST", path, json=body)) == (403, "proof-refused")
    body = {"factor": "password", "password": GOOD}
    assert problem(await ada.call("POST", path, json=body)) == (429, "too-many-attempts")


async def test_of_many_guesses_at_once_five_are_made(story: Story) -> None:
    ada = await story.person(ADA)
    await with_app(story, ada)
    owed = await half_signed_in(story, ada)
    answers = await asyncio.gather(*(complete(story, owed["sign_in_token"], "totp", "000000") for _ in range(20)))
    assert sorted(problem(each)[1] for each in answers) == ["sign-in-over"] * 15 + ["wrong-factor"] * 5


async def test_a_sign_in_that_is_left_halfway_is_over_after_ten_minutes(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    owed = await half_signed_in(story, ada)
    await forward(601)
    assert problem(await complete(story, owed["sign_in_token"], "totp", app.code())) == (401, "sign-in-over")


async def test_a_wrong_password_does_not_tell_that_something_more_would_be_owed(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    await with_app(story, ada)
    first, second_ = await story.sign_in(ada.email, "wrong-one-17"), await story.sign_in(bob.email, "wrong-one-17")
    bodies = [{key: value for key, value in each.json().items() if key != "request_id"} for each in (first, second_)]
    assert (first.status_code, bodies[0]) == (second_.status_code, bodies[1])


async def test_a_remembered_device_spares_the_second_factor_until_the_factors_change(
    story: Story, forward: Forward
) -> None:
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    await forward(60)
    owed = await half_signed_in(story, ada)
    answer = await complete(story, owed["sign_in_token"], "totp", app.code(), remember_device=True)
    device = {"device-token": answer.json()["device_token"]}
    body = {"email": ADA, "password": GOOD}
    spared = await story.http.post("/v1/sessions", json=body, headers=device)
    assert spared.status_code == 201
    here = Person(story.http, ADA, spared.json())
    refused = await here.call("POST", "/v1/me/factors/recovery-codes")
    assert problem(refused) == (403, "step-up-needed"), "it spares a factor and proves none"
    strong = Person(story.http, ADA, answer.json())
    key = Authenticator()
    options = (await strong.call("POST", "/v1/me/factors/passkey-challenges")).json()["options"]
    added = await strong.call(
        "POST", "/v1/me/factors/passkeys", json={"name": "Laptop", "credential": key.make(options)}
    )
    assert added.status_code == 201
    assert (await story.http.post("/v1/sessions", json=body, headers=device)).status_code == 202


async def test_whose_account_was_suspended_meanwhile_does_not_get_in_and_keeps_the_code(
    story: Story, forward: Forward
) -> None:
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    await forward(60)
    owed = await half_signed_in(story, ada)
    await story.admin("UPDATE users SET suspended_at = kit_now()")
    refused = await complete(story, owed["sign_in_token"], "totp", app.code())
    assert problem(refused) == (403, "account-suspended")
    await story.admin("UPDATE users SET suspended_at = NULL")
    assert (await complete(story, owed["sign_in_token"], "totp", app.code())).status_code == 201


@pytest.mark.parametrize(
    "changed",
    [
        {"factor": "password", "code": "123456"},
        {"factor": "passkey", "code": "123456"},
        {"factor": "totp"},
        {"factor": "totp", "code": "1" * 65},
        {"sign_in_token": 7},
        {"more": 1},
    ],
)
async def test_what_makes_no_sense_is_told_so(changed: dict[str, Any], story: Story) -> None:
    body = {"sign_in_token": "x", **changed}
    assert problem(await story.http.post("/v1/sessions/second-factor", json=body)) == (422, "invalid")


async def test_a_forged_token_completes_nothing(story: Story) -> None:
    ada = await story.person(ADA)
    refresh = ada.tokens["refresh_token"]
    for token in ("x", refresh, ada.tokens["access_token"][:250]):
        assert problem(await complete(story, token, "totp", "123456")) == (401, "sign-in-over")


async def test_a_refused_factor_is_on_record_without_its_code(story: Story) -> None:
    ada = await story.person(ADA)
    await with_app(story, ada)
    await guess(story, ada, 1)
    lines = [each for each in await story.told(AuditEntry) if isinstance(each, AuditEntry)]
    (line,) = (each for each in lines if each.action == "auth.factor.refused")
    assert (line.target_id, line.details) == (ada.user_id, {"kind": "totp"})
