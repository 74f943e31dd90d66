import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.http.guard import Address, AddressRefused, Rules, addresses, is_public, parse

CASES = json.loads((Path(__file__).parents[1] / "data/ssrf_urls.json").read_text())["cases"]
BOTH = Rules(http=True)

REFUSED = [
    "http://example.com/",
    "https://127.0.0.1/",
    "https://0177.0.0.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://127.1/",
    "https://1.1.1/",
    "https://0x7f.1/",
    "https://93.184.216.034/",
    "https://localhost/",
    "https://foo.localhost/",
    "https://intranet/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://example.com./",
    "https://example..com/",
    "https://-a.example.com/",
    "https://127.0.0.1\u3002example.com/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://exa\u00admple.com/",
    "https://xn--a.example/",
    "https://example.com%2f@evil.example/",
    "https://user@example.com/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:/",
    "https://example.com:443x/",
    "https://example.com:25/",
    "https:///example.com/",
    "https:example.com/",
    "//example.com/",
    "/path",
    "",
    "https://",
    "https://exam ple.com/",
    "https://example.com/\r\nHost: x",
    "https://example.com/\x00",
    "https://[::1]/",
    "https://[::ffff:93.184.216.34]/",
    "https://[::93.184.216.34]/",
    "https://[64:ff9b::5db8:d822]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:5db8:d822::1]/",
    "https://[2001:0:5db8:d822::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[fec0::1]/",
    "https://[2606:2800:220:1:0:5efe:7f00:1]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[::1/",
    "https://::1/",
    "https://168.63.129.16/",
    "https://192.88.99.1/",
    "https://\ud800.example/",
    "https://example.com/" + "a" * 3000,
    "ftp://example.com/",
    "https://" + "a." * 130 + "com/",
]
ALLOWED = [
    ("https://example.com", "https://example.com:443/"),
    ("HTTPS://Example.COM:8443/a?b=c#d", "https://example.com:8443/a?b=c"),
    ("https://b\u00fccher.example/stra\u00dfe", "https://xn--bcher-kva.example:443/stra%C3%9Fe"),
    ("https://[2606:2800:220:1:248:1893:25C8:1946]/", "https://[2606:2800:220:1:248:1893:25c8:1946]:443/"),
    ("https://example.com?a=1", "https://example.com:443/?a=1"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["url"]))
def test_the_projects_list_of_urls_is_judged_as_it_says(case: Any) -> None:
    if case["allow"]:
        assert parse(case["url"], BOTH)
    else:
        with pytest.raises(AddressRefused):
            parse(case["url"], BOTH)


@pytest.mark.parametrize("url", REFUSED, ids=ascii)
def test_a_way_into_the_house_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        parse(url, Rules())


@pytest.mark.parametrize(("url", "rebuilt"), ALLOWED, ids=ascii)
def test_an_ordinary_url_is_put_together_anew(url: str, rebuilt: str) -> None:
    assert parse(url, Rules()).url == rebuilt


@given(st.text(max_size=40) | st.from_regex(r"https?://[0-9a-fx.:\[\]@%]{1,20}/?", fullmatch=True))
def test_any_text_is_judged_and_what_passes_is_public(text: str) -> None:
    try:
        target = parse(text, BOTH)
    except AddressRefused:
        return
    assert target.address is None or is_public(target.address)


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not is_public(address)


@pytest.mark.parametrize(
    "found",
    [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::1"], ["93.184.216.34", "::ffff:10.0.0.1"], ["fe80::1%eth0"]],
)
async def test_a_host_is_refused_when_any_of_its_addresses_is_not_public(found: list[str]) -> None:
    async def resolver(_host: str, _port: int) -> list[str]:
        return found

    with pytest.raises(AddressRefused):
        await addresses(parse("https://example.com/", Rules()), Rules(), resolver)


async def test_a_host_without_an_address_cannot_be_reached() -> None:
    async def resolver(_host: str, _port: int) -> list[str]:
        return []

    with pytest.raises(OSError, match="address"):
        await addresses(parse("https://example.com/", Rules()), Rules(), resolver)


def test_an_exempt_network_passes_for_development() -> None:
    rules = Rules(exempt=(ipaddress.ip_network("127.0.0.0/8"),))
    assert parse("https://127.0.0.1/", rules).address
    with pytest.raises(AddressRefused):
        parse("https://10.0.0.1/", rules)
