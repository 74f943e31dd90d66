"""Google, and whatever else is said in its name."""

import asyncio
from collections import Counter

import pytest

from contracts.audit import AuditEntry
from contracts.auth import UserRegistered, UserVerified
from kit.audit import User

from .federating import ANN_AT_GOOGLE, EVE_AT_GOOGLE, GOOGLE_CLIENT, HERE, Federated
from .story import GOOD, Person, problem, text_of

LINKED = "Another way to sign in was linked"
GMAIL = "ann.example@gmail.com"


async def test_somebody_new_has_an_account_with_a_proven_address_and_no_password(federated: Federated) -> None:
    answer = await federated.google()
    ann = federated.person(answer)
    assert answer.headers["cache-control"] == "no-store"
    me = (await ann.call("GET", "/v1/me")).json()
    assert (me["email"], me["verified"]) == (GMAIL, True)
    kinds = Counter(type(each) for each in await federated.story.told(UserRegistered, UserVerified))
    assert kinds == {UserRegistered: 1, UserVerified: 1}
    for password in ("", GOOD):
        assert (await federated.story.sign_in(GMAIL, password)).status_code in {401, 422}

    again = federated.person(await federated.google())
    assert again.user_id == ann.user_id
    (linked,) = (await again.call("GET", "/v1/me/identities")).json()["items"]
    assert (linked["provider"], linked["address"], linked["organization_id"]) == ("google", GMAIL, None)


async def test_what_the_provider_is_asked(federated: Federated) -> None:
    asked = (await federated.begin(provider="google")).asked
    assert asked["redirect_uri"] == f"{HERE}/v1/federation/callback/google"
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == (
        "code",
        "S256",
        GOOGLE_CLIENT,
    )
    other = (await federated.begin(provider="google")).asked
    for name in ("state", "nonce", "code_challenge"):
        assert asked[name] != other[name]
        assert len(asked[name]) >= 43


async def test_an_account_is_known_by_its_subject_whatever_its_address_becomes(federated: Federated) -> None:
    ann = federated.person(await federated.google())
    await federated.account_at_google(ANN_AT_GOOGLE, "another@gmail.com")
    assert federated.person(await federated.google()).user_id == ann.user_id
    await federated.account_at_google(ANN_AT_GOOGLE, None)
    assert federated.person(await federated.google()).user_id == ann.user_id
    await federated.account_at_google("42", "ada@new.test")
    assert federated.person(await federated.google("42")).user_id != ann.user_id


async def test_an_address_proven_on_both_sides_is_linked_and_its_owner_told(federated: Federated) -> None:
    ada = await federated.story.person("ada@lovelace.test")
    await federated.account_at_google("42", "Ada@Lovelace.test")
    again = federated.person(await federated.google("42"))
    assert again.user_id == ada.user_id
    await federated.story.deliver()
    assert any(LINKED in text_of(each) for each in federated.story.postbox.to("ada@lovelace.test"))
    assert (await federated.story.sign_in("ada@lovelace.test")).status_code == 201, "the password stays"
    lines = [each for each in await federated.story.told(AuditEntry) if isinstance(each, AuditEntry)]
    (linked,) = [each for each in lines if each.action == "auth.identity.linked"]
    assert (str(linked.actor_id), linked.details) == (ada.user_id, {"provider": "google"})


async def test_an_address_that_google_has_not_verified_opens_nothing(federated: Federated) -> None:
    assert problem(await federated.google(EVE_AT_GOOGLE)) == (403, "address-not-verified-there")
    assert await federated.story.count("users") == 0
    ada = await federated.story.person("ada@lovelace.test")
    await federated.account_at_google("42", "ada@lovelace.test", verified=False)
    assert problem(await federated.google("42")) == (403, "address-not-verified-there")
    assert (await ada.call("GET", "/v1/me/identities")).json() == {"items": []}
    for address in ("not an address", "", None):
        await federated.account_at_google("43", address)
        assert problem(await federated.google("43")) == (403, "address-not-verified-there")


async def test_who_signed_up_first_with_somebody_elses_address_does_not_share_the_account(
    federated: Federated,
) -> None:
    """Pre-hijacking: the password of a sign-up that nobody confirmed must not open the owner's account later."""
    story = federated.story
    assert (await story.sign_up(GMAIL, GOOD)).status_code == 202
    await story.deliver()
    token = story.postbox.token(GMAIL)
    ann = federated.person(await federated.google())
    assert problem(await story.sign_in(GMAIL, GOOD)) == (401, "wrong-credentials")
    assert (await story.verify(token, GOOD)).status_code in {403, 410}
    assert problem(await story.sign_in(GMAIL, GOOD)) == (401, "wrong-credentials")
    assert (await ann.call("GET", "/v1/me")).json()["verified"]
    assert await story.count("users") == 1


@pytest.mark.parametrize(
    "fault",
    [
        "alg_none",
        "expired",
        "extra_audience",
        "foreign_key",
        "hs256_client_secret",
        "hs256_public_key",
        "issued_in_future",
        "issued_long_ago",
        "key_in_header",
        "no_id_token",
        "no_nonce",
        "no_sub",
        "unknown_kid",
        "wrong_at_hash",
        "wrong_audience",
        "wrong_azp",
        "wrong_issuer",
        "wrong_nonce",
    ],
)
async def test_an_id_token_that_does_not_hold_lets_nobody_in(federated: Federated, fault: str) -> None:
    await federated.google_goes_wrong(fault)
    assert problem(await federated.google()) == (401, "provider-refused")
    assert await federated.story.count("users") == 0
    lines = [each for each in await federated.story.told(AuditEntry) if isinstance(each, AuditEntry)]
    assert [(each.action, each.actor_kind) for each in lines][-1] == ("auth.federation.refused", User.kind)
    await federated.google_goes_wrong()
    assert (await federated.google()).status_code == 201


async def test_a_key_without_a_name_is_taken_when_there_is_one_only(federated: Federated) -> None:
    await federated.google_goes_wrong("no_kid")
    assert (await federated.google()).status_code == 201
    await federated.world.post("/google/control/keys/rotate")


async def test_a_new_key_of_google_is_fetched_once_and_junk_does_not_make_us_hammer_it(federated: Federated) -> None:
    assert (await federated.google()).status_code == 201
    await federated.world.post("/google/control/keys/rotate")
    assert (await federated.google()).status_code == 201
    assert len(await federated.calls("google", "/certs")) == 2
    await federated.google_goes_wrong("unknown_kid")
    for _ in range(5):
        assert problem(await federated.google()) == (401, "provider-refused")
    assert len(await federated.calls("google", "/certs")) == 2


@pytest.mark.parametrize("fault", ["foreign_iss", "wrong_state"])
async def test_an_answer_in_another_issuers_name_or_of_another_state_is_not_taken(
    federated: Federated, fault: str
) -> None:
    await federated.google_goes_wrong(fault)
    trip = await federated.travel(await federated.begin(provider="google"), approve=ANN_AT_GOOGLE)
    if fault == "wrong_state":
        assert trip.brought == {"problem": "state-unknown"}
    else:
        assert problem(await federated.complete(trip)) == (401, "provider-refused")
    assert await federated.calls("google", "/token") == [], "the code was given to nobody"


async def test_an_announced_issuer_must_come_with_the_answer(federated: Federated) -> None:
    await federated.google_goes_wrong(sends_iss=True)
    assert (await federated.google()).status_code == 201


async def test_a_discovery_document_of_another_provider_is_not_used(federated: Federated) -> None:
    await federated.google_goes_wrong("another_provider_in_discovery")
    answer = await federated.story.http.post("/v1/sessions/federated", json={"provider": "google"})
    assert problem(answer) == (503, "provider-unreachable")


@pytest.mark.parametrize("kind", ["down", "drops", "junk", "huge"])
async def test_a_provider_in_trouble_lets_nobody_in_and_the_next_attempt_works(
    federated: Federated, kind: str
) -> None:
    match = {"path": "/google/oauth2/token"}
    rules = {
        "down": {"kind": "refuse_before_effect", "status": 503, "match": match},
        "drops": {"kind": "drop_after_effect", "match": match},
        "junk": {"kind": "error_after_effect", "status": 400, "body": "<html>", "match": match},
        "huge": {"kind": "error_after_effect", "status": 400, "body": "x" * 200_000, "match": match},
    }
    await federated.put("/control/google/faults", [rules[kind]])
    answer = await federated.google()
    assert problem(answer) in {(503, "provider-unreachable"), (401, "provider-refused")}
    assert len(await federated.calls("google", "/token")) == 1, "a code is shown once"
    await federated.put("/control/google/faults", [])
    assert (await federated.google()).status_code == 201


async def test_two_who_come_at_once_as_the_same_new_person_are_one(federated: Federated) -> None:
    trips = [await federated.travel(await federated.begin(provider="google"), approve=ANN_AT_GOOGLE) for _ in "12345"]
    answers = await asyncio.gather(*(federated.complete(trip) for trip in trips))
    people = {Person(federated.story.http, "", each.json()).user_id for each in answers if each.status_code == 201}
    assert len(people) == 1, [each.text for each in answers]
    assert [each.status_code for each in answers] == [201] * 5, [each.text for each in answers]
    assert await federated.story.count("users") == 1
