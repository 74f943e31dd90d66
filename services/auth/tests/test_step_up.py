"""What is sensitive asks for a fresh proof; who has a second factor shows that one."""

from uuid import UUID

import pytest

from contracts.audit import AuditEntry
from contracts.auth import SessionsRevoked

from .conftest import Forward
from .second_factors import complete, enrol, half_signed_in, with_app
from .story import GOOD, Person, Story, problem

ADA, BOB = "ada.fresh-25@house.test", "bob.fresh-36@house.test"


async def prove(person: Person, factor: str, shown: str) -> tuple[int, str]:
    key = "password" if factor == "password" else "code"
    answer = await person.call("POST", "/v1/sessions/current/proofs", json={"factor": factor, key: shown})
    if answer.status_code != 200:
        return problem(answer)
    assert (await person.refresh()).status_code == 200
    return 200, ""


async def later(person: Person, forward: Forward) -> None:
    """Eleven minutes on, in the same session."""
    await forward(11 * 60)
    assert (await person.refresh()).status_code == 200


async def test_without_a_second_factor_the_password_is_a_fresh_proof_for_ten_minutes(
    story: Story, forward: Forward
) -> None:
    ada = await story.person(ADA)
    await enrol(story, ada)
    await later(ada, forward)
    refused = await ada.call("POST", "/v1/me/factors/totp", json={"name": "Phone"})
    assert problem(refused) == (403, "step-up-needed")
    assert refused.json()["factors"] == ["password"]
    assert "/v1/sessions/current/proofs" in refused.json()["title"]
    assert await prove(ada, "password", "not-the-password-17") == (403, "proof-refused")
    assert await prove(ada, "password", GOOD) == (200, "")
    await enrol(story, ada)


async def test_with_a_second_factor_the_password_is_not_enough(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    await later(ada, forward)
    assert await prove(ada, "password", GOOD) == (200, "")
    refused = await ada.call("POST", "/v1/me/factors/recovery-codes")
    assert (problem(refused), refused.json()["factors"]) == ((403, "step-up-needed"), ["totp", "recovery_code"])
    assert await prove(ada, "totp", app.code()) == (200, "")
    answer = await ada.call("POST", "/v1/me/factors/recovery-codes")
    assert answer.status_code == 200
    await later(ada, forward)
    assert await prove(ada, "recovery_code", answer.json()["recovery_codes"][3]) == (200, "")
    assert (await ada.call("DELETE", f"/v1/me/factors/totp/{app.id}")).status_code == 204


async def test_a_code_that_let_somebody_in_proves_nothing_more(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    await forward(60)
    code = app.code()
    owed = await half_signed_in(story, ada)
    assert (await complete(story, owed["sign_in_token"], "totp", code)).status_code == 201
    assert await prove(ada, "totp", code) == (403, "proof-refused")
    assert await prove(ada, "totp", app.code(1)) == (200, "")


async def test_the_answer_says_what_the_session_is_worth_and_older_access_tokens_die(
    story: Story, forward: Forward
) -> None:
    """So whoever has a copy of one gains nothing by what its owner shows."""
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    await later(ada, forward)
    before = len(await story.told(SessionsRevoked))
    body = {"factor": "totp", "code": app.code()}
    answer = await ada.call("POST", "/v1/sessions/current/proofs", json=body)
    said = answer.json()
    assert (said["proofs"], said["proven_at"]) == (["password", "totp"], said["strong_at"])
    assert said["fresh_until"] > said["proven_at"]
    told = (await story.told(SessionsRevoked))[before:]
    assert [(str(each.user_id), each.session_id) for each in told if isinstance(each, SessionsRevoked)] == [
        (ada.user_id, None)
    ]
    assert (await ada.refresh()).status_code == 200, "the session goes on"


async def test_a_proof_is_for_one_session_alone(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    other = Person(story.http, ADA, (await story.sign_in(ADA)).json())
    await later(ada, forward)
    assert (await other.refresh()).status_code == 200
    assert await prove(ada, "password", GOOD) == (200, "")
    refused = await other.call("POST", "/v1/me/factors/totp", json={"name": "Phone"})
    assert problem(refused) == (403, "step-up-needed")


async def test_anothers_password_and_code_prove_nothing(story: Story, forward: Forward) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    await with_app(story, ada)
    app = await with_app(story, bob)
    await later(ada, forward)
    assert await prove(ada, "totp", app.code()) == (403, "proof-refused")
    assert await prove(ada, "recovery_code", app.recovery_codes[0]) == (403, "proof-refused")


async def test_a_session_that_has_ended_proves_nothing(story: Story) -> None:
    ada = await story.person(ADA)
    await ada.call("DELETE", "/v1/sessions/current")
    assert await prove(ada, "password", GOOD) == (401, "session-ended")


@pytest.mark.parametrize(
    "body",
    [
        {"factor": "password"},
        {"factor": "password", "code": "123456"},
        {"factor": "totp", "password": GOOD},
        {"factor": "totp", "code": "123456", "password": GOOD},
        {"factor": "mail", "code": "123456"},
        {"factor": "device", "code": "123456"},
        {},
    ],
)
async def test_a_proof_that_makes_no_sense_is_told_so(body: dict[str, str], story: Story) -> None:
    ada = await story.person(ADA)
    assert problem(await ada.call("POST", "/v1/sessions/current/proofs", json=body)) == (422, "invalid")


async def test_what_was_wrong_is_on_record(story: Story) -> None:
    ada = await story.person(ADA)
    await with_app(story, ada)
    await prove(ada, "totp", "000000")
    await prove(ada, "password", "not-the-password-17")
    lines = [each for each in await story.told(AuditEntry) if isinstance(each, AuditEntry)]
    refused = [line for line in lines if line.action == "auth.factor.refused"]
    assert [(line.actor_id, line.target_id, line.details) for line in refused] == [
        (None, ada.user_id, {"kind": "totp"}),
        (None, ada.user_id, {"kind": "password"}),
    ]


@pytest.mark.parametrize("others_end", [True, False])
async def test_who_adds_or_removes_a_factor_may_end_the_other_sessions(
    others_end: bool, story: Story, forward: Forward
) -> None:
    ada = await story.person(ADA)
    app = await enrol(story, ada)
    other = Person(story.http, ADA, (await story.sign_in(ADA)).json())
    body = {"code": app.code(), "end_other_sessions": others_end}
    assert (await ada.call("POST", f"/v1/me/factors/totp/{app.id}/activate", json=body)).status_code == 200
    assert (await other.refresh()).status_code == (401 if others_end else 200)
    assert (await ada.refresh()).status_code == 200

    await forward(60)
    owed = await half_signed_in(story, ada)
    other = Person(story.http, ADA, (await complete(story, owed["sign_in_token"], "totp", app.code())).json())
    waiting = await half_signed_in(story, ada)
    path = f"/v1/me/factors/totp/{app.id}?end_other_sessions={others_end}"
    assert (await ada.call("DELETE", path)).status_code == 204
    assert (await other.refresh()).status_code == (401 if others_end else 200)
    assert (await ada.refresh()).status_code == 200
    if others_end:
        answer = await complete(story, waiting["sign_in_token"], "totp", app.code(1))
        assert problem(answer) == (401, "sign-in-over")


async def test_a_session_that_has_ended_is_not_carried_over_when_others_end(story: Story) -> None:
    ada = await story.person(ADA)
    app = await enrol(story, ada)
    other = Person(story.http, ADA, (await story.sign_in(ADA)).json())
    await other.call("DELETE", "/v1/sessions")
    body = {"code": app.code(), "end_other_sessions": True}
    answer = await ada.call("POST", f"/v1/me/factors/totp/{app.id}/activate", json=body)
    assert problem(answer) == (401, "session-ended")
    assert (await ada.refresh()).status_code == 401
    (row,) = await story.admin("SELECT activated_at FROM totp_factors WHERE id = $1", UUID(app.id))
    assert row["activated_at"] is None
