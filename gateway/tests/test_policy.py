import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policies import RELOADS, PolicyFile
from gateway.policy import Policy, PolicyRefused, parse, read, shipped
from gateway.routes import RATES, Route

from .conftest import WITHIN, until

SHIPPED = shipped().read_text()


def test_the_shipped_policy_has_every_class_that_routes_name_and_those_that_are_yet_to_come() -> None:
    policy = read(shipped(), RATES)
    assert policy.tiers == ["free", "creator", "pro", "agency"]
    asked = {
        "sign-in": (10, 60),
        "password-reset": (3, 60),
        "studio": (5, 60),
        "chat": (30, 60),
        "auth": (10, 900),
        "contact-form": (100, 900),
        "call": (5, 900),
    }
    for name, (burst, period) in asked.items():
        found = policy.rate(name, "free")
        assert (found.burst, found.period) == (burst, period)
    assert [policy.rate("generation", tier).burst for tier in policy.tiers] == [10, 15, 20, 20]
    assert {policy.classes[name].per for name in policy.always} == {"address", "user", "organization", "credential"}


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("burst = 3\n", "burst = 0\n", "classes.password-reset.burst: Input should be greater than or equal to 1"),
        ("burst = 3\n", 'burst = "3"\n', "classes.password-reset.burst: "),
        ("burst = 3\n", "burst = 3\nbrust = 4\n", "classes.password-reset.brust: Extra inputs are not permitted"),
        ("burst = 3\nperiod = 60\n", "burst = 3\n", "classes.password-reset.period: Field required"),
        ("burst = 3\nperiod = 60\n", "burst = 3\nperiod = inf\n", "classes.password-reset.period: "),
        ("agency = 30_000 }", "agency = 30 }", "classes.organization.burst: a higher tier has less than a lower one"),
        (", agency = 30_000 }", " }", "classes.organization.burst.agency: is not set"),
        ("agency = 30_000 }", "agency = 30_000, vip = 1 }", "classes.organization.burst.vip: there is no such tier"),
        ("[classes.refresh]", "[classes.fresh]", "classes.refresh: is not set, and a route names it"),
        ("cost = 20", "cost = 601", "classes.studio.cost: is more than the smallest burst"),
        ('always = ["address", ', "always = [", "always: no class counts per address"),
        ('always = ["address", ', 'always = ["adress", ', "always: there is no class adress"),
        ('"pro", "agency"]', '"pro", "pro"]', "tiers: a tier stands there twice"),
        ("tiers = [", "tiers = ", "not TOML: "),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused_by_the_name_of_the_field(
    before: Any, after: Any, reason: Any
) -> None:
    assert before in SHIPPED
    with pytest.raises(PolicyRefused) as refused:
        parse(SHIPPED.replace(before, after), RATES)
    assert any(each.startswith(reason) for each in refused.value.reasons), refused.value.reasons


def test_an_address_has_no_tiers() -> None:
    tiers = "{ free = 1, creator = 1, pro = 1, agency = 2 }"
    with pytest.raises(PolicyRefused, match="an address has no plan"):
        parse(SHIPPED.replace("burst = 3\n", f"burst = {tiers}\n"), RATES)


@given(st.text(max_size=200) | st.sampled_from(range(0, len(SHIPPED), 7)).map(lambda cut: SHIPPED[:cut]))
def test_no_text_does_more_than_being_refused(text: str) -> None:
    with suppress(PolicyRefused):
        assert isinstance(parse(text, ()), Policy)


def test_a_file_that_is_not_there_is_too_large_or_is_no_text_is_refused(tmp_path: Path) -> None:
    large, odd = tmp_path / "large", tmp_path / "odd"
    large.write_bytes(b"#" * (1024 * 1024 + 1))
    odd.write_bytes(b"\xff\xfe")
    for path in (tmp_path / "none", tmp_path, large, odd):
        with pytest.raises(PolicyRefused):
            read(path, ())


async def test_a_new_policy_holds_at_once_and_a_bad_one_changes_nothing(house: Any, tmp_path: Path) -> None:
    """Also for an address that is known to be refused, and by a file that is put in the other's place."""
    file = tmp_path / "policy.toml"
    file.write_text(SHIPPED)
    routes = (Route("/v1/reset", "auth", public=True, rates=("password-reset",)),)
    door = await house(routes=routes)
    follower = PolicyFile(file, ["password-reset"], door.parts.limiter.adopt, every=0.02)
    following = asyncio.create_task(follower.run())
    try:
        assert [(await door.ask("/v1/reset")).status for _ in range(5)] == [200, 200, 200, 429, 429]
        replaced(file, SHIPPED.replace("burst = 3\n", "burst = 5\n"))
        await holds(door, "/v1/reset", '"password-reset";q=5;w=60')
        replaced(file, SHIPPED.replace("burst = 3\n", "burst = -5\n"))
        await until(lambda: not follower.good)
        assert '"password-reset";q=5;w=60' in (await door.ask("/v1/reset"))["ratelimit-policy"]
        before = refused()
        file.unlink()
        await until(lambda: refused() > before)
        assert '"password-reset";q=5;w=60' in (await door.ask("/v1/reset"))["ratelimit-policy"]
        replaced(file, SHIPPED.replace("burst = 3\n", "burst = 7\n"))
        await holds(door, "/v1/reset", '"password-reset";q=7;w=60')
        assert follower.good
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def refused() -> float:
    """How often a file could not be used."""
    return float(RELOADS.labels("refused")._value.get())


def replaced(file: Path, text: str) -> None:
    other = file.with_suffix(".new")
    other.write_text(text)
    other.rename(file)


async def holds(door: Any, path: str, policy: str) -> None:
    async with asyncio.timeout(WITHIN):
        while policy not in (await door.ask(path))["ratelimit-policy"]:  # noqa: ASYNC110 - the door knows no event
            await asyncio.sleep(0.02)
