"""What the answers of an organization's own provider must hold, and what they then open."""

import pytest

from .conftest import Forward
from .federating import Federated, Trip
from .oauth import Clients, Program, decide, query_of
from .second_factors import complete, with_app
from .story import Person, problem
from .test_enterprise_sso import company

ANN = "ann@acme.test"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
async def test_a_provider_signs_and_authenticates_in_any_of_the_usual_ways(
    federated: Federated, algorithm: str, way: str
) -> None:
    await federated.put(
        "/oidc/control/acme/app", {"algorithm": algorithm, "authenticates_by": way, "sends_iss": True}
    )
    acme = await company(federated)
    assert (await acme.sign_in(ANN)).status_code == 201


@pytest.mark.parametrize(
    "fault",
    [
        "alg_none",
        "expired",
        "foreign_iss",
        "foreign_key",
        "hs256_client_secret",
        "hs256_public_key",
        "key_in_header",
        "no_sub",
        "unknown_kid",
        "wrong_audience",
        "wrong_issuer",
        "wrong_nonce",
    ],
)
async def test_a_token_that_does_not_hold_lets_nobody_in(federated: Federated, fault: str) -> None:
    acme = await company(federated)
    await acme.behaves(fault)
    assert problem(await acme.sign_in(ANN)) == (401, "provider-refused")
    assert (await acme.owner.members(acme.organization_id)).keys() == {acme.owner.email}


async def test_an_answer_of_one_provider_is_no_answer_of_another(federated: Federated) -> None:
    acme, umbrella = await company(federated), await company(federated, "umbrella")
    trip = await federated.begin(email=ANN)
    there = await federated.world.get(f"{trip.url}&approve=acme-ann")
    location = there.headers["location"].replace(acme.provider["id"], umbrella.provider["id"])
    assert (await federated.come_back(Trip(trip.http, trip.begun), location)).brought == {"problem": "state-unknown"}


async def test_who_has_a_second_factor_owes_it_here_too_and_then_came_through_the_provider(
    federated: Federated, forward: Forward
) -> None:
    acme = await company(federated)
    ann = await federated.story.person(ANN)
    app = await with_app(federated.story, ann)
    await acme.change(enforced=True)
    answer = await acme.sign_in(ANN)
    assert answer.status_code == 202, answer.text
    await forward(30)
    done = await complete(federated.story, answer.json()["sign_in_token"], "totp", app.code())
    assert (done.status_code, done.json()["organization_id"]) == (201, acme.organization_id)
    again = Person(federated.story.http, ANN, done.json())
    assert (await again.refresh(acme.organization_id)).status_code == 200


async def test_a_program_is_let_in_by_those_only_who_came_through_the_provider(federated: Federated) -> None:
    """A grant acts in the organization for a long time: it must not be the way around."""
    acme = await company(federated)
    here = acme.organization_id
    ann = await federated.story.member(acme.owner, here, ANN, "editor")
    program = Program(federated.story, await Clients(federated.story, acme.owner, here).registered())
    await acme.change(enforced=True)
    sent = (await program.authorize()).headers["location"]
    token = query_of(sent)["request"]
    assert problem(await decide(ann, token, here)) == (403, "sign-in-through-provider")
    through = federated.person(await acme.sign_in(ANN), ANN)
    assert (await decide(through, token, here)).status_code == 200
