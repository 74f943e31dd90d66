"""What Stripe's failures prove."""

import asyncio
from typing import Any

import httpx
import pytest
import stripe

from billing.stripe_api import Json, StripeApi, judged
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered
from kit.testing.programs import eventually

NOBODY = "http://127.0.0.1:1"


def answered(status: int, headers: dict[str, str] | None = None, **error: Any) -> stripe.StripeError:
    """The error that the SDK makes of an answer."""
    body = {"error": {"message": "Said by Stripe.", "type": "invalid_request_error", **error}}
    client = stripe.StripeClient("sk_test_1", http_client=stripe.HTTPXClient())
    with pytest.raises(stripe.StripeError) as told:
        client._requestor.handle_error_response(b"{}", status, body, headers or {}, "V1")
    return told.value


@pytest.mark.parametrize(
    ("status", "error", "proves", "code"),
    [
        (400, {"code": "parameter_missing"}, Refused, "parameter_missing"),
        (404, {"code": "resource_missing"}, Refused, "resource_missing"),
        (402, {"type": "card_error", "code": "card_declined", "decline_code": "lost_card"}, Refused, "lost_card"),
        (402, {"type": "card_error", "code": "expired_card"}, Refused, "expired_card"),
        (429, {"code": "rate_limit"}, NotAccepted, "rate_limit"),
        (429, {"code": "lock_timeout"}, NotAccepted, "lock_timeout"),
        (409, {"code": "idempotency_key_in_use", "type": "idempotency_error"}, NotAccepted, "idempotency_key_in_use"),
        (400, {"type": "idempotency_error"}, Unanswered, "idempotency"),
        (401, {}, Parked, "stripe-key"),
        (403, {}, Parked, "stripe-key"),
        (500, {"type": "api_error"}, Unanswered, "http-500"),
        (503, {"type": "api_error"}, Unanswered, "http-503"),
        (418, {}, Refused, "http-418"),
    ],
)
def test_each_answer_proves_what_its_documentation_says(
    status: int, error: dict[str, Any], proves: type[Exception], code: str
) -> None:
    told = judged(answered(status, **error))
    assert type(told) is proves
    assert told.code == code


@pytest.mark.parametrize(
    ("status", "proves"),
    [(429, NotAccepted), *((status, Unanswered) for status in (200, 400, 401, 403, 404, 409, 418, 500, 502, 503))],
)
@pytest.mark.parametrize("body", [{}, {"message": "Unavailable"}, [], None])
def test_a_status_without_stripes_error_is_somebody_elses_word(
    status: int, proves: type[Exception], body: Any
) -> None:
    """Of a proxy on the way, above all: what it refuses is not refused for good."""
    client = stripe.StripeClient("sk_test_1", http_client=stripe.HTTPXClient())
    with pytest.raises(stripe.StripeError) as told:
        client._requestor.handle_error_response(b"<html>", status, body, {}, "V1")
    judgement = judged(told.value)
    assert (type(judgement), judgement.code) == (proves, f"http-{status}")


def test_only_what_is_said_of_a_card_is_shown_to_people() -> None:
    assert judged(answered(402, type="card_error", code="card_declined")).reason == "Said by Stripe."
    for status in (400, 401, 429, 500):
        assert "Said by Stripe." not in judged(answered(status)).reason


def test_the_whole_lane_waits_for_a_limit_and_one_request_for_a_lock() -> None:
    limited = judged(answered(429, {"retry-after": "7"}, code="rate_limit"))
    locked = judged(answered(429, code="lock_timeout"))
    assert isinstance(limited, NotAccepted)
    assert isinstance(locked, NotAccepted)
    assert (limited.whole_lane, limited.retry_after) == (True, 7.0)
    assert (locked.whole_lane, locked.retry_after) == (False, None)


@pytest.mark.parametrize(
    ("cause", "proves"),
    [
        (httpx.ConnectError("no"), NotAccepted),
        (httpx.ConnectTimeout("no"), NotAccepted),
        (httpx.ReadTimeout("no"), Unanswered),
        (httpx.RemoteProtocolError("cut"), Unanswered),
    ],
)
def test_what_never_left_was_not_accepted_and_what_was_cut_off_may_have_been(
    cause: Exception, proves: type[Exception]
) -> None:
    trouble = stripe.APIConnectionError("no")  # type: ignore[no-untyped-call]
    trouble.__cause__ = cause
    assert type(judged(trouble)) is proves


async def test_without_a_key_nothing_is_asked() -> None:
    api = StripeApi("", NOBODY, "2026-08-26.dahlia")
    assert not api.on
    with pytest.raises(Parked):
        await api.get("/v1/customers")
    await api.close()


async def test_where_nobody_listens_nothing_was_accepted() -> None:
    api = StripeApi("sk_test_1", NOBODY, "2026-08-26.dahlia")
    try:
        with pytest.raises(NotAccepted):
            await api.post("/v1/customers", {}, key="one")
    finally:
        await api.close()


class Scripted(StripeApi):
    """Answers as it is told; remembers under which keys it was asked."""

    def __init__(self, *answers: Json | Exception) -> None:
        super().__init__("sk_test_1", NOBODY, "2026-08-26.dahlia")
        self.answers, self.keys = list(answers), list[str | None]()

    async def _ask(self, method: str, path: str, params: Json, key: str | None = None) -> Json:
        _ = (method, path, params)
        self.keys.append(key)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def for_good() -> Exception:
    return judged(answered(500, {"idempotent-replayed": "true"}))


async def test_a_failure_that_is_kept_under_the_key_is_looked_for_before_another_key_is_used() -> None:
    async def nothing() -> None:
        return None

    async def there() -> Json:
        return {"id": "cus_1"}

    api = Scripted(for_good(), {"id": "cus_2"})
    assert await api.make("/v1/customers", key="one", find=nothing) == {"id": "cus_2"}
    assert api.keys == ["one", "one.1"]
    api = Scripted(for_good())
    assert await api.make("/v1/customers", key="one", find=there) == {"id": "cus_1"}
    assert api.keys == ["one"]
    api = Scripted(*(for_good() for _ in range(3)))
    with pytest.raises(Unanswered):
        await api.make("/v1/customers", key="one", find=nothing)


async def test_a_failure_that_may_be_another_the_next_time_is_not_repeated_here() -> None:
    api = Scripted(judged(answered(500)))
    with pytest.raises(Unanswered):
        await api.post("/v1/customers", key="one")
    assert api.keys == ["one"]


class Slow(StripeApi):
    """Answers when it may; counts how much is asked at once."""

    def __init__(self) -> None:
        super().__init__("sk_test_1", NOBODY, "2026-08-26.dahlia")
        self.may, self.now, self.most = asyncio.Event(), 0, 0

    async def _sent(self, client: Any, method: str, path: str, given: Any) -> Json:
        _ = (client, method, given)
        self.now += 1
        self.most = max(self.most, self.now)
        await self.may.wait()
        self.now -= 1
        return {"id": path}


async def test_no_more_is_asked_at_once_than_there_are_connections_to_keep() -> None:
    api = Slow()
    asked = [asyncio.create_task(api.get(f"/v1/{number}")) for number in range(50)]
    await eventually(lambda: yes(api.now > 0), within=30)
    api.may.set()
    assert [each["id"] for each in await asyncio.gather(*asked)] == [f"/v1/{number}" for number in range(50)]
    assert api.most == 20
    await api.close()


async def yes(so: bool) -> bool:
    return so


async def test_a_list_is_read_page_by_page() -> None:
    pages = [{"data": [{"id": "b"}, {"id": "a"}], "has_more": True}, {"data": [{"id": "c"}], "has_more": False}]
    api = Scripted(*pages)
    assert [each["id"] async for each in api.pages("/v1/customers")] == ["b", "a", "c"]
