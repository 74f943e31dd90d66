"""Templates at the sandbox's WhatsApp: refused at once, reviewed, paused, recategorised; samples are uploaded."""

from typing import Any

import httpx
import pytest

from .business_on_whatsapp import ACCOUNT, BEARER, CONTROL, GRAPH, Business

PATH = f"{GRAPH}/{ACCOUNT}/message_templates"
BODY = {"type": "BODY", "text": "Hello {{1}}, your order is on its way.", "example": {"body_text": [["Anna"]]}}


@pytest.fixture
def business(http: httpx.AsyncClient) -> Business:
    return Business(http)


async def ask(business: Business, **more: Any) -> httpx.Response:
    body = {"name": "on_its_way", "language": "en_US", "category": "UTILITY", "components": [BODY], **more}
    return await business.http.post(PATH, json=body, headers=BEARER)


async def there(business: Business, name: str = "on_its_way") -> dict[str, Any]:
    answer = await business.http.get(PATH, params={"name": name}, headers=BEARER)
    (found,) = answer.json()["data"]
    one: dict[str, Any] = found
    return one


async def review(business: Business, **how: Any) -> None:
    assert (await business.http.put(f"{CONTROL}/review", json=how)).status_code == 200


def subcode(answer: httpx.Response) -> int:
    assert answer.status_code >= 400, answer.text
    error = answer.json()["error"]
    found: int = error.get("error_subcode", error["code"])
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{{1}} is here for you today.", 2388299), ("Hello {{1}} now", 2388293), ("x" * 1025, 2388040)],
)
async def test_what_breaks_a_rule_is_refused_with_its_code(business: Business, text: str, expected: int) -> None:
    assert subcode(await ask(business, components=[{**BODY, "text": text}])) == expected


async def test_samples_must_be_there_and_a_name_is_taken_once(business: Business) -> None:
    assert subcode(await ask(business, components=[{"type": "BODY", "text": BODY["text"]}])) == 2388043
    assert (await ask(business)).json()["status"] == "PENDING"
    assert subcode(await ask(business)) == 2388024


async def test_a_review_decides_at_once_when_told_so(business: Business) -> None:
    await review(business, after=0, verdict="REJECTED", reason="INVALID_FORMAT")
    await ask(business)
    for _ in range(100):
        if (found := await there(business))["status"] != "PENDING":
            break
    assert (found["status"], found["rejected_reason"]) == ("REJECTED", "INVALID_FORMAT")


async def test_only_so_many_are_created_in_an_hour_and_changed_in_a_day(business: Business) -> None:
    await review(business, creations_per_hour=2)
    answers = [await ask(business, name=f"made_{number}") for number in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert subcode(answers[2]) == 80008
    made = answers[0].json()["id"]
    changed = {"components": [{**BODY, "text": "Good day {{1}}, your order is on its way."}]}
    refused = await business.http.post(f"{GRAPH}/{made}", json=changed, headers=BEARER)
    assert subcode(refused) == 2388025
    for expected in (200, 429):
        await business.http.post(f"{CONTROL}/templates/{made}/decide", json={"event": "APPROVED"})
        answer = await business.http.post(f"{GRAPH}/{made}", json=changed, headers=BEARER)
        assert answer.status_code == expected
    assert (await there(business, "made_0"))["components"] == changed["components"]


async def test_quality_and_category_change_and_a_pause_stops_sending(business: Business) -> None:
    made = (await ask(business)).json()["id"]
    decide = f"{CONTROL}/templates/{made}/decide"
    await business.http.post(decide, json={"event": "APPROVED", "quality": "YELLOW", "category": "MARKETING"})
    found = await there(business)
    assert (found["status"], found["category"], found["quality_score"]["score"]) == (
        "APPROVED",
        "MARKETING",
        "YELLOW",
    )
    await business.http.post(decide, json={"event": "PAUSED", "title": "FIRST_PAUSE"})
    template = {"name": "on_its_way", "language": {"code": "en_US"}}
    message = {"messaging_product": "whatsapp", "to": "16505551234", "type": "template", "template": template}
    assert (await business.send(message)).json()["error"]["code"] == 132015


async def test_one_language_is_deleted_by_its_id(business: Business) -> None:
    made = (await ask(business)).json()["id"]
    await ask(business, language="de")
    gone = await business.http.delete(PATH, params={"name": "on_its_way", "hsm_id": made}, headers=BEARER)
    assert gone.json() == {"success": True}
    assert (await there(business))["language"] == "de"


async def test_a_sample_is_uploaded_in_a_session_and_from_its_offset_on(business: Business) -> None:
    asked = {"file_length": "6", "file_type": "image/png"}
    session = (await business.http.post(f"{GRAPH}/app/uploads", params=asked, headers=BEARER)).json()["id"]
    path, half = f"{GRAPH}/{session}", b"abc"
    first = await business.http.post(path, content=half, headers={**BEARER, "file_offset": "0"})
    assert first.json()["file_offset"] == 3
    assert (await business.http.get(path, headers=BEARER)).json()["file_offset"] == 3
    wrong = await business.http.post(path, content=half, headers={**BEARER, "file_offset": "0"})
    assert wrong.status_code == 400
    done = await business.http.post(path, content=half, headers={**BEARER, "file_offset": "3"})
    assert done.json()["h"].startswith("4::")
    unknown = {"file_length": "6", "file_type": "text/html"}
    assert (await business.http.post(f"{GRAPH}/app/uploads", params=unknown, headers=BEARER)).status_code == 400
