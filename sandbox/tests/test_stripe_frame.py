import asyncio
from base64 import b64encode
from typing import Any

import httpx
import pytest
import stripe

from .conftest import Faults
from .stripe_account import KEY, VERSION, sdk

BEARER = {"authorization": f"Bearer {KEY}"}
URL = "/stripe/v1/customers"


async def post(http: httpx.AsyncClient, path: str, form: str = "", **headers: str) -> httpx.Response:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return await http.post(f"/stripe{path}", content=form, headers={**BEARER, **kind, **headers})


def error(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    return found


async def test_the_key_may_come_as_bearer_or_as_basic_and_nothing_else_lets_in(http: httpx.AsyncClient) -> None:
    basic = b64encode(f"{KEY}:".encode()).decode()
    for right in (f"Bearer {KEY}", f"Basic {basic}"):
        assert (await http.get(URL, headers={"authorization": right})).status_code == 200
    for wrong, said in (
        ("", "You did not provide an API key"),
        ("Bearer sk_test_other_key", "Invalid API Key provided: sk_"),
    ):
        answer = await http.get(URL, headers={"authorization": wrong})
        assert (answer.status_code, error(answer)["type"]) == (401, "invalid_request_error")
        assert error(answer)["message"].startswith(said)
    browser = await http.get(URL, headers={"authorization": "Bearer pk_test_x"})
    assert (browser.status_code, error(browser)["code"]) == (403, "secret_key_required")


async def test_every_answer_names_its_request_and_the_version(http: httpx.AsyncClient) -> None:
    first = await http.get(URL, headers={**BEARER, "stripe-version": VERSION})
    assert first.headers["request-id"].startswith("req_")
    assert first.headers["stripe-version"] == VERSION
    refused = await http.get(f"{URL}/cus_none", headers=BEARER)
    assert refused.headers["request-id"] in error(refused)["request_log_url"]
    assert (await http.get(URL, headers={**BEARER, "stripe-version": "newest"})).status_code == 400


@pytest.mark.parametrize(
    ("path", "form", "code", "param"),
    [
        ("/v1/customers", "nmae=Ann", "parameter_unknown", "nmae"),
        ("/v1/customers", "address[town]=X", "parameter_unknown", "address[town]"),
        ("/v1/products", "", "parameter_missing", "name"),
        ("/v1/products", "name=", "parameter_invalid_empty", "name"),
        ("/v1/prices", "currency=eur&unit_amount=1.5&product=x", "parameter_invalid_integer", "unit_amount"),
        ("/v1/prices", "currency=eur&unit_amount=5&product=none", "resource_missing", "product"),
        ("/v1/prices", "currency=eur&product_data[name]=A&recurring[interval]=moon", None, "recurring[interval]"),
        ("/v1/products", "name=A&shippable=maybe", None, "shippable"),
        ("/v1/customers", "metadata[k]=" + "x" * 501, None, "metadata[k]"),
        ("/v1/customers", "&".join(f"metadata[k{i}]=x" for i in range(51)), None, "metadata"),
        ("/v1/customers", "email=a@b&email[x]=1", None, "email"),
        ("/v1/customers", "preferred_locales=de", None, "preferred_locales"),
    ],
)
async def test_what_cannot_be_is_refused_with_code_and_parameter(
    http: httpx.AsyncClient, path: str, form: str, code: str | None, param: str
) -> None:
    answer = await post(http, path, form)
    found = error(answer)
    assert (answer.status_code, found["type"]) == (400, "invalid_request_error")
    assert (found.get("code"), found["param"]) == (code, param)
    if code:
        assert found["doc_url"] == f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"


async def test_a_body_of_json_is_refused_and_a_path_that_is_none_is_unknown(http: httpx.AsyncClient) -> None:
    answer = await http.post(URL, json={"name": "Ann"}, headers=BEARER)
    assert answer.status_code == 400
    assert "application/x-www-form-urlencoded" in error(answer)["message"]
    nowhere = await http.get("/stripe/v1/nowhere", headers=BEARER)
    assert nowhere.status_code == 404
    assert error(nowhere)["message"].startswith("Unrecognized request URL (GET: /v1/nowhere)")
    missing = await http.get(f"{URL}/cus_none", headers=BEARER)
    assert (missing.status_code, error(missing)["code"]) == (404, "resource_missing")
    assert error(missing)["message"] == "No such customer: 'cus_none'"


async def test_a_form_is_read_however_lists_are_written_and_an_empty_text_unsets(http: httpx.AsyncClient) -> None:
    made = (await post(http, "/v1/customers", "name=Ann+B&preferred_locales[]=de&preferred_locales[]=en")).json()
    assert (made["name"], made["preferred_locales"]) == ("Ann B", ["de", "en"])
    form = "name=&preferred_locales[1]=x&preferred_locales[0]=y&address[city]=K%C3%B6ln"
    changed = (await post(http, f"/v1/customers/{made['id']}", form)).json()
    assert (changed["name"], changed["preferred_locales"]) == (None, ["y", "x"])
    assert changed["address"] == {
        **dict.fromkeys(["country", "line1", "line2", "postal_code", "state"]),
        "city": "Köln",
    }
    assert (await post(http, f"/v1/customers/{made['id']}", "address=")).json()["address"] is None


async def test_metadata_is_merged_by_key_and_removed_by_emptiness(http: httpx.AsyncClient) -> None:
    made = (await post(http, "/v1/customers", "metadata[a]=1&metadata[b]=2")).json()
    path = f"/v1/customers/{made['id']}"
    assert (await post(http, path, "metadata[a]=&metadata[c]=3")).json()["metadata"] == {"b": "2", "c": "3"}
    assert (await post(http, path, "metadata=")).json()["metadata"] == {}


async def test_a_key_replays_the_first_answer_and_belongs_to_one_request(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = await post(http, "/v1/customers", "name=Ann", **key)
    again = await post(http, "/v1/customers", "name=Ann", **key)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert again.headers["original-request"] == first.headers["request-id"] != again.headers["request-id"]
    assert "idempotent-replayed" not in first.headers
    other = await post(http, "/v1/customers", "name=Bob", **key)
    assert (other.status_code, error(other)["type"]) == (400, "idempotency_error")
    elsewhere = await post(http, "/v1/products", "name=Ann", **key)
    assert error(elsewhere)["type"] == "idempotency_error"
    assert len((await http.get(URL, headers=BEARER)).json()["data"]) == 1
    assert (await post(http, "/v1/customers", "name=Ann", **{"Idempotency-Key": "k" * 256})).status_code == 400


async def test_nothing_is_kept_under_a_key_when_nothing_began(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "order-2"}
    assert (await post(http, "/v1/customers", "nmae=Ann", **key)).status_code == 400
    assert (await post(http, "/v1/customers", "name=Ann", **key)).status_code == 200


@pytest.mark.parametrize(("effect", "customers"), [("before", 0), ("after", 1)])
async def test_a_key_replays_an_error_of_stripes_own_too(
    http: httpx.AsyncClient, effect: str, customers: int
) -> None:
    broken = {"path": "/v1/customers", "effect": effect, "times": 1}
    await http.put("/stripe/control/account", json={"breaks": [broken]})
    key = {"Idempotency-Key": "order-3"}
    first = await post(http, "/v1/customers", "name=Ann", **key)
    again = await post(http, "/v1/customers", "name=Ann", **key)
    assert (first.status_code, error(first)["type"]) == (500, "api_error")
    assert (again.status_code, again.content, again.headers["idempotent-replayed"]) == (500, first.content, "true")
    assert len((await http.get(URL, headers=BEARER)).json()["data"]) == customers


async def test_a_key_whose_request_is_under_way_is_in_use(http: httpx.AsyncClient) -> None:
    await http.put("/stripe/control/account", json={"seconds_per_write": 0.3})
    key = {"Idempotency-Key": "order-4"}
    answers = await asyncio.gather(*(post(http, "/v1/customers", "name=Ann", **key) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert {error(one)["code"] for one in answers if one.status_code == 409} == {"idempotency_key_in_use"}
    assert (await post(http, "/v1/customers", "name=Ann", **key)).headers["idempotent-replayed"] == "true"


async def test_two_writes_to_one_object_wait_for_each_other_or_give_up(http: httpx.AsyncClient) -> None:
    made = (await post(http, "/v1/customers", "name=Ann")).json()
    await http.put("/stripe/control/account", json={"seconds_per_write": 0.4, "lock_seconds": 0.1})
    path = f"/v1/customers/{made['id']}"
    answers = await asyncio.gather(*(post(http, path, f"name={name}") for name in ("Bea", "Cem")))
    assert sorted(answer.status_code for answer in answers) == [200, 429]
    assert [error(one)["code"] for one in answers if one.status_code == 429] == ["lock_timeout"]


async def test_a_key_is_forgotten_after_a_day(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "order-5"}
    first = (await post(http, "/v1/customers", "name=Ann", **key)).json()
    await http.put("/stripe/control/account", json={"ahead_seconds": 86_401})
    assert (await post(http, "/v1/customers", "name=Ann", **key)).json()["id"] != first["id"]


async def test_an_answer_that_was_cut_off_is_found_by_the_key(http: httpx.AsyncClient, faults: Faults) -> None:
    await faults("stripe", {"kind": "drop_after_effect", "match": {"path": "/stripe/v1/customers"}, "times": 1})
    async with sdk(http) as client:
        options: Any = {"idempotency_key": "order-6"}
        with pytest.raises(stripe.APIConnectionError):
            await client.v1.customers.create_async({"name": "Ann"}, options)
        made = await client.v1.customers.create_async({"name": "Ann"}, options)
        assert [one.id for one in (await client.v1.customers.list_async()).data] == [made.id]


async def test_too_many_calls_are_refused_as_the_sdk_knows_it(http: httpx.AsyncClient) -> None:
    await http.put("/stripe/control/account", json={"per_second": 2})
    async with sdk(http) as client:
        results = await asyncio.gather(*(client.v1.customers.list_async() for _ in range(6)), return_exceptions=True)
        refused = [one for one in results if isinstance(one, stripe.RateLimitError)]
        assert refused
        body: Any = refused[0].json_body
        assert (refused[0].http_status, body["error"]["code"]) == (429, "rate_limit")


async def test_the_sdk_pages_forward_and_backward(http: httpx.AsyncClient) -> None:
    async with sdk(http) as client:
        made = [(await client.v1.customers.create_async({"name": str(i)})).id for i in range(7)]
        newest_first = made[::-1]
        first = await client.v1.customers.list_async({"limit": 3})
        assert ([one.id for one in first.data], first.has_more, first.url) == (
            newest_first[:3],
            True,
            "/v1/customers",
        )
        assert [one.id async for one in first.auto_paging_iter()] == newest_first
        before = await client.v1.customers.list_async({"limit": 2, "ending_before": newest_first[4]})
        assert ([one.id for one in before.data], before.has_more) == (newest_first[2:4], True)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.customers.list_async({"starting_after": "cus_none"})
        assert refused.value.code == "resource_missing"


async def test_lists_are_filtered_by_time_and_field(http: httpx.AsyncClient) -> None:
    async with sdk(http) as client:
        old = await client.v1.customers.create_async({"email": "a@example.org"})
        await http.put("/stripe/control/account", json={"ahead_seconds": 1_000})
        new = await client.v1.customers.create_async({"email": "b@example.org"})

        async def found(**params: Any) -> list[str]:
            asked: Any = params
            return [one.id for one in (await client.v1.customers.list_async(asked)).data]

        assert await found(created={"gt": old.created}) == [new.id]
        assert await found(created={"gte": old.created, "lt": new.created}) == [old.id]
        assert await found(created=new.created) == [new.id]
        assert await found(email="a@example.org") == [old.id]


async def test_a_search_finds_by_metadata_and_says_what_it_cannot_read(http: httpx.AsyncClient) -> None:
    async with sdk(http) as client:
        ann = await client.v1.customers.create_async({"name": "Ann Lee", "metadata": {"row_id": "r-1"}})
        bob = await client.v1.customers.create_async({"name": "Bob Lee", "metadata": {"row_id": "r-2", "kind": "x"}})

        async def found(query: str) -> list[str]:
            return [one.id for one in (await client.v1.customers.search_async({"query": query})).data]

        assert await found("metadata['row_id']:'r-1'") == [ann.id]
        assert await found('name~"lee" AND -metadata["row_id"]:"r-1"') == [bob.id]
        assert await found('metadata["row_id"]:"r-1" OR metadata["row_id"]:"r-2"') == [bob.id, ann.id]
        assert await found('-metadata["kind"]:null') == [bob.id]
        assert await found(f"created>={ann.created}") == [bob.id, ann.id]
        for query in ("nonsense", "shoe:'4'", "name:'a' AND name:'b' OR name:'c'"):
            with pytest.raises(stripe.InvalidRequestError):
                await found(query)
        first = await client.v1.customers.search_async({"query": "name~'lee'", "limit": 1})
        assert [one.id async for one in first.auto_paging_iter()] == [bob.id, ann.id]


async def test_what_is_accepted_may_become_visible_later(http: httpx.AsyncClient, faults: Faults) -> None:
    await faults("stripe", {"kind": "visible_after", "seconds": 1_000, "times": 1})
    made = (await post(http, "/v1/customers", "name=Ann")).json()
    assert (await http.get(f"{URL}/{made['id']}", headers=BEARER)).status_code == 404
    assert (await http.get(URL, headers=BEARER)).json()["data"] == []
