"""What Stripe says when it refuses: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes."""

from typing import Any, Final

from starlette.responses import Response

from sandbox.json import write

DOCS: Final = "https://stripe.com/docs/error-codes/"


class Refusal(Exception):
    """Stripe does not do what was asked.

    `remembered` is whether an idempotency key replays it: what was refused before anything began is not.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        remembered: bool = True,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.code, self.param = status, kind, code, param
        self.remembered = remembered
        self.headers = headers or {}
        self.more = more

    def error(self, log_url: str) -> dict[str, Any]:
        """The error object as it is answered; null members are left out, as Stripe does."""
        found = {
            "code": self.code,
            "doc_url": DOCS + self.code.replace("_", "-") if self.code else None,
            "message": str(self),
            "param": self.param,
            "request_log_url": log_url,
            "type": self.kind,
            **self.more,
        }
        return {name: value for name, value in found.items() if value is not None}

    def answer(self, log_url: str) -> Response:
        """The whole answer, without the headers that every answer has."""
        body = write({"error": self.error(log_url)})
        return Response(body, self.status, headers=self.headers, media_type="application/json")


def invalid(message: str, param: str | None = None, code: str | None = None, **more: Any) -> Refusal:
    """A request that cannot be done, found before anything began."""
    return Refusal(400, message, code=code, param=param, remembered=False, **more)


def missing(param: str) -> Refusal:
    """A parameter that must be there is not."""
    return invalid(f"Missing required param: {param}.", param, "parameter_missing")


def unknown(param: str, meant: str | None = None) -> Refusal:
    """A parameter that this operation does not have."""
    hint = f". Did you mean {meant}?" if meant else ""
    return invalid(f"Received unknown parameter: {param}{hint}", param, "parameter_unknown")


def no_such(what: str, identifier: str, param: str = "id", status: int = 404) -> Refusal:
    """There is no object of that id; 400 where a parameter names it, 404 where the path does."""
    message = f"No such {what}: '{identifier}'"
    return Refusal(status, message, code="resource_missing", param=param, remembered=False)


def unrecognized(method: str, path: str) -> Refusal:
    """There is nothing at that path."""
    return Refusal(
        404,
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/.",
        remembered=False,
    )


def no_key() -> Refusal:
    """No key came with the request."""
    return Refusal(
        401,
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer "
        "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for "
        "details, or we can help at https://support.stripe.com/.",
        remembered=False,
        headers={"WWW-Authenticate": 'Bearer realm="Stripe"'},
    )


def wrong_key(key: str) -> Refusal:
    """A key that is none; all but its ends is hidden."""
    shown = f"{key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
    return Refusal(
        401,
        f"Invalid API Key provided: {shown}",
        remembered=False,
        headers={"WWW-Authenticate": 'Bearer realm="Stripe"'},
    )


def publishable_key() -> Refusal:
    """A key for browsers, used where the secret one belongs."""
    return Refusal(
        403,
        "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list "
        "of your API keys at https://dashboard.stripe.com/account/apikeys.",
        code="secret_key_required",
        remembered=False,
    )


def expired_key(key: str) -> Refusal:
    """A key that was rolled."""
    return Refusal(401, f"Expired API Key provided: {key[:8]}***{key[-4:]}", code="api_key_expired", remembered=False)


def rate_limited() -> Refusal:
    """More calls than the account may make."""
    return Refusal(
        429,
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        code="rate_limit",
        remembered=False,
        headers={"Stripe-Rate-Limited-Reason": "global-rate", "Retry-After": "1"},
    )


def locked() -> Refusal:
    """Another call holds the object."""
    return Refusal(
        429,
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request. If you see this error frequently and "
        "are making multiple concurrent requests to a single object, make your requests serially or at a lower rate.",
        code="lock_timeout",
        remembered=False,
    )


def not_a_form() -> Refusal:
    """A body of another kind than Stripe's first API takes."""
    return invalid(
        "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any "
        "questions, we can help at https://support.stripe.com/."
    )


def other_parameters(key: str) -> Refusal:
    """The key was used for another request."""
    return Refusal(
        400,
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using "
        f"a key other than '{key}' if you meant to execute a different request.",
        kind="idempotency_error",
        remembered=False,
    )


def key_in_use(key: str) -> Refusal:
    """The first request with the key is still on its way."""
    return Refusal(
        409,
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again later.",
        kind="idempotency_error",
        code="idempotency_key_in_use",
        remembered=False,
    )


def broken() -> Refusal:
    """Something went wrong at Stripe's end, after it had begun."""
    return Refusal(
        500,
        "Sorry! There was an error while talking to one of our backends. Support has been notified.",
        kind="api_error",
    )
