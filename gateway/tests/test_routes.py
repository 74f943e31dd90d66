import time
from typing import Any

import pytest

from gateway.problems import Refused
from gateway.routes import ROUTES, Route, RouteTable, checked_path

TABLE = RouteTable()


@pytest.mark.parametrize(
    ("method", "path", "upstream", "public"),
    [
        ("POST", "/v1/accounts", "auth", True),
        ("POST", "/v1/accounts/verify", "auth", True),
        ("POST", "/v1/accounts/verification-mails", "auth", True),
        ("GET", "/v1/accounts/verify", "auth", False),
        ("POST", "/v1/sessions", "auth", True),
        ("POST", "/v1/sessions/refresh", "auth", True),
        ("POST", "/v1/sessions/second-factor", "auth", True),
        ("POST", "/v1/sessions/second-factor/passkey-challenges", "auth", True),
        ("POST", "/v1/sessions/passkey-challenges", "auth", True),
        ("POST", "/v1/sessions/passkey", "auth", True),
        ("POST", "/v1/sessions/current/proofs", "auth", False),
        ("POST", "/v1/sessions/current/proofs/passkey-challenges", "auth", False),
        ("POST", "/v1/me/factors/totp", "auth", False),
        ("DELETE", "/v1/sessions/current", "auth", False),
        ("DELETE", "/v1/sessions", "auth", False),
        ("PATCH", "/v1/organizations/0190/members/0191", "auth", False),
        ("POST", "/v1/invitations/accept", "auth", False),
        ("POST", "/v1/staff/sessions", "auth", True),
        ("DELETE", "/v1/staff/sessions/current", "auth", False),
        ("GET", "/v1/staff/users/0190", "auth", False),
        ("GET", "/v1/billing/organization", "billing", False),
        ("PUT", "/v1/partner-queue", "publisher", False),
        ("GET", "/.well-known/jwks.json", "auth", True),
        ("GET", "/v1/mail-preferences", "auth", False),
        ("GET", "/v1/unsubscribe", "auth", True),
        ("POST", "/v1/unsubscribe", "auth", True),
        ("POST", "/v1/posts", "publisher", False),
        ("POST", "/v1/posts/0190/cancel", "publisher", False),
        ("GET", "/v1/connected-accounts", "publisher", False),
        ("GET", "/v1/oauth/linkedin/callback", "publisher", True),
        ("GET", "/v1/conversations/0190/messages", "inbox", False),
        ("GET", "/v1/contacts", "inbox", False),
        ("POST", "/v1/messages", "inbox", False),
        ("POST", "/v1/media", "inbox", False),
        ("POST", "/v1/channels", "inbox", False),
        ("GET", "/v1/webhooks/whatsapp", "inbox", True),
        ("POST", "/v1/webhooks/whatsapp", "inbox", True),
        ("POST", "/v1/webhooks/linkedin", "publisher", True),
        ("POST", "/v1/webhooks/stripe", "billing", True),
        ("GET", "/v1/billing/plans", "billing", True),
        ("POST", "/v1/staff/billing/coupons", "billing", False),
        ("GET", "/v1/events", "gateway", False),
        ("GET", "/v1/events/ws", "gateway", False),
    ],
)
def test_every_public_address_has_its_row(method: Any, path: Any, upstream: Any, public: Any) -> None:
    route = TABLE.match(method, path)
    assert (route.upstream, route.public) == (upstream, public)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v2/me", "/v1/mee", "/internal/revocations", "/metrics", "/v1/me-too", "/V1/me"]
)
def test_what_is_not_in_the_table_does_not_exist(path: Any) -> None:
    with pytest.raises(Refused) as refused:
        TABLE.match("GET", path)
    assert refused.value.problem.status == 404


def test_the_longest_prefix_wins_and_a_longer_one_inherits_what_it_does_not_say() -> None:
    table = RouteTable(
        (
            Route("/a", "auth"),
            Route("/a/b", "billing", methods=frozenset({"POST"})),
            Route("/a/b/c", "publisher"),
        )
    )
    assert table.match("GET", "/a/x/y/z").upstream == "auth"
    assert table.match("POST", "/a/b/x").upstream == "billing"
    assert table.match("GET", "/a/b/x").upstream == "auth"
    assert table.match("POST", "/a/b/c/d").upstream == "publisher"


def test_two_rows_for_the_same_thing_are_refused() -> None:
    with pytest.raises(ValueError, match="two routes claim /a"):
        RouteTable((Route("/a", "auth"), Route("/a", "billing")))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["", "/sessions", "/sessions/refresh", "/enrolments", "/users/0190", "/x"])
def test_whatever_lies_below_the_doors_of_staff_takes_tokens_of_staff_alone(method: Any, path: Any) -> None:
    assert TABLE.match(method, f"/v1/staff{path}").staff
    assert not [route for route in ROUTES if route.staff and not route.prefix.startswith("/v1/staff")]


def test_matching_does_not_grow_with_the_path() -> None:
    began = time.thread_time()
    assert TABLE.match("GET", "/v1/me" + "/x" * 1_000_000).prefix == "/v1/me"
    assert time.thread_time() - began < 0.5


def test_no_public_row_forgets_a_rate_class() -> None:
    assert all(route.rates for route in ROUTES if route.public)


@pytest.mark.parametrize("path", ["", "/0190/invitations", "/0190/invitations/0191/mails"])
def test_what_makes_us_write_to_strangers_has_a_limit_of_its_own(path: Any) -> None:
    assert TABLE.match("POST", f"/v1/organizations{path}").rates == ("invite",)
    assert TABLE.match("GET", f"/v1/organizations{path}").rates == ()


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("/v1/../internal", b"/v1/../internal"),
        ("/v1/./me", b"/v1/./me"),
        ("/v1/me/..", b"/v1/me/.."),
        ("/v1//me", b"/v1//me"),
        ("//v1/me", b"//v1/me"),
        ("/v1/a\\b", b"/v1/a\\b"),
        ("/v1/a/b", b"/v1/a%2fb"),
        ("/v1/a/b", b"/v1/a%2Fb"),
        ("/v1/a\\b", b"/v1/a%5cb"),
        ("/v1/../x", b"/v1/%2e%2e/x"),
        ("/v1/a\x00", b"/v1/a%00"),
        ("/v1/a\r\nx", b"/v1/a%0d%0ax"),
        ("/v1/a\x1f", b"/v1/a%1f"),
        ("/v1/�", b"/v1/%ff"),
        ("*", b"*"),
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_refused(path: Any, raw: Any) -> None:
    with pytest.raises(Refused) as refused:
        checked_path(path, raw)
    assert refused.value.problem.code == "ambiguous-path"


@pytest.mark.parametrize("path", ["/v1/me", "/v1/me/", "/.well-known/jwks.json", "/v1/a.b/c..d", "/v1/ü"])
def test_an_ordinary_path_passes(path: Any) -> None:
    assert checked_path(path, path.encode()) == path
