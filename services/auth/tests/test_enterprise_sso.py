"""An organization's own identity provider: who it vouches for, what it cannot say, and how it ends."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.audit import AuditEntry
from contracts.auth import MemberAdded, SessionsRevoked

from .conftest import Forward
from .federating import Federated
from .story import GOOD, Person, problem

BEGIN = "/v1/sessions/federated"
ANN, BOB = "ann@acme.test", "bob@acme.test"


@dataclass
class Company:
    """An organization with an owner of another domain, and its provider."""

    federated: Federated
    owner: Person
    organization_id: str
    tenant: str
    provider: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/v1/organizations/{self.organization_id}/identity-providers"

    @property
    def one(self) -> str:
        return f"{self.path}/{self.provider['id']}"

    async def prove(self, domain: str, *texts: str) -> httpx.Response:
        """Name a domain, put the record into the DNS, and have it looked at."""
        named = (await self.owner.call("POST", f"{self.one}/domains", json={"domain": domain})).json()
        record = {"name": named["record_name"], "texts": [*texts, named["record_value"]]}
        await self.federated.put("/dns/control/records", record)
        return await self.owner.call("POST", f"{self.one}/domains/{named['id']}/proof")

    async def change(self, **changed: Any) -> httpx.Response:
        held = (await self.owner.call("GET", self.one)).json()
        headers = {"if-match": f'"v{held["version"]}"'}
        answer = await self.owner.call("PATCH", self.one, json=changed, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer

    async def person(self, sub: str, email: str | None, verified: bool | None = True, **claims: Any) -> None:
        body = {"sub": sub, "email": email, "email_verified": verified, "claims": claims}
        (await self.federated.world.post(f"/oidc/control/{self.tenant}/people", json=body)).raise_for_status()

    async def behaves(self, *faults: str, **app: Any) -> None:
        await self.federated.put(f"/oidc/control/{self.tenant}/app", {"faults": list(faults), **app})

    async def sign_in(self, email: str, approve: str | None = None) -> httpx.Response:
        approve = approve or f"{self.tenant}-{email.partition('@')[0]}"
        return await self.federated.sign_in(approve, email=email)


async def connect(federated: Federated, tenant: str = "acme", **more: Any) -> Company:
    """A company with a provider that may vouch for nobody yet."""
    owner = await federated.story.person(f"owner@{tenant}-holding.test")
    organization_id = await owner.create(tenant.title())
    body = {
        "name": "Our directory",
        "issuer": f"{str(federated.world.base_url).rstrip('/')}/oidc/realms/{tenant}",
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
    }
    answer = await owner.call("POST", f"/v1/organizations/{organization_id}/identity-providers", json=body | more)
    assert answer.status_code == 201, answer.text
    return Company(federated, owner, organization_id, tenant, answer.json())


async def company(federated: Federated, tenant: str = "acme", **more: Any) -> Company:
    """A company whose provider vouches for the people of its domain."""
    made = await connect(federated, tenant, **more)
    assert (await made.prove(f"{tenant}.test")).status_code == 200
    return made


async def test_a_provider_is_connected_and_its_secret_shown_to_nobody(federated: Federated) -> None:
    acme = await connect(federated)
    shown = acme.provider
    assert (shown["active"], shown["enforced"], shown["joins"], shown["default_role"]) == (
        True,
        False,
        True,
        "editor",
    )
    assert shown["redirect_uri"].endswith(f"/v1/federation/callback/{shown['id']}")
    listed = (await acme.owner.call("GET", acme.path)).json()["items"]
    one = await acme.owner.call("GET", acme.one)
    assert listed == [shown] == [one.json()]
    assert one.headers["etag"] == '"v1"'
    rows = await federated.story.admin("SELECT p::text AS whole FROM identity_providers AS p")
    for text in (one.text, rows[0]["whole"]):
        assert "sandbox-secret" not in text
        assert b"sandbox-secret".hex() not in text


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.acme.test",
        "http://127.0.0.1:1/realms/x",
        "https://127.0.0.1/realms/x",
        "https://169.254.169.254/latest",
        "https://localhost",
        "https://[::1]",
        "https://10.1.2.3",
    ],
)
async def test_an_issuer_is_met_on_the_public_internet_over_https_only(federated: Federated, issuer: str) -> None:
    acme = await connect(federated)
    body = {"name": "x", "issuer": issuer, "client_id": "x", "client_secret": "x"}
    answer = await acme.owner.call("POST", acme.path, json=body)
    assert problem(answer) == (422, "issuer-unusable")
    assert answer.json()["reason"] == "unreachable", "nothing is learnt of our network"


async def test_an_issuer_must_say_that_it_is_the_one_that_was_named(federated: Federated) -> None:
    acme = await connect(federated)
    await acme.behaves("another_provider_in_discovery")
    body = {"name": "x", "issuer": acme.provider["issuer"], "client_id": "x", "client_secret": "x"}
    answer = await acme.owner.call("POST", acme.path, json=body)
    assert (problem(answer), answer.json()["reason"]) == ((422, "issuer-unusable"), "another-issuer")
    await acme.behaves()
    slash = body | {"issuer": f"{acme.provider['issuer']}/"}
    assert problem(await acme.owner.call("POST", acme.path, json=slash)) == (422, "issuer-unusable")


@pytest.mark.parametrize("role", ["owner", "admin", "king"])
async def test_nobody_becomes_owner_or_administrator_by_a_providers_word(federated: Federated, role: str) -> None:
    acme = await connect(federated)
    body = {"name": "x", "issuer": acme.provider["issuer"], "client_id": "x", "client_secret": "x"}
    assert (await acme.owner.call("POST", acme.path, json=body | {"default_role": role})).status_code == 422


async def test_connecting_twice_with_one_key_connects_once(federated: Federated) -> None:
    acme = await connect(federated)
    body = {"name": "x", "issuer": acme.provider["issuer"], "client_id": "x", "client_secret": "x"}
    key = {"idempotency-key": "connect-once-please"}
    first, second = [await acme.owner.call("POST", acme.path, json=body, headers=key) for _ in "12"]
    assert first.json()["id"] == second.json()["id"]
    for _ in range(8):
        await acme.owner.call("POST", acme.path, json=body)
    assert problem(await acme.owner.call("POST", acme.path, json=body)) == (409, "too-many-identity-providers")


async def test_only_owners_and_administrators_of_this_organization_with_a_fresh_proof(
    federated: Federated, forward: Forward
) -> None:
    acme = await company(federated)
    stranger = await federated.story.person("stranger@mail.test")
    editor = await federated.story.member(acme.owner, acme.organization_id, "editor@mail.test", "editor")
    domain = (await acme.owner.call("GET", acme.one)).json()["domains"][0]["id"]
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", acme.path, {}),
        ("GET", acme.one, {}),
        ("POST", acme.path, {"name": "x", "issuer": "https://x.test", "client_id": "x", "client_secret": "x"}),
        ("PATCH", acme.one, {"active": False}),
        ("POST", f"{acme.one}/domains", {"domain": "x.test"}),
        ("POST", f"{acme.one}/domains/{domain}/proof", {}),
        ("DELETE", f"{acme.one}/domains/{domain}", {}),
        ("DELETE", acme.one, {}),
    ]
    for method, path, body in calls:
        sent = {"json": body} if body else {}
        headers = {"if-match": '"v3"'}
        assert problem(await stranger.call(method, path, headers=headers, **sent))[0] == 404, (method, path)
        assert problem(await editor.call(method, path, headers=headers, **sent)) == (403, "role-missing")
    await forward(601)
    await acme.owner.refresh()
    for method, path, body in calls[2:]:
        sent = {"json": body} if body else {}
        answer = await acme.owner.call(method, path, headers={"if-match": '"v3"'}, **sent)
        assert problem(answer) == (403, "step-up-needed"), (method, path)
    assert (await acme.owner.call("GET", acme.one)).status_code == 200


async def test_a_change_names_the_version_that_it_changes(federated: Federated) -> None:
    acme = await connect(federated)
    assert problem(await acme.owner.call("PATCH", acme.one, json={"name": "x"}))[0] == 428
    stale = await acme.owner.call("PATCH", acme.one, json={"name": "x"}, headers={"if-match": '"v7"'})
    assert problem(stale)[0] == 412
    changed = (await acme.change(name="Other", client_secret="another-secret")).json()
    assert (changed["name"], changed["version"]) == ("Other", 2)


async def test_a_domain_counts_once_its_dns_says_so(federated: Federated) -> None:
    acme = await connect(federated)
    named = await acme.owner.call("POST", f"{acme.one}/domains", json={"domain": "ACME.test."})
    domain = named.json()
    assert (domain["domain"], domain["record_name"]) == ("acme.test", "_rostrum-challenge.acme.test")
    again = await acme.owner.call("POST", f"{acme.one}/domains", json={"domain": "acme.test"})
    assert problem(again) == (409, "domain-named-already")
    proof = f"{acme.one}/domains/{domain['id']}/proof"
    for texts in ([], ["v=spf1 -all"], [domain["record_value"][:-1]], [domain["record_value"] + "x"], [""]):
        await federated.put("/dns/control/records", {"name": domain["record_name"], "texts": texts})
        assert problem(await acme.owner.call("POST", proof)) == (409, "domain-not-proven")
        nobody = await federated.story.http.post(BEGIN, json={"email": ANN})
        assert problem(nobody) == (404, "no-provider-for-address")
    await federated.put("/dns/control/records", {"name": "acme.test", "texts": [domain["record_value"]]})
    assert problem(await acme.owner.call("POST", proof)) == (409, "domain-not-proven"), "another name"
    record = {"name": domain["record_name"], "texts": ["v=spf1 -all", domain["record_value"]]}
    await federated.put("/dns/control/records", record)
    assert (await acme.owner.call("POST", proof)).json()["proven_at"]
    assert (await acme.owner.call("POST", proof)).status_code == 200
    assert (await federated.story.http.post(BEGIN, json={"email": ANN})).status_code == 201


async def test_while_the_dns_cannot_be_asked_nothing_is_proven(federated: Federated) -> None:
    acme = await connect(federated)
    rule = {"kind": "refuse_before_effect", "status": 500, "match": {"path": "/dns/resolve"}}
    await federated.put("/control/dns/faults", [rule])
    assert problem(await acme.prove("acme.test")) == (503, "resolver-unreachable")


@pytest.mark.parametrize("domain", ["com", "127.0.0.1", "[::1]", "a b.test", "acme..test", "@acme.test", "x" * 250])
async def test_what_is_no_domain_is_not_named(federated: Federated, domain: str) -> None:
    acme = await connect(federated)
    answer = await acme.owner.call("POST", f"{acme.one}/domains", json={"domain": domain})
    assert answer.status_code == 422, answer.text


async def both_in_dns(federated: Federated, *companies: Company) -> list[str]:
    """One domain that several name, with the challenges of all in its DNS; the paths of the proofs."""
    paths, texts = [], []
    for each in companies:
        named = (await each.owner.call("POST", f"{each.one}/domains", json={"domain": "acme.test"})).json()
        texts.append(named["record_value"])
        paths.append(f"{each.one}/domains/{named['id']}/proof")
    await federated.put("/dns/control/records", {"name": "_rostrum-challenge.acme.test", "texts": texts})
    return paths


async def test_a_domain_is_proven_by_one_organization_at_a_time(federated: Federated) -> None:
    acme, umbrella = await connect(federated), await connect(federated, "umbrella")
    ours, theirs = await both_in_dns(federated, acme, umbrella)
    answers = await asyncio.gather(acme.owner.call("POST", ours), umbrella.owner.call("POST", theirs))
    assert sorted(each.status_code for each in answers) == [200, 409]
    winner, loser = (acme, umbrella) if answers[0].status_code == 200 else (umbrella, acme)
    won, lost = (ours, theirs) if winner is acme else (theirs, ours)
    await winner.change(active=False)
    assert problem(await loser.owner.call("POST", lost)) == (409, "domain-taken"), "disabled is not let go"
    assert (await winner.owner.call("DELETE", won.removesuffix("/proof"))).status_code == 204
    assert (await loser.owner.call("POST", lost)).status_code == 200


async def test_who_is_vouched_for_has_an_account_and_is_a_member_at_once(federated: Federated) -> None:
    acme = await company(federated, default_role="analyst")
    answer = await acme.sign_in(ANN)
    ann = federated.person(answer, ANN)
    assert (answer.json()["organization_id"], answer.json()["role"]) == (acme.organization_id, "analyst")
    assert (await ann.call("GET", "/v1/me")).json()["email"] == ANN
    (linked,) = (await ann.call("GET", "/v1/me/identities")).json()["items"]
    assert (linked["provider"], linked["organization_id"]) == ("organization", acme.organization_id)
    again = federated.person(await acme.sign_in(ANN), ANN)
    assert again.user_id == ann.user_id
    joined = [each for each in await federated.story.told(MemberAdded) if isinstance(each, MemberAdded)]
    assert [str(each.user_id) for each in joined].count(ann.user_id) == 1


async def test_where_a_browser_is_sent_by_an_address_does_not_tell_whether_it_has_an_account(
    federated: Federated,
) -> None:
    acme = await company(federated)
    await federated.story.person("known@mail.test")
    federated.person(await acme.sign_in(ANN))
    unknown = [
        await federated.story.http.post(BEGIN, json={"email": each}) for each in ("known@mail.test", "no@mail.test")
    ]
    assert problem(unknown[0]) == problem(unknown[1]) == (404, "no-provider-for-address")
    assert {**unknown[0].json(), "request_id": ""} == {**unknown[1].json(), "request_id": ""}
    sent = [await federated.begin(email=each) for each in (ANN, "nobody@acme.test")]
    assert sent[0].asked.keys() == sent[1].asked.keys()
    assert sent[0].url.partition("?")[0] == sent[1].url.partition("?")[0]
    assert sent[1].asked["login_hint"] == "nobody@acme.test"


async def test_a_provider_vouches_for_nobody_outside_its_proven_domains(federated: Federated) -> None:
    """The administrator of one organization must not sign in as people of another (ASVS 6.8.1)."""
    acme = await company(federated)
    victim = await federated.story.person("victim@umbrella.test")
    for email in (
        "victim@umbrella.test",
        "victim@sub.acme.test",
        "victim@acme.test.evil.test",
        "x@evilacme.test",
        None,
    ):
        await acme.person("mallory", email)
        assert problem(await acme.sign_in(ANN, "mallory")) == (403, "provider-of-another-domain"), email
    assert (await victim.call("GET", "/v1/me/identities")).json()["items"] == []
    await acme.person("mallory", "mallory@acme.test")
    mallory = federated.person(await acme.sign_in(ANN, "mallory"))
    await acme.person("mallory", "victim@umbrella.test")
    assert problem(await acme.sign_in(ANN, "mallory")) == (403, "provider-of-another-domain")
    assert mallory.user_id != victim.user_id
    lines = [each for each in await federated.story.told(AuditEntry) if isinstance(each, AuditEntry)]
    (last, *_) = [each for each in reversed(lines) if each.action == "auth.federation.refused"]
    assert (str(last.organization_id), last.details) == (
        acme.organization_id,
        {"reason": "provider-of-another-domain"},
    )


async def test_the_same_subject_at_two_providers_is_two_people(federated: Federated) -> None:
    acme, umbrella = await company(federated), await company(federated, "umbrella")
    await acme.person("42", "ann@acme.test")
    await umbrella.person("42", "ann@umbrella.test")
    one = federated.person(await acme.sign_in("ann@acme.test", "42"))
    other = federated.person(await umbrella.sign_in("ann@umbrella.test", "42"))
    assert one.user_id != other.user_id
    second = await acme.owner.call(
        "POST",
        acme.path,
        json={
            "name": "Again",
            "issuer": acme.provider["issuer"],
            "client_id": "sandbox-client",
            "client_secret": "sandbox-secret",
        },
    )
    assert second.status_code == 201, "another provider of the same issuer knows its people anew"


async def test_an_account_that_has_proven_the_address_is_linked_and_one_that_has_not_is_not(
    federated: Federated,
) -> None:
    acme = await company(federated)
    story = federated.story
    ann = await story.person(ANN)
    assert federated.person(await acme.sign_in(ANN)).user_id == ann.user_id
    await story.sign_up(BOB)
    bob = federated.person(await acme.sign_in(BOB))
    assert problem(await story.sign_in(BOB, GOOD)) == (401, "wrong-credentials")
    assert (await bob.call("GET", "/v1/me")).json()["email"] == BOB


async def test_silence_about_an_address_counts_only_where_the_organization_says_so(federated: Federated) -> None:
    acme = await company(federated)
    await acme.person("s", "silent@acme.test", None)
    await acme.person("n", "never@acme.test", verified=False)
    await acme.person("t", "text@acme.test", None, email_verified="true")
    assert problem(await acme.sign_in(ANN, "s")) == (403, "address-not-verified-there")
    assert (await acme.sign_in(ANN, "t")).status_code == 201
    await acme.change(silence_is_verified=True)
    assert (await acme.sign_in(ANN, "s")).status_code == 201
    assert problem(await acme.sign_in(ANN, "n")) == (403, "address-not-verified-there")


async def test_without_joining_only_members_are_let_in(federated: Federated) -> None:
    acme = await company(federated, joins=False)
    assert problem(await acme.sign_in(ANN)) == (403, "not-a-member")
    assert await federated.story.count("users") == 1, "no account is left of it"
    await federated.story.member(acme.owner, acme.organization_id, ANN, "agent")
    assert (await acme.sign_in(ANN)).json()["role"] == "agent"


async def test_who_must_come_through_the_provider_acts_here_in_no_other_way(federated: Federated) -> None:
    acme = await company(federated)
    story, here = federated.story, acme.organization_id
    ann = await story.member(acme.owner, here, ANN, "editor")
    guest = await story.member(acme.owner, here, "guest@agency.test", "editor")
    assert (await ann.refresh(here)).status_code == 200
    await acme.change(enforced=True)
    assert (await ann.refresh()).json()["organization_id"] is None, "signed in still, and acting nowhere"
    assert problem(await ann.refresh(here)) == (403, "sign-in-through-provider")
    refused = await story.sign_in(ANN, organization_id=here)
    assert problem(refused) == (403, "sign-in-through-provider")
    assert refused.json()["identity_provider_id"] == acme.provider["id"]
    assert (await story.sign_in(ANN)).status_code == 201
    assert (await ann.create("Ann's own")) != here

    through = federated.person(await acme.sign_in(ANN), ANN)
    assert through.tokens["organization_id"] == here
    assert (await through.refresh(here)).json()["role"] == "editor"
    assert (await guest.refresh(here)).json()["organization_id"] == here, "of another domain"


async def test_an_owner_gets_in_past_the_provider_and_on_record(federated: Federated) -> None:
    acme = await company(federated)
    ann = await federated.story.member(acme.owner, acme.organization_id, ANN, "owner")
    await acme.change(enforced=True)
    await federated.put("/control/oidc/faults", [{"kind": "refuse_before_effect", "status": 503}])
    answer = await federated.story.sign_in(ANN, organization_id=acme.organization_id)
    assert answer.status_code == 201, answer.text
    lines = [each for each in await federated.story.told(AuditEntry) if isinstance(each, AuditEntry)]
    (broke,) = [each for each in lines if each.action == "auth.session.broke_glass"]
    assert (str(broke.actor_id), str(broke.organization_id)) == (ann.user_id, acme.organization_id)


async def test_a_provider_that_is_disabled_vouches_for_nobody_and_its_sessions_end(federated: Federated) -> None:
    acme = await company(federated)
    story = federated.story
    bob = await story.person(BOB)
    through = federated.person(await acme.sign_in(BOB))
    assert through.user_id == bob.user_id
    waiting = await federated.travel(await federated.begin(email=ANN), approve="acme-ann")
    await acme.change(active=False)
    assert problem(await through.refresh()) == (401, "session-ended")
    assert (await bob.refresh()).status_code == 200, "it did not come by the provider"
    ended = [each for each in await story.told(SessionsRevoked) if isinstance(each, SessionsRevoked)]
    assert through.tokens["session_id"] in {str(each.session_id) for each in ended}
    assert problem(await federated.complete(waiting)) == (404, "provider-switched-off")
    assert problem(await story.http.post(BEGIN, json={"email": BOB})) == (404, "no-provider-for-address")
    await acme.change(active=True)
    assert federated.person(await acme.sign_in(BOB)).user_id == bob.user_id
    assert problem(await through.refresh()) == (401, "session-ended")


async def test_more_sessions_than_one_transaction_ends_have_ended_all_the_same(federated: Federated) -> None:
    acme = await company(federated)
    ann = federated.person(await acme.sign_in(ANN))
    await federated.story.admin("UPDATE identity_providers SET active = false")
    assert problem(await ann.refresh()) == (401, "session-ended")


async def test_a_provider_that_is_disconnected_is_gone_with_what_it_vouched_for(federated: Federated) -> None:
    acme = await company(federated)
    ann = federated.person(await acme.sign_in(ANN))
    assert (await acme.owner.call("DELETE", acme.one)).status_code == 204
    assert problem(await acme.owner.call("DELETE", acme.one)) == (404, "identity-provider-not-found")
    assert problem(await ann.refresh()) == (401, "session-ended")
    for table in ("federated_identities", "identity_providers", "identity_provider_domains"):
        assert await federated.story.admin(f"SELECT FROM {table}") == []


async def test_another_organization_sees_and_touches_nothing_of_it(federated: Federated) -> None:
    acme, umbrella = await company(federated), await company(federated, "umbrella")
    foreign = f"{umbrella.path}/{acme.provider['id']}"
    for method, path in (("GET", foreign), ("DELETE", foreign), ("POST", f"{foreign}/domains")):
        sent = {"json": {"domain": "x.test"}} if method == "POST" else {}
        assert problem(await umbrella.owner.call(method, path, **sent)) == (404, "identity-provider-not-found")
    assert [each["id"] for each in (await umbrella.owner.call("GET", umbrella.path)).json()["items"]] == [
        umbrella.provider["id"]
    ]
    async with federated.story.database.transaction(UUID(umbrella.organization_id)) as tx:
        assert await tx.fetchval("SELECT count(*) FROM identity_providers") == 1
        assert await tx.fetchval("SELECT count(*) FROM identity_provider_domains") == 1
