"""Numbers are connected with proof, belong to one organization, and say how they are."""

import asyncio
from typing import Any

from kit.ids import new_id

from .house import ACCOUNT, NUMBER, TOKEN, House

OTHERS = "200000000000002"


async def account_refused(house: House, number: str, account: str) -> str:
    """Connect in vain; what is said of the account."""
    answer = await house.connect(number, account=account)
    told = answer.json()
    assert (answer.status_code, told["type"]) == (409, "urn:rostrum:problem:number-refused"), answer.text
    ((pointer, detail),) = [(each["pointer"], each["detail"]) for each in told["errors"]]
    assert (pointer, detail) == ("#/waba_id", told["detail"])
    assert (await house.get("/v1/channels"))["items"] == []
    return str(detail)


async def pages_read(house: House) -> list[dict[str, Any]]:
    """With what the numbers of accounts were asked for, the first call first."""
    received = (await house.sandbox.get("/control/whatsapp/received", params={"limit": 50})).json()["items"]
    found = [each for each in received if each["path"].endswith("/phone_numbers")]
    return sorted(found, key=lambda each: str(each["at"]))


async def test_a_number_is_connected_when_whatsapp_lets_us_read_it(house: House) -> None:
    channel = await house.connected()
    assert (channel["phone_number_id"], channel["health"], channel["connected"]) == (NUMBER, "ok", True)
    assert channel["display_number"]
    assert (await house.get("/v1/channels"))["items"] == [channel]
    answer = await house.ask("GET", f"/v1/channels/{channel['id']}", headers={"if-none-match": '"v1"'})
    assert answer.status_code == 304
    assert TOKEN not in str(await house.rows("SELECT c::text, k::text FROM channels c, channel_checks k"))
    assert TOKEN not in str(channel)


async def test_a_token_that_whatsapp_refuses_connects_nothing(house: House) -> None:
    answer = await house.connect(token="not-the-right-token")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:number-refused")
    assert "not-the-right" not in answer.text
    answer = await house.connect("999999999999999")
    assert answer.status_code == 409
    assert (await house.get("/v1/channels"))["items"] == []


async def test_a_number_is_not_connected_under_the_account_of_somebody_else(house: House) -> None:
    own, victims = "100000000000002", new_id()
    await house.connected(by=victims)
    await house.number(own, OTHERS)
    assert await account_refused(house, own, ACCOUNT) == "This number is not in this WhatsApp business account."
    answer = await house.connect(own, account=OTHERS)
    assert (answer.status_code, answer.json()["waba_id"]) == (201, OTHERS)
    rows = await house.rows("SELECT organization_id FROM channel_organizations('{}', $1)", [ACCOUNT])
    assert [row["organization_id"] for row in rows] == [victims]


async def test_an_account_that_may_not_be_read_connects_nothing(house: House) -> None:
    unreadable = "WhatsApp does not let this token read this business account."
    assert await account_refused(house, NUMBER, "299999999999999") == unreadable
    path = f"/whatsapp/graph/v23.0/{ACCOUNT}/phone_numbers"
    denied = {"error": {"message": "(#200) Permission denied", "type": "OAuthException", "code": 200}}
    rule = {"kind": "refuse_before_effect", "status": 403, "body": denied, "match": {"path": path}, "times": 1}
    await house.faults(rule)
    assert await account_refused(house, NUMBER, ACCOUNT) == unreadable
    await house.faults(rule | {"status": 503, "body": None})
    assert (await house.connect()).status_code == 503
    assert (await house.connect()).status_code == 201


async def test_what_was_said_of_the_account_is_said_again_for_the_same_key(house: House) -> None:
    headers = house.headers() | {"idempotency-key": "one"}
    answers = [await house.connect(account=OTHERS, headers=headers) for _ in range(2)]
    assert answers[0].json()["errors"] == answers[1].json()["errors"]
    assert len(await pages_read(house)) == 1


async def test_a_number_is_found_on_a_later_page_of_its_account(house: House) -> None:
    others, last, foreign = [f"3000000000{each:05}" for each in range(100)], "400000000000001", "500000000000001"
    await asyncio.gather(*(house.number(each) for each in others))
    await house.number(last)
    await house.number(foreign, OTHERS)
    await account_refused(house, foreign, ACCOUNT)
    assert (await house.connect(last)).status_code == 201
    pages = await pages_read(house)
    assert {each["path"] for each in pages} == {f"/whatsapp/graph/v23.0/{ACCOUNT}/phone_numbers"}
    assert len(pages) == 5  # nobody else's: two pages and the empty one; ours: two pages


async def test_a_number_belongs_to_one_organization_and_nobody_learns_whose_it_is(house: House) -> None:
    await house.connected()
    other = new_id()
    answer = await house.connect(by=other)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:number-taken")
    assert str(house.organization_id) not in answer.text
    assert (await house.get("/v1/channels", by=other))["items"] == []
    (channel,) = (await house.get("/v1/channels"))["items"]
    await house.ask("DELETE", f"/v1/channels/{channel['id']}")
    assert (await house.connect(by=other)).status_code == 201
    answer = await house.connect()
    assert answer.json()["type"] == "urn:rostrum:problem:number-taken"


async def test_of_two_organizations_that_connect_a_number_at_once_one_has_it(house: House) -> None:
    answers = await asyncio.gather(house.connect(), house.connect(by=new_id()))
    assert sorted(each.status_code for each in answers) == [201, 409]


async def test_connecting_anew_renews_the_same_channel(house: House) -> None:
    first = await house.connected()
    again = (await house.connect(rate=40)).json()
    assert (again["id"], again["rate"], again["version"]) == (first["id"], 40, 2)
    answer = await house.ask("DELETE", f"/v1/channels/{first['id']}")
    assert answer.json()["connected"] is False
    assert (await house.ask("DELETE", f"/v1/channels/{first['id']}")).status_code == 404
    assert (await house.connected())["id"] == first["id"]
    names = await house.names_told()
    assert names == ["ChannelConnected", "ChannelConnected", "ChannelDisconnected", "ChannelConnected"]


async def test_while_whatsapp_is_away_nothing_is_connected_and_one_may_try_again(house: House) -> None:
    await house.faults({"kind": "refuse_before_effect", "status": 503, "times": 1})
    assert (await house.connect()).status_code == 503
    assert (await house.connect()).status_code == 201


async def test_the_same_key_connects_once(house: House) -> None:
    body = {"kind": "whatsapp", "phone_number_id": NUMBER, "waba_id": ACCOUNT, "access_token": TOKEN}
    headers = house.headers() | {"idempotency-key": "one"}
    answers = [await house.client.post("/v1/channels", json=body, headers=headers) for _ in range(2)]
    assert [(each.status_code, each.json()["version"]) for each in answers] == [(201, 1)] * 2


async def test_what_cannot_be_a_number_is_refused(house: House) -> None:
    changes: list[dict[str, Any]] = [
        {"kind": "pigeon"},
        {"phone_number_id": "../../me"},
        {"waba_id": ""},
        {"access_token": "x"},
        {"rate": 0},
        {"rate": 1001},
        {"extra": 1},
    ]
    for changed in changes:
        body = {"kind": "whatsapp", "phone_number_id": NUMBER, "waba_id": ACCOUNT, "access_token": TOKEN, **changed}
        answer = await house.ask("POST", "/v1/channels", json=body)
        assert answer.status_code == 422, changed
        assert TOKEN not in answer.text


async def test_only_those_who_answer_have_a_door(house: House) -> None:
    anything = new_id()
    for role in ("editor", "approver", "analyst", "client", "provider", "navigator"):
        for method, path in (
            ("GET", "/v1/channels"),
            ("GET", "/v1/contacts"),
            ("GET", "/v1/conversations"),
            ("GET", f"/v1/conversations/{anything}/messages"),
            ("GET", f"/v1/messages/{anything}"),
            ("GET", f"/v1/media/{anything}"),
            ("DELETE", f"/v1/channels/{anything}"),
        ):
            assert (await house.ask(method, path, role=role)).status_code == 403, (role, path)


async def test_agents_answer_but_do_not_connect(house: House) -> None:
    await house.connected()
    assert (await house.ask("GET", "/v1/channels", role="agent")).status_code == 200
    assert (await house.connect(role="agent")).status_code == 403
