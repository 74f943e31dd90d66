from collections.abc import Awaitable, Callable

import httpx
import pytest

from .business_on_whatsapp import ACCOUNT, BEARER, CONTROL, GRAPH, NUMBER, Business, code, message

Faults = Callable[..., Awaitable[None]]
PICTURE = b"\x89PNG\r\n--boundary\r\n\r\n\x00\xff"


@pytest.fixture
def business(http: httpx.AsyncClient) -> Business:
    return Business(http)


async def upload(
    business: Business, content: bytes = PICTURE, mime: str = "image/png", number: str = NUMBER
) -> httpx.Response:
    return await business.http.post(
        f"{GRAPH}/{number}/media",
        files={"file": ("a", content, mime)},
        data={"messaging_product": "whatsapp"},
        headers=BEARER,
    )


async def test_a_number_says_what_it_is(business: Business) -> None:
    node = (await business.get(NUMBER)).json()
    assert (node["id"], node["display_phone_number"], node["verified_name"]) == (
        NUMBER,
        "15550783881",
        "Example Bakery",
    )
    assert (await business.get(NUMBER, fields="quality_rating")).json() == {"id": NUMBER, "quality_rating": "GREEN"}
    assert (await business.get(ACCOUNT)).json()["id"] == ACCOUNT


async def test_an_account_lists_its_numbers(business: Business) -> None:
    await business.number(id="100000000000002", waba_id="200000000000002")
    await business.number(id="100000000000003")
    data = (await business.get(f"{ACCOUNT}/phone_numbers")).json()["data"]
    assert [node["id"] for node in data] == [NUMBER, "100000000000003"]


async def test_templates_are_listed_page_by_page(business: Business) -> None:
    seen: list[str] = []
    query = {"limit": "1"}
    while True:
        page = (await business.get(f"{ACCOUNT}/message_templates", **query)).json()
        seen += [template["name"] for template in page["data"]]
        if "next" not in page["paging"]:
            break
        query["after"] = page["paging"]["cursors"]["after"]
    assert seen == ["hello_world", "order_update"]
    found = (await business.get(f"{ACCOUNT}/message_templates", name="order_update", status="APPROVED")).json()
    assert [(one["name"], one["language"], one["category"]) for one in found["data"]] == [
        ("order_update", "en_US", "UTILITY")
    ]
    assert (await business.get(f"{ACCOUNT}/message_templates", status="PAUSED")).json() == {"data": []}


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "x"}, {"limit": "9" * 40}, {"after": "%%"}, {"after": "eA=="}]
)
async def test_a_page_that_makes_no_sense_is_refused(business: Business, query: dict[str, str]) -> None:
    assert code(await business.get(f"{ACCOUNT}/message_templates", **query)) == 100


async def test_a_template_is_asked_for_decided_and_deleted(business: Business) -> None:
    path = f"{GRAPH}/{ACCOUNT}/message_templates"
    asked = {
        "name": "sale",
        "language": "de",
        "category": "MARKETING",
        "components": [{"type": "BODY", "text": "Hi"}],
    }
    created = (await business.http.post(path, json=asked, headers=BEARER)).json()
    assert (created["status"], created["category"]) == ("PENDING", "MARKETING")
    assert code(await business.http.post(path, json=asked, headers=BEARER)) == 100
    assert code(await business.http.post(path, json={"name": "Not Good"}, headers=BEARER)) == 100

    decided = (await business.http.post(f"{CONTROL}/templates", json=asked | {"status": "APPROVED"})).json()
    assert decided["id"] == created["id"]
    await business.person()
    await business.sent(message("template", {"name": "sale", "language": {"code": "de"}}))

    deleted = await business.http.delete(path, params={"name": "sale"}, headers=BEARER)
    assert deleted.json() == {"success": True}
    assert code(await business.http.delete(path, params={"name": "sale"}, headers=BEARER)) == 100


async def test_a_file_is_uploaded_fetched_sent_and_deleted(business: Business) -> None:
    media = (await upload(business)).json()["id"]
    node = (await business.get(media)).json()
    assert (node["mime_type"], node["file_size"], node["id"]) == ("image/png", len(PICTURE), media)
    assert (await business.http.get(node["url"], headers=BEARER)).content == PICTURE
    await business.person()
    await business.sent(message("image", {"id": media}))

    assert code(await business.get(media, phone_number_id="5")) == 100
    assert (await business.http.delete(f"{GRAPH}/{media}", headers=BEARER)).json() == {"success": True}
    assert code(await business.get(media)) == 100
    assert (await business.http.get(node["url"], headers=BEARER)).status_code == 404
    assert code(await business.http.delete(f"{GRAPH}/{media}", headers=BEARER)) == 100


async def test_an_address_of_a_file_needs_the_token_and_expires(business: Business) -> None:
    media = (await upload(business)).json()["id"]
    url = (await business.get(media)).json()["url"]
    assert code(await business.http.get(url)) == 104
    for spoiled in (url.replace("hash=", "hash=0"), url.replace("ext=", "ext=9"), url.split("&")[0], url + "\u00e9"):
        assert (await business.http.get(spoiled, headers=BEARER)).status_code == 404

    await business.http.put(f"{CONTROL}/app", json={"media_url_seconds": 0})
    late = (await business.get(media)).json()["url"]
    assert (await business.http.get(late, headers=BEARER)).status_code == 404


@pytest.mark.parametrize(
    ("content", "mime", "expected"),
    [
        (b"x", "application/x-msdownload", 100),
        (b"", "image/png", 100),
        (b"x" * (5 * 1024 * 1024 + 1), "image/jpeg", 131053),
        (b"x" * (500 * 1024 + 1), "image/webp", 131053),
    ],
)
async def test_a_file_that_whatsapp_does_not_take(
    business: Business, content: bytes, mime: str, expected: int
) -> None:
    assert code(await upload(business, content, mime)) == expected


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="messaging_product"\r\n\r\nx',
        ),
        ("multipart/form-data; boundary=b", b"\xff" * 1000),
        ("application/json", b'{"messaging_product": "whatsapp"}'),
    ],
)
async def test_a_form_that_is_none_is_an_error_of_the_caller(
    business: Business, content_type: str, body: bytes
) -> None:
    headers = BEARER | {"Content-Type": content_type}
    refused = await business.http.post(f"{GRAPH}/{NUMBER}/media", content=body, headers=headers)
    assert (refused.status_code, code(refused)) == (400, 100)


async def test_an_upload_can_stay_invisible_for_a_while(business: Business, faults: Faults) -> None:
    await faults("whatsapp", {"kind": "visible_after", "seconds": 3600, "times": 1})
    media = (await upload(business)).json()["id"]
    assert code(await business.get(media)) == 100


async def test_an_app_subscribes_to_an_account(business: Business) -> None:
    path = f"{GRAPH}/{ACCOUNT}/subscribed_apps"
    assert (await business.http.get(path, headers=BEARER)).json() == {"data": []}
    assert (await business.http.post(path, headers=BEARER)).json() == {"success": True}
    assert len((await business.http.get(path, headers=BEARER)).json()["data"]) == 1
    await business.http.delete(path, headers=BEARER)
    assert (await business.http.get(path, headers=BEARER)).json() == {"data": []}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/whatsapp/graph/latest/{NUMBER}", 2500),
        (f"{GRAPH}/{NUMBER}/nonsense", 2500),
        (f"{GRAPH}/5", 100),
        (f"{GRAPH}/5/phone_numbers", 100),
        (f"{GRAPH}/%FF", 100),
        (f"{GRAPH}/{NUMBER}/messages", 2500),
    ],
)
async def test_what_is_not_there_is_an_error_of_metas(business: Business, path: str, expected: int) -> None:
    assert code(await business.http.get(path, headers=BEARER)) == expected


async def test_a_token_may_stand_in_the_query(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"{GRAPH}/{NUMBER}", params={"access_token": "sandbox-whatsapp-token"})
    assert answer.status_code == 200
