"""The way to a provider and back: one browser, one time, and nobody else's."""

import asyncio
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from contracts.audit import AuditEntry
from kit.ids import new_id

from .conftest import Forward
from .federating import ANN_AT_GOOGLE, COOKIE_MODE, HERE, Federated, Trip
from .story import Person, Story, problem, text_of

GMAIL = "ann.example@gmail.com"
BEGIN, COMPLETE = "/v1/sessions/federated", "/v1/sessions/federated/complete"


async def test_which_providers_there_are_and_that_the_others_are_switched_off(
    federated: Federated, story: Story
) -> None:
    assert (await federated.story.http.get("/v1/federation/providers")).json() == {"items": ["google", "github"]}
    assert (await story.http.get("/v1/federation/providers")).json() == {"items": []}
    answer = await story.http.post(BEGIN, json={"provider": "google"})
    assert problem(answer) == (404, "provider-switched-off")


@pytest.mark.parametrize("body", [{}, {"provider": "google", "email": "a@b.test"}, {"provider": "organization"}])
async def test_one_says_either_which_provider_or_which_address(federated: Federated, body: dict[str, str]) -> None:
    assert (await federated.story.http.post(BEGIN, json=body)).status_code == 422


@pytest.mark.parametrize(
    "redirect",
    [
        "https://evil.test/",
        "http://127.0.0.1:9@evil.test/",
        "http://127.0.0.1:9.evil.test/",
        "http://127.0.0.1:90/",
        "https://127.0.0.1:9/",
        "//evil.test/",
        "/sign-in",
        "javascript:alert(1)",
        "http://127.0.0.1:9/a?b=c",
        "http://127.0.0.1:9/a#b",
        "http://127.0.0.1:9\\@evil.test/",
        "http://127.0.0.1:9/\r\nx: y",
    ],
)
async def test_browsers_go_on_to_our_own_applications_only(federated: Federated, redirect: str) -> None:
    answer = await federated.story.http.post(BEGIN, json={"provider": "google", "redirect": redirect})
    assert problem(answer) == (422, "redirect-not-allowed")


async def test_the_browser_goes_on_to_the_page_that_was_asked_for(federated: Federated) -> None:
    trip = await federated.begin(provider="google", redirect=f"{HERE}/settings/accounts")
    assert (await federated.travel(trip, approve=ANN_AT_GOOGLE)).place == f"{HERE}/settings/accounts"
    plain = await federated.travel(await federated.begin(provider="google"), approve=ANN_AT_GOOGLE)
    assert urlsplit(plain.place).path == "/sign-in/federated"


async def test_who_cancels_comes_back_and_begins_anew(federated: Federated) -> None:
    for provider in ("google", "github"):
        trip = await federated.travel(await federated.begin(provider=provider), deny="1")
        assert trip.brought == {"problem": "cancelled"}
        assert problem(await federated.complete(trip)) == (401, "federation-over")


async def test_a_prepared_link_signs_nobody_in_as_somebody_else(federated: Federated) -> None:
    """Login CSRF: the attacker's return is useless in the victim's browser, and the victim's in the attacker's."""
    attackers = await federated.travel(await federated.begin(provider="github"), approve="1001")
    victims = await federated.travel(await federated.begin(provider="google"), approve=ANN_AT_GOOGLE)
    for came, kept in ((attackers, victims), (victims, attackers)):
        answer = await federated.complete(came, request_token=kept.begun["request_token"])
        assert problem(answer) == (401, "federation-over")
    for token in ("", "x", attackers.brought["code"], attackers.asked["state"], None):
        assert problem(await federated.complete(attackers, request_token=token)) == (401, "federation-over")
    for code in ("", "x", victims.begun["request_token"], victims.asked["state"]):
        assert problem(await federated.complete(victims, code=code)) == (401, "federation-over")
    assert (await federated.complete(victims)).status_code == 201, "a stranger's attempts spoil nothing"


async def test_a_way_back_is_taken_once_and_completed_once(federated: Federated) -> None:
    trip = await federated.begin(provider="google")
    there = await federated.world.get(f"{trip.url}&approve={ANN_AT_GOOGLE}")
    location = there.headers["location"]
    trip = await federated.come_back(trip, location)
    replayed = await federated.come_back(Trip(trip.http, trip.begun), location)
    assert replayed.brought == {"problem": "state-unknown"}
    answers = await asyncio.gather(*(federated.complete(trip) for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [201] + [401] * 7
    assert len(await federated.calls("google", "/token")) == 1
    assert problem(await federated.complete(trip)) == (401, "federation-over")


async def test_a_provider_cannot_hand_in_the_code_of_another(federated: Federated) -> None:
    """Mix-up: each provider has a way back of its own, and a state is good on that one only."""
    trip = await federated.begin(provider="google")
    there = await federated.world.get(f"{trip.url}&approve={ANN_AT_GOOGLE}")
    location = there.headers["location"]
    for other in ("github", str(new_id()), "Google", "google%20"):
        mixed = await federated.come_back(
            Trip(trip.http, trip.begun), location.replace("callback/google", f"callback/{other}")
        )
        assert mixed.brought == {"problem": "state-unknown"}
    assert (await federated.complete(await federated.come_back(trip, location))).status_code == 201


async def test_after_ten_minutes_it_is_over(federated: Federated, forward: Forward) -> None:
    trip = await federated.begin(provider="google")
    back = await federated.travel(await federated.begin(provider="google"), approve=ANN_AT_GOOGLE)
    await forward(601)
    assert problem(await federated.complete(back)) == (401, "federation-over")
    late = await federated.travel(trip, approve=ANN_AT_GOOGLE)
    assert late.brought == {"problem": "state-unknown"}
    await forward(601)
    await federated.story.parts.sweeper.sweep()
    assert await federated.story.count("federation_flows") == 0


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=",
        "code=abc",
        "state=guessed&code=abc",
        f"state={'a' * 4000}&code=b",
        "state=<script>&error=<script>&error_description=<script>",
    ],
)
async def test_what_a_stranger_brings_is_neither_believed_nor_repeated(federated: Federated, query: str) -> None:
    answer = await federated.story.http.get(f"/v1/federation/callback/google?{query}")
    assert answer.headers["location"] == f"{HERE}/sign-in/federated#federation_problem=state-unknown"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_in_cookie_mode_the_browser_keeps_the_token_where_no_script_reads_it(federated: Federated) -> None:
    trip = await federated.begin(headers=COOKIE_MODE, provider="google")
    (cookie,) = [each for each in trip.http.cookies.jar if each.name.startswith("__Host-federation-")]
    assert (cookie.secure, cookie.path, cookie.domain_specified) == (True, "/", False)
    assert cookie.value == trip.begun["request_token"]
    trip = await federated.travel(trip, approve=ANN_AT_GOOGLE)
    kept = {"cookie": f"{cookie.name}={cookie.value}"}
    trip.http.cookies.clear()
    body = {"code": trip.brought["code"]}
    assert problem(await trip.http.post(COMPLETE, json=body)) == (401, "federation-over")
    answer = await trip.http.post(COMPLETE, json=body, headers=kept)
    assert answer.status_code == 201, answer.text
    gone = [each for each in answer.headers.get_list("set-cookie") if each.startswith(cookie.name)]
    assert gone
    assert "Max-Age=0" in gone[0]


async def test_an_account_is_linked_from_the_settings_whatever_its_address(federated: Federated) -> None:
    story = federated.story
    ada = await story.person("ada@lovelace.test")
    answer = await federated.link(ada, "google", ANN_AT_GOOGLE)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["provider"], answer.json()["address"]) == ("google", GMAIL)
    assert (await federated.link(ada, "google", ANN_AT_GOOGLE)).json()["id"] == answer.json()["id"], "once"
    assert federated.person(await federated.google()).user_id == ada.user_id
    assert (await ada.call("GET", "/v1/me")).json()["email"] == "ada@lovelace.test"
    await story.deliver()
    assert any("was linked to" in text_of(each) for each in story.postbox.to("ada@lovelace.test"))


async def test_what_is_linked_to_one_is_not_linked_to_another(federated: Federated) -> None:
    ada, bob = await federated.story.person("ada@lovelace.test"), await federated.story.person("bob@builder.test")
    assert (await federated.link(ada, "google", ANN_AT_GOOGLE)).status_code == 201
    assert problem(await federated.link(bob, "google", ANN_AT_GOOGLE)) == (409, "identity-taken")
    assert federated.person(await federated.google()).user_id == ada.user_id


async def test_a_link_is_completed_by_who_began_it_in_the_same_session(federated: Federated) -> None:
    story = federated.story
    ada, mallory = await story.person("ada@lovelace.test"), await story.person("mallory@mail.test")
    begun = (await mallory.call("POST", "/v1/me/identities", json={"provider": "google"})).json()
    trip = await federated.travel(Trip(story.http, begun), approve=ANN_AT_GOOGLE)
    path = "/v1/me/identities/complete"
    assert problem(await ada.call("POST", path, json=trip.completion())) == (401, "federation-over")
    assert problem(await federated.complete(trip)) == (401, "federation-over"), "it is no sign-in"
    other = Person(story.http, mallory.email, (await story.sign_in(mallory.email)).json())
    assert problem(await other.call("POST", path, json=trip.completion())) == (401, "federation-over")
    assert (await mallory.call("POST", path, json=trip.completion())).status_code == 201
    sign_in = await federated.travel(await federated.begin(provider="github"), approve="1001")
    assert problem(await ada.call("POST", path, json=sign_in.completion())) == (401, "federation-over")


async def test_linking_and_unlinking_ask_for_a_fresh_proof(federated: Federated, forward: Forward) -> None:
    ada = await federated.story.person("ada@lovelace.test")
    linked = (await federated.link(ada, "google", ANN_AT_GOOGLE)).json()
    await forward(601)
    await ada.refresh()
    begun = await ada.call("POST", "/v1/me/identities", json={"provider": "github"})
    assert problem(begun) == (403, "step-up-needed")
    assert problem(await ada.call("DELETE", f"/v1/me/identities/{linked['id']}")) == (403, "step-up-needed")


async def test_the_last_way_in_cannot_be_unlinked(federated: Federated) -> None:
    ann = federated.person(await federated.google())
    (first,) = (await ann.call("GET", "/v1/me/identities")).json()["items"]
    assert problem(await ann.call("DELETE", f"/v1/me/identities/{first['id']}")) == (409, "last-way-in")
    second = (await federated.link(ann, "github", "1001")).json()
    answers = await asyncio.gather(
        *(ann.call("DELETE", f"/v1/me/identities/{each['id']}") for each in (first, second))
    )
    assert sorted(each.status_code for each in answers) == [204, 409], "not both at once either"


async def test_what_is_unlinked_opens_nothing_any_more_and_its_owner_is_told(federated: Federated) -> None:
    story = federated.story
    ada, bob = await story.person("ada@lovelace.test"), await story.person("bob@builder.test")
    linked = (await federated.link(ada, "google", ANN_AT_GOOGLE)).json()
    path = f"/v1/me/identities/{linked['id']}"
    assert problem(await bob.call("DELETE", path)) == (404, "identity-not-found")
    assert (await ada.call("DELETE", path)).status_code == 204
    assert problem(await ada.call("DELETE", path)) == (404, "identity-not-found")
    assert federated.person(await federated.google()).user_id not in {ada.user_id, bob.user_id}
    await story.deliver()
    assert any("was unlinked from" in text_of(each) for each in story.postbox.to("ada@lovelace.test"))
    lines = [each.action for each in await story.told(AuditEntry) if isinstance(each, AuditEntry)]
    assert [each for each in lines if each.startswith("auth.identity.")] == [
        "auth.identity.linked",
        "auth.identity.unlinked",
        "auth.identity.linked",
    ]


async def test_a_suspended_account_is_not_let_in(federated: Federated) -> None:
    ann = federated.person(await federated.google())
    await federated.story.admin("UPDATE users SET suspended_at = kit_now() WHERE id = $1", UUID(ann.user_id))
    assert problem(await federated.google()) == (403, "account-suspended")


async def test_no_secret_and_no_name_at_a_provider_lies_open(federated: Federated) -> None:
    trip = await federated.begin(provider="google")
    there = await federated.world.get(f"{trip.url}&approve={ANN_AT_GOOGLE}")
    trip = await federated.come_back(trip, there.headers["location"])
    secrets = [trip.asked["state"], trip.begun["request_token"], trip.brought["code"], trip.asked["nonce"]]
    secrets += [urlsplit(there.headers["location"]).query.partition("code=")[2].partition("&")[0].replace("%2F", "/")]
    rows = await federated.story.admin("SELECT f::text AS whole FROM federation_flows AS f")
    assert (await federated.complete(trip)).status_code == 201
    rows += await federated.story.admin(
        "SELECT f::text AS whole FROM federation_flows AS f UNION ALL SELECT i::text FROM federated_identities AS i"
    )
    rows += await federated.story.admin("SELECT convert_from(body, 'utf8') AS whole FROM outbox")
    dumped = "".join(row["whole"] for row in rows)
    for secret in (*secrets, ANN_AT_GOOGLE, GMAIL):
        assert secret not in dumped
        assert secret.encode().hex() not in dumped


async def test_an_organization_that_is_wished_for_is_acted_in_by_its_members_only(federated: Federated) -> None:
    ann = federated.person(await federated.google())
    acme = await ann.create()
    signed_in = await federated.sign_in(ANN_AT_GOOGLE, provider="google", organization_id=acme)
    assert (signed_in.json()["organization_id"], signed_in.json()["role"]) == (acme, "owner")
    stranger = await federated.sign_in("1001", provider="github", organization_id=acme)
    assert problem(stranger) == (404, "organization-not-found")
