from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from kit.ids import new_id

from .story import CALLBACK, TOKEN, Story

PATH = "/v1/connected-accounts"


def problem(answer: httpx.Response) -> str | None:
    """What the console is told; nothing else is in its address."""
    assert answer.status_code == 303, answer.text
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == "http://console.test/accounts"
    told = parse_qs(address.query)
    assert set(told) <= {"problem", "connected"}
    return told.get("problem", [None])[0]


async def test_an_account_is_connected_and_shown_without_its_tokens(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    account_id = await story.connect(client, "member")
    shown = (await client.get(f"{PATH}/{account_id}")).json()
    assert (shown["external_id"], shown["name"], shown["what"]) == ("urn:li:person:ann", "Ann Example", "member")
    assert (shown["health"], shown["reason"]) == ("connected", None)
    assert not {name for name in shown if "token" in name or "secret" in name}
    assert [each["id"] for each in (await client.get(PATH)).json()["items"]] == [account_id]
    assert [event.type for event in await story.told_of(organization_id)] == ["publisher.account.connected.v1"]


async def test_all_pages_that_the_member_administers_are_connected(story: Story) -> None:
    pages = {"5000001": "ADMINISTRATOR", "5000002": "ADMINISTRATOR", "5000003": "ANALYST"}
    await story.linkedin.http.post("/linkedin/control/pages", json={"id": "5000002", "name": "Second"})
    await story.linkedin.http.post("/linkedin/control/people", json={"id": "ann", "name": "Ann", "pages": pages})
    client = story.client(new_id())
    await story.connect(client, "organization")
    names = [each["name"] for each in (await client.get(PATH)).json()["items"]]
    assert sorted(names) == ["Example Bakery", "Second"]


async def test_somebody_without_a_page_is_told_so(story: Story) -> None:
    client = story.client(new_id())
    assert problem(await client.get(await story.consent(client, "organization", approve="bob"))) == "no-page"


@pytest.mark.parametrize("denied", ["login", "authorize"])
async def test_a_person_who_declines_is_brought_back(story: Story, denied: str) -> None:
    client = story.client(new_id())
    assert problem(await client.get(await story.consent(client, deny=denied))) == "cancelled"
    assert (await client.get(PATH)).json()["items"] == []


async def test_a_state_is_good_once(story: Story) -> None:
    client = story.client(new_id())
    back = await story.consent(client)
    cookies = dict(client.cookies)
    assert problem(await client.get(back)) is None
    client.cookies.update(cookies)
    assert problem(await client.get(back)) == "state-unknown"
    assert len(await story.linkedin.calls("/accessToken")) == 1


async def test_a_state_that_another_browser_brings_is_worth_nothing(story: Story) -> None:
    """Somebody begins, and has another person consent: that person's account must not become theirs."""
    attacker, victim = story.client(new_id()), story.client(None)
    back = await story.consent(attacker)
    assert problem(await victim.get(back)) == "other-browser"
    assert problem(await attacker.get(back)) == "state-unknown"
    assert await story.linkedin.calls("/accessToken") == []


async def test_a_state_ends_after_ten_minutes(story: Story) -> None:
    client = story.client(new_id())
    back = await story.consent(client)
    await story.forward(minutes=10, seconds=1)
    assert problem(await client.get(back)) == "expired"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=",
        "code=abc",
        "state=guessed&code=abc",
        "state=%00&code=%00",
        "state=%ED%A0%80&code=x",
        f"state={'a' * 4000}&code=b",
        "state=<script>&error=<script>&error_description=<script>",
        "state=a&state=b",
    ],
)
async def test_what_a_stranger_sends_is_neither_believed_nor_repeated(story: Story, query: str) -> None:
    answer = await story.client(None).get(f"{CALLBACK}?{query}")
    if answer.status_code == 422:
        assert "script" not in answer.text
        return
    assert problem(answer) == "state-unknown"


async def test_a_state_with_a_tampered_code_connects_nothing(story: Story) -> None:
    client = story.client(new_id())
    back = await story.consent(client)
    assert problem(await client.get(back.replace("code=", "code=x"))) == "code-refused"
    assert (await client.get(PATH)).json()["items"] == []


async def test_when_the_answer_to_the_code_is_lost_the_person_connects_again(story: Story) -> None:
    client = story.client(new_id())
    await story.linkedin.fails({"kind": "drop_after_effect", "match": TOKEN, "times": 1})
    assert problem(await client.get(await story.consent(client))) == "answer-lost"
    assert len(await story.linkedin.calls("/accessToken")) == 1
    await story.connect(client, "member")


async def test_connecting_again_keeps_the_account(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    first = await story.connect(client, "member")
    await story.linkedin.set_app(refresh_tokens=False)
    assert await story.connect(client, "member") == first
    (account,) = (await client.get(PATH)).json()["items"]
    assert (account["id"], account["version"], account["health"]) == (first, 2, "connected")
    async with story.database.transaction(organization_id) as tx:
        assert await tx.fetchval("SELECT refresh_token IS NOT NULL FROM connected_accounts")


async def test_a_refresh_token_that_has_ended_does_not_make_people_reconnect_for_ever(story: Story) -> None:
    client = story.client(organization_id := new_id())
    account_id = await story.connect(client, "member")
    await story.forward(days=400)
    (account,) = (await client.get(PATH)).json()["items"]
    assert account["health"] == "reconnect_needed"
    await story.linkedin.set_app(refresh_tokens=False)
    assert await story.connect(client, "member") == account_id
    (account,) = (await client.get(PATH)).json()["items"]
    assert account["health"] == "connected"
    async with story.database.transaction(organization_id) as tx:
        assert await tx.fetchval("SELECT refresh_token IS NULL FROM connected_accounts")


async def test_two_organizations_may_connect_the_same_account_and_see_their_own(story: Story) -> None:
    ours, theirs = story.client(new_id()), story.client(new_id())
    mine, other = await story.connect(ours, "member"), await story.connect(theirs, "member")
    assert mine != other
    assert (await theirs.get(f"{PATH}/{mine}")).status_code == 404
    assert (await theirs.delete(f"{PATH}/{mine}")).status_code == 404
    assert [each["id"] for each in (await theirs.get(PATH)).json()["items"]] == [other]


async def test_a_disconnected_account_is_gone_until_it_is_connected_again(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    account_id = await story.connect(client, "member")
    answer = await client.delete(f"{PATH}/{account_id}")
    assert (answer.status_code, answer.json()) == (200, {"id": account_id, "waiting": 0})
    assert (await client.get(f"{PATH}/{account_id}")).status_code == 404
    assert (await client.delete(f"{PATH}/{account_id}")).status_code == 404
    async with story.database.transaction(organization_id) as tx:
        row = await tx.fetchrow("SELECT access_token, refresh_token FROM connected_accounts")
    assert row is not None
    assert (row["access_token"], row["refresh_token"]) == (None, None)
    assert await story.connect(client, "member") == account_id


@pytest.mark.parametrize("role", ["editor", "approver", "agent", "analyst", "client", "provider", "navigator"])
async def test_only_those_who_run_the_organization_connect_accounts(story: Story, role: str) -> None:
    client = story.client(new_id(), role)
    asked = await client.post(PATH, json={"platform": "linkedin", "what": "member"})
    assert asked.status_code == 403
    assert (await client.delete(f"{PATH}/{new_id()}")).status_code == 403


async def test_tokens_are_nowhere_in_plain(story: Story) -> None:
    organization_id = new_id()
    await story.connect(story.client(organization_id), "member")
    tokens = (await story.linkedin.http.get("/linkedin/control/tokens")).json()
    secrets = [each[name] for each in tokens for name in ("access_token", "refresh_token")]
    assert secrets
    async with story.database.transaction(organization_id) as tx:
        dumped = ""
        for table in ("connected_accounts", "connections", "ledger_entries", "ledger_attempts"):
            rows = await tx.fetch(f"SELECT row_to_json(one)::text AS whole FROM {table} AS one")
            dumped += "".join(row["whole"] for row in rows)
    for secret in secrets:
        assert secret not in dumped
        assert secret.encode().hex() not in dumped
