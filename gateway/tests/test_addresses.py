from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.addresses import Addresses, canonical, limited_as, truncated

BEHIND = Addresses((ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48")))


def test_without_trusted_proxies_the_peer_is_the_client() -> None:
    assert Addresses(()).client("203.0.113.9", b"1.2.3.4") == "203.0.113.9"


def test_a_stranger_cannot_choose_an_address() -> None:
    assert BEHIND.client("203.0.113.9", b"1.2.3.4") == "203.0.113.9"


@pytest.mark.parametrize(
    ("header", "client"),
    [
        (b"198.51.100.7", "198.51.100.7"),
        (b"1.2.3.4, 198.51.100.7", "198.51.100.7"),
        (b"1.2.3.4, 198.51.100.7, 10.1.1.1", "198.51.100.7"),
        (b"198.51.100.7:4711", "198.51.100.7"),
        (b"[2001:db8:9::7]:4711", "2001:db8:9::7"),
        (b"::ffff:198.51.100.7", "198.51.100.7"),
        (b"1.2.3.4, rubbish", "10.0.0.1"),
        (b"rubbish, 10.1.1.1", "10.1.1.1"),
        (b"", "10.0.0.1"),
        (b",", "10.0.0.1"),
    ],
)
def test_behind_our_proxies_the_nearest_foreign_address_counts(header: Any, client: Any) -> None:
    assert BEHIND.client("10.0.0.1", header) == client


@given(st.binary(max_size=200))
def test_no_header_breaks_the_search(header: Any) -> None:
    assert BEHIND.client("10.0.0.1", header)


@pytest.mark.parametrize(
    ("address", "limited", "logged"),
    [
        ("203.0.113.9", "203.0.113.9", "203.0.113.0"),
        ("2001:db8:9:8:7:6:5:4", "2001:db8:9:8::", "2001:db8:9::"),
        ("unknown", "unknown", "unknown"),
    ],
)
def test_an_ipv6_customer_shares_one_limit_and_the_log_knows_only_the_network(
    address: Any, limited: Any, logged: Any
) -> None:
    assert (limited_as(address), truncated(address)) == (limited, logged)


def test_one_address_has_one_spelling() -> None:
    assert canonical("2001:DB8:0:0::1") == "2001:db8::1"
    assert canonical("") == "unknown"
