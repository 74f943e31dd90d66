"""Passkeys: made for us, shown once per challenge, as the only factor, as a second one, and for a fresh proof."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import ValidationError

from auth.passkeys.model import regressed
from auth.passwords.hashing import Passwords
from contracts.audit import AuditEntry
from kit.db.database import Database
from kit.testing.databases import TestDatabase

from .authenticators import (
    BACKED_UP,
    ELIGIBLE,
    PRESENT,
    VERIFIED,
    Authenticator,
    add_passkey,
    ask,
    decoded,
    encoded,
    options_of,
)
from .conftest import Forward
from .second_factors import half_signed_in, with_app
from .story import Person, Story, problem, settings, text_of

ADA, BOB = "ada.keys-27@house.test", "bob.keys-38@house.test"
CHALLENGES = "/v1/me/factors/passkey-challenges"


async def enter(story: Story, assertion: dict[str, Any], **more: Any) -> httpx.Response:
    return await story.http.post("/v1/sessions/passkey", json={"assertion": assertion, **more})


async def add(person: Person, credential: dict[str, Any]) -> httpx.Response:
    body = {"name": "Laptop", "credential": credential}
    return await person.call("POST", "/v1/me/factors/passkeys", json=body)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
async def test_a_passkey_lets_its_owner_in_with_nothing_else(algorithm: Any, story: Story) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create()
    key = Authenticator(algorithm)
    added = await add_passkey(ada, key)
    assert (added["name"], added["backed_up"], len(added["recovery_codes"])) == ("Laptop", False, 10)
    options = await ask(story)
    assert (options["rpId"], options["userVerification"], options["allowCredentials"]) == ("app.test", "required", [])
    answer = await enter(story, key.answer(options), organization_id=organization_id)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["user_id"], answer.json()["organization_id"]) == (ada.user_id, organization_id)
    assert answer.headers["cache-control"] == "no-store"
    (row,) = await story.admin("SELECT * FROM sessions WHERE id = $1", UUID(answer.json()["session_id"]))
    assert (row["proofs"], row["strong_at"] is None) == (["passkey"], False)
    again = Person(story.http, ADA, answer.json())
    (item,) = (await again.call("GET", "/v1/me/factors")).json()["items"]
    assert (item["kind"], item["name"], item["last_used_at"] is None) == ("passkey", "Laptop", False)


async def test_what_a_browser_is_asked_to_make(story: Story) -> None:
    ada = await story.person(ADA)
    options = await options_of(ada, CHALLENGES)
    assert options["rp"] == {"id": "app.test", "name": "Rostrum"}
    assert options["user"]["name"] == ADA
    assert options["attestation"] == "none"
    assert {each["alg"] for each in options["pubKeyCredParams"]} == {-7, -8, -257}
    chosen = options["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")
    assert len(decoded(options["challenge"])) == 32
    handle = decoded(options["user"]["id"])
    assert len(handle) == 32
    assert UUID(ada.user_id).bytes not in handle
    again = await options_of(ada, CHALLENGES)
    assert again["user"]["id"] == options["user"]["id"]
    assert again["challenge"] != options["challenge"]
    bob = await story.person(BOB)
    assert (await options_of(bob, CHALLENGES))["user"]["id"] != options["user"]["id"]


async def test_an_authenticator_that_holds_one_is_left_out(story: Story) -> None:
    ada = await story.person(ADA)
    key = Authenticator()
    await add_passkey(ada, key)
    options = await options_of(ada, CHALLENGES)
    assert [each["id"] for each in options["excludeCredentials"]] == [encoded(key.credentials[0].id)]
    assert options["excludeCredentials"][0]["transports"] == ["hybrid", "internal"], (
        "and what nobody knows is dropped"
    )


def spoilt(assertion: dict[str, Any], member: str) -> dict[str, Any]:
    """With one bit of a member turned."""
    raw = bytearray(decoded(assertion["response"][member]))
    raw[-1] ^= 1
    return assertion | {"response": assertion["response"] | {member: encoded(bytes(raw))}}


MISTAKES: dict[str, dict[str, Any]] = {
    "another origin": {"origin": "https://app.test.evil.test"},
    "an origin without encryption": {"origin": "http://app.test"},
    "a frame of another origin": {"cross_origin": True},
    "nobody there": {"flags": VERIFIED},
    "nobody verified": {"flags": PRESENT},
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_registration_is_refused_with(mistake: str, story: Story) -> None:
    ada = await story.person(ADA)
    made = Authenticator(**MISTAKES[mistake]).make(await options_of(ada, CHALLENGES))
    assert problem(await add(ada, made)) == (422, "passkey-refused")
    assert await story.count("passkeys") == 0


async def test_a_registration_is_refused_for_another_domain_or_challenge_or_as_an_assertion(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    other = Person(story.http, ADA, (await story.sign_in(ADA)).json())
    key = Authenticator()
    made = [
        key.make(await options_of(ada, CHALLENGES), rp_id="evil.test"),
        key.make(await options_of(ada, CHALLENGES), challenge=encoded(bytes(32))),
        key.make(await options_of(bob, CHALLENGES)),
        key.make(await options_of(other, CHALLENGES)),
        key.make((await options_of(ada, CHALLENGES)) | {"challenge": (await ask(story))["challenge"]}),
    ]
    for each in made:
        assert problem(await add(ada, each)) == (422, "passkey-refused")
    assert await story.count("passkeys") == 0


async def test_a_challenge_to_make_a_passkey_is_good_once_and_for_five_minutes(
    story: Story, forward: Forward
) -> None:
    ada = await story.person(ADA)
    key = Authenticator()
    made = key.make(await options_of(ada, CHALLENGES))
    assert (await add(ada, made)).status_code == 201
    assert problem(await add(ada, made)) == (422, "passkey-refused")
    late = Authenticator().make(await options_of(ada, CHALLENGES))
    await forward(301)
    assert problem(await add(ada, late)) == (422, "passkey-refused")


async def test_a_passkey_belongs_to_one_account(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    key = Authenticator()
    await add_passkey(ada, key)
    first = key.credentials[0]
    key.credentials.clear()
    made = key.make(await options_of(bob, CHALLENGES))
    (row,) = await story.admin("UPDATE passkeys SET credential_id = $1 RETURNING id", key.credentials[0].id)
    assert problem(await add(bob, made)) == (409, "passkey-known")
    assert (row["id"], first.handle) != (None, key.credentials[0].handle)


async def test_there_are_at_most_ten(story: Story) -> None:
    ada = await story.person(ADA)
    for at in range(9):
        await add_passkey(ada, Authenticator(), f"Key {at}")
    made = Authenticator().make(await options_of(ada, CHALLENGES))
    await add_passkey(await another_session(story, ada), Authenticator(), "Key 9")
    assert problem(await add(ada, made)) == (409, "too-many-factors")
    assert problem(await ada.call("POST", CHALLENGES)) == (409, "too-many-factors")


async def another_session(story: Story, person: Person) -> Person:
    """The same person with another session that is as fresh, by a recovery code."""
    answer = await person.call("POST", "/v1/me/factors/recovery-codes")
    owed = await half_signed_in(story, person)
    code = answer.json()["recovery_codes"][0]
    body = {"sign_in_token": owed["sign_in_token"], "factor": "recovery_code", "code": code}
    return Person(story.http, person.email, (await story.http.post("/v1/sessions/second-factor", json=body)).json())


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_sign_in_is_refused_with(mistake: str, story: Story) -> None:
    ada = await story.person(ADA)
    key = Authenticator()
    await add_passkey(ada, key)
    for name, value in MISTAKES[mistake].items():
        setattr(key, name, value)
    before = await story.count("sessions")
    assert problem(await enter(story, key.answer(await ask(story)))) == (401, "wrong-factor")
    assert await story.count("sessions") == before


async def test_a_sign_in_is_refused_for_whatever_else_is_wrong_and_the_answers_are_alike(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    key, bobs, strangers = Authenticator(), Authenticator(), Authenticator()
    await add_passkey(ada, key)
    await add_passkey(bob, bobs)
    strangers.make(await options_of(bob, CHALLENGES))
    fresh = [await ask(story) for _ in range(9)]
    right = key.answer(fresh[0])
    tries = {
        "tampered signature": spoilt(right, "signature"),
        "used challenge": right,
        "tampered data": spoilt(key.answer(fresh[1]), "authenticatorData"),
        "tampered client data": spoilt(key.answer(fresh[2]), "clientDataJSON"),
        "another domain": key.answer(fresh[3], rp_id="evil.test"),
        "made up challenge": key.answer(fresh[4], challenge=encoded(bytes(32))),
        "kind of a registration": key.answer(fresh[5], kind="webauthn.create"),
        "nobody's passkey": strangers.answer(fresh[6]),
        "another's handle": key.answer(fresh[7])
        | {"response": key.answer(fresh[7])["response"] | {"userHandle": encoded(bobs.credentials[0].handle)}},
        "key of another": bobs.answer(fresh[8])
        | {"id": encoded(key.credentials[0].id), "rawId": encoded(key.credentials[0].id)},
    }
    bodies = []
    for name, assertion in tries.items():
        answer = await enter(story, assertion)
        assert problem(answer) == (401, "wrong-factor"), name
        bodies.append({key: value for key, value in answer.json().items() if key != "request_id"})
    assert all(body == bodies[0] for body in bodies)
    assert (await enter(story, key.answer(await ask(story)))).status_code == 201


async def test_without_a_handle_nobody_gets_in_with_a_passkey_alone(story: Story) -> None:
    ada = await story.person(ADA)
    key = Authenticator()
    await add_passkey(ada, key)
    assertion = key.answer(await ask(story))
    del assertion["response"]["userHandle"]
    assert problem(await enter(story, assertion)) == (401, "wrong-factor")


async def test_a_challenge_is_answered_once_whoever_is_first_and_within_five_minutes(
    story: Story, forward: Forward
) -> None:
    ada = await story.person(ADA)
    key = Authenticator()
    await add_passkey(ada, key)
    assertion = key.answer(await ask(story))
    answers = await asyncio.gather(*(enter(story, assertion) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 7
    late = key.answer(await ask(story))
    await forward(301)
    assert problem(await enter(story, late)) == (401, "wrong-factor")
    await ask(story)
    await forward(301)
    await story.parts.sweeper.sweep()
    assert await story.count("passkey_challenges") == 0


async def second(story: Story, token: str, assertion: dict[str, Any]) -> httpx.Response:
    body = {"sign_in_token": token, "factor": "passkey", "assertion": assertion}
    return await story.http.post("/v1/sessions/second-factor", json=body)


async def second_options(story: Story, token: str) -> dict[str, Any]:
    answer = await story.http.post("/v1/sessions/second-factor/passkey-challenges", json={"sign_in_token": token})
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()["options"]
    return options


async def test_a_passkey_completes_a_sign_in(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    key, bobs = Authenticator(), Authenticator()
    await add_passkey(ada, key)
    await add_passkey(bob, bobs)
    first, other = await half_signed_in(story, ada), await half_signed_in(story, ada)
    assert first["factors"] == ["passkey", "recovery_code"]
    options = await second_options(story, first["sign_in_token"])
    assert [each["id"] for each in options["allowCredentials"]] == [encoded(key.credentials[0].id)]
    refused = [
        await second(story, first["sign_in_token"], bobs.answer(options, credential=bobs.credentials[0])),
        await second(story, other["sign_in_token"], key.answer(options)),
        await second(story, other["sign_in_token"], key.answer(await ask(story))),
    ]
    assert [problem(each) for each in refused] == [(401, "wrong-factor")] * 3
    alone = key.answer(await second_options(story, first["sign_in_token"]))
    assert problem(await enter(story, alone)) == (401, "wrong-factor"), "it was asked for as a second factor"
    right = key.answer(await second_options(story, first["sign_in_token"]))
    answer = await second(story, first["sign_in_token"], right)
    assert (answer.status_code, answer.json().get("user_id")) == (201, ada.user_id)
    gone = await story.http.post(
        "/v1/sessions/second-factor/passkey-challenges", json={"sign_in_token": first["sign_in_token"]}
    )
    assert problem(gone) == (401, "sign-in-over")


async def test_a_passkey_is_a_fresh_proof(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    key = Authenticator()
    await add_passkey(ada, key)
    await forward(11 * 60)
    await ada.refresh()
    assert problem(await ada.call("POST", CHALLENGES)) == (403, "step-up-needed")
    other = Person(story.http, ADA, (await enter(story, key.answer(await ask(story)))).json())
    foreign = key.answer(await options_of(other, "/v1/sessions/current/proofs/passkey-challenges"))
    for assertion, wanted in (
        (foreign, 403),
        (key.answer(await ask(story)), 403),
        (key.answer(await options_of(ada, "/v1/sessions/current/proofs/passkey-challenges")), 200),
    ):
        body = {"factor": "passkey", "assertion": assertion}
        answer = await ada.call("POST", "/v1/sessions/current/proofs", json=body)
        assert answer.status_code == wanted, answer.text
    assert answer.json()["proofs"] == ["passkey", "password"]
    await options_of(ada, CHALLENGES)


async def test_a_passkey_without_verification_is_a_second_factor_only_and_only_where_that_is_allowed(
    place: TestDatabase, database: Database, passwords: Passwords
) -> None:
    story = Story(place, database, passwords, settings(place, webauthn_user_verification="preferred"))
    await story.begin()
    try:
        ada = await story.person(ADA)
        key = Authenticator(flags=PRESENT)
        await add_passkey(ada, key)
        assert problem(await enter(story, key.answer(await ask(story)))) == (401, "wrong-factor")
        owed = await half_signed_in(story, ada)
        options = await second_options(story, owed["sign_in_token"])
        assert options["userVerification"] == "preferred"
        assert (await second(story, owed["sign_in_token"], key.answer(options))).status_code == 201
    finally:
        await story.end()


@pytest.mark.parametrize(
    ("seen", "said", "wanted"),
    [(0, 0, False), (0, 1, False), (5, 6, False), (5, 5, True), (5, 4, True), (5, 0, True)],
)
def test_a_count_that_goes_back_is_noticed(seen: int, said: int, wanted: bool) -> None:
    assert regressed(seen, said) is wanted


async def test_a_copy_gets_in_and_the_owner_is_told(story: Story) -> None:
    """Synchronised passkeys may count oddly: that is a signal and no reason to lock somebody out."""
    ada = await story.person(ADA)
    key = Authenticator()
    await add_passkey(ada, key)
    key.credentials[0].count = 40
    assert (await enter(story, key.answer(await ask(story)))).status_code == 201
    key.credentials[0].count = 7
    assert (await enter(story, key.answer(await ask(story)))).status_code == 201
    lines = [each for each in await story.told(AuditEntry) if isinstance(each, AuditEntry)]
    assert sum(line.action == "auth.passkey.count_regressed" for line in lines) == 1
    assert (await story.admin("SELECT sign_count FROM passkeys"))[0]["sign_count"] == 41
    await story.deliver()
    assert any("there may be a copy" in text_of(mail) for mail in story.postbox.to(ADA))


async def test_whether_a_passkey_is_backed_up_is_known_and_whether_it_may_be_never_changes(story: Story) -> None:
    ada = await story.person(ADA)
    key = Authenticator(flags=PRESENT | VERIFIED | ELIGIBLE, counts=False)
    assert (await add_passkey(ada, key))["backed_up"] is False
    key.flags |= BACKED_UP
    for _ in range(2):
        answer = await enter(story, key.answer(await ask(story)))
        assert answer.status_code == 201, "those that do not count may stand still"
    again = Person(story.http, ADA, answer.json())
    assert (await again.call("GET", "/v1/me/factors")).json()["items"][0]["backed_up"] is True
    key.flags = PRESENT | VERIFIED
    assert problem(await enter(story, key.answer(await ask(story)))) == (401, "wrong-factor")


async def test_a_passkey_is_renamed_and_removed_by_its_owner_alone(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    key = Authenticator()
    added = await add_passkey(ada, key)
    path = f"/v1/me/factors/passkeys/{added['id']}"
    name = {"name": "Old laptop"}
    assert problem(await bob.call("PATCH", path, json=name, headers={"if-match": '"v1"'})) == (
        404,
        "factor-not-found",
    )
    assert problem(await bob.call("DELETE", path)) == (404, "factor-not-found")
    assert problem(await ada.call("PATCH", path, json=name)) == (428, "if-match-required")
    answer = await ada.call("PATCH", path, json=name, headers={"if-match": '"v1"'})
    assert (answer.status_code, answer.json()["name"], answer.headers["etag"]) == (200, "Old laptop", '"v2"')
    assert problem(await ada.call("PATCH", path, json=name, headers={"if-match": '"v1"'})) == (
        412,
        "version-mismatch",
    )
    assert (await ada.call("DELETE", path)).status_code == 204
    assert problem(await enter(story, key.answer(await ask(story)))) == (401, "wrong-factor")
    assert (await story.sign_in(ADA)).status_code == 201, "nothing is owed any more"
    assert await story.count("recovery_codes") == 0


async def test_recovery_codes_stay_while_another_factor_does(story: Story) -> None:
    ada = await story.person(ADA)
    await with_app(story, ada)
    added = await add_passkey(ada, Authenticator())
    assert added["recovery_codes"] == []
    assert (await half_signed_in(story, ada))["factors"] == ["passkey", "totp", "recovery_code"]
    assert (await ada.call("DELETE", f"/v1/me/factors/passkeys/{added['id']}")).status_code == 204
    assert (await half_signed_in(story, ada))["factors"] == ["totp", "recovery_code"]


@pytest.mark.parametrize(
    "spoil",
    [
        {"rawId": "AAAAA"},
        {"rawId": "/" * 20},
        {"type": "password"},
        {"response": {}},
        {"response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA", "userHandle": "AA"}},
        {"response": {"clientDataJSON": "bnVsbA", "authenticatorData": "AA", "signature": "AA", "userHandle": "AA"}},
    ],
)
async def test_junk_is_refused(spoil: dict[str, Any], story: Story) -> None:
    ada = await story.person(ADA)
    key = Authenticator()
    await add_passkey(ada, key)
    answer = await enter(story, key.answer(await ask(story)) | spoil)
    assert problem(answer) in {(401, "wrong-factor"), (422, "invalid")}
    made = Authenticator().make(await options_of(ada, CHALLENGES))
    assert problem(await add(ada, made | spoil)) in {(422, "passkey-refused"), (422, "invalid")}


@pytest.mark.parametrize(
    ("given", "rp_id", "origins"),
    [
        ({}, "app.test", ("https://app.test",)),
        ({"public_url": "https://app.test:8443/x"}, "app.test", ("https://app.test:8443",)),
        ({"public_url": "https://app.example.com", "webauthn_rp_id": "example.com"}, "example.com", None),
        ({"webauthn_origins": ("https://m.app.test", "android:apk-key-hash:abc")}, "app.test", None),
        ({"webauthn_rp_id": "other.test"}, None, None),
        ({"webauthn_origins": ("https://app.test.evil.test",)}, None, None),
        ({"webauthn_origins": ("https://evilapp.test",)}, None, None),
        ({"webauthn_origins": ("https://app.test/path",)}, None, None),
        ({"webauthn_rp_id": "App.Test"}, None, None),
    ],
)
def test_passkeys_belong_to_the_domain_of_our_pages(
    given: dict[str, Any], rp_id: str | None, origins: tuple[str, ...] | None, place: TestDatabase
) -> None:
    if rp_id is None:
        with pytest.raises(ValidationError):
            settings(place, **given)
        return
    found = settings(place, **given)
    assert found.rp_id == rp_id
    assert origins is None or found.origins == origins
