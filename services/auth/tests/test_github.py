"""GitHub: no OpenID Connect, errors with status 200, and addresses of which one counts."""

from typing import Any

import pytest

from .federating import GITHUB_CLIENT, HERE, Federated
from .story import problem


async def account(federated: Federated, number: int, *emails: tuple[str, bool, bool], **more: Any) -> None:
    """Somebody at GitHub, with addresses that are primary and verified, or not."""
    listed = [{"email": email, "primary": primary, "verified": verified} for email, primary, verified in emails]
    body = {"id": number, "login": f"login-{number}", "emails": listed, **more}
    (await federated.world.post("/github/control/people", json=body)).raise_for_status()


async def test_somebody_new_has_an_account_with_the_address_that_is_primary_and_verified(
    federated: Federated,
) -> None:
    ann = federated.person(await federated.github())
    assert (await ann.call("GET", "/v1/me")).json()["email"] == "ann@example.org"
    (linked,) = (await ann.call("GET", "/v1/me/identities")).json()["items"]
    assert (linked["provider"], linked["address"]) == ("github", "ann@example.org")


async def test_what_github_is_asked(federated: Federated) -> None:
    asked = (await federated.begin(provider="github")).asked
    assert asked["redirect_uri"] == f"{HERE}/v1/federation/callback/github"
    assert (asked["scope"], asked["client_id"]) == ("read:user user:email", GITHUB_CLIENT)
    assert asked["code_challenge_method"] == "S256"
    await federated.github()
    (call,) = await federated.calls("github", "/access_token")
    assert {"code_verifier", "redirect_uri"} <= {pair.partition("=")[0] for pair in call["body"].split("&")}
    assert "application/json" in dict(call["headers"])["accept"]


async def test_a_login_that_somebody_else_has_now_opens_nothing_of_who_had_it(federated: Federated) -> None:
    await account(federated, 7, ("ada@ada.test", True, True), login="ada")
    ada = federated.person(await federated.github("7"))
    await account(federated, 7, ("ada@ada.test", True, True), login="ada-renamed")
    await account(federated, 8, ("mallory@mail.test", True, True), login="ada")
    assert federated.person(await federated.github("7")).user_id == ada.user_id
    assert federated.person(await federated.github("8")).user_id != ada.user_id


@pytest.mark.parametrize(
    "emails",
    [
        [],
        [("ada@ada.test", True, False)],
        [("ada@ada.test", False, True)],
        [("other@mail.test", True, False), ("ada@ada.test", False, True)],
    ],
)
async def test_no_other_address_counts_not_even_the_public_one(
    federated: Federated, emails: list[tuple[str, bool, bool]]
) -> None:
    ada = await federated.story.person("ada@ada.test")
    await account(federated, 7, *emails, email="ada@ada.test")
    assert problem(await federated.github("7")) == (403, "address-not-verified-there")
    assert (await ada.call("GET", "/v1/me/identities")).json()["items"] == []


async def test_who_did_not_let_us_read_addresses_is_not_known_by_one(federated: Federated) -> None:
    await federated.put("/github/control/app", {"grants": ["read:user"]})
    assert problem(await federated.github()) == (403, "address-not-verified-there")
    await federated.put("/github/control/app", {})
    ann = federated.person(await federated.github())
    await federated.put("/github/control/app", {"grants": []})
    assert federated.person(await federated.github()).user_id == ann.user_id, "who is linked needs no address"


async def test_an_error_that_comes_with_status_200_is_an_error(federated: Federated) -> None:
    trip = await federated.begin(provider="github")
    await federated.put("/github/control/app", {"code_seconds": 0.000001})
    trip = await federated.travel(trip, approve="1001")
    assert problem(await federated.complete(trip)) == (401, "provider-refused")
    assert await federated.story.count("users") == 0


@pytest.mark.parametrize("path", ["api/user", "api/user/emails", "www/login/oauth/access_token"])
async def test_github_in_trouble_lets_nobody_in(federated: Federated, path: str) -> None:
    rule = {"kind": "refuse_before_effect", "status": 502, "match": {"path": f"/github/{path}"}}
    await federated.put("/control/github/faults", [rule])
    assert problem(await federated.github()) == (503, "provider-unreachable")
    await federated.put("/control/github/faults", [])
    assert (await federated.github()).status_code == 201


async def test_the_same_number_at_google_and_at_github_are_two_people(federated: Federated) -> None:
    """A subject says nothing without its provider (ASVS 6.8.1)."""
    await account(federated, 7, ("ada@ada.test", True, True))
    await federated.account_at_google("7", "bob@gmail.com")
    ada, bob = federated.person(await federated.github("7")), federated.person(await federated.google("7"))
    assert ada.user_id != bob.user_id
