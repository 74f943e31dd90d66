"""Codes of authenticator apps: right for half a minute, good once."""

import asyncio
import base64
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import pytest

from auth.factors.model import code_at, step_of
from auth.passwords.hashing import Passwords
from kit.errors import TransientError
from kit.seal import Keyring, LocalMasterKey
from kit.seal.model import Key, Owner
from kit.seal.store import KeyRef
from kit.testing.databases import TestDatabase

from .conftest import Forward
from .second_factors import activate, complete, enrol, half_signed_in, with_app
from .story import SEALING_KEY, Person, Story, problem, settings

ADA, BOB = "ada.apps-21@house.test", "bob.apps-32@house.test"
SEED = b"12345678901234567890"


@pytest.mark.parametrize(
    ("time", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(time: int, code: str) -> None:
    assert code_at(SEED, time // 30, digits=8) == code
    assert step_of(SEED, code[-6:], datetime.fromtimestamp(time, UTC)) == time // 30


@pytest.mark.parametrize(
    ("counter", "code"), [*enumerate(("755224", "287082", "359152", "969429", "338314", "254676", "287922"))]
)
def test_codes_are_those_of_rfc_4226(counter: int, code: str) -> None:
    assert code_at(SEED, counter) == code


@pytest.mark.parametrize(("off", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_right_one_step_before_and_after(off: int, taken: bool) -> None:
    now = datetime(2026, 1, 1, 12, 0, 15, tzinfo=UTC)
    step = int(now.timestamp()) // 30 + off
    assert step_of(SEED, code_at(SEED, step), now) == (step if taken else None)


async def test_an_app_is_told_its_secret_once_and_counts_after_its_first_right_code(story: Story) -> None:
    ada = await story.person(ADA)
    app = await enrol(story, ada)
    assert len(base64.b32decode(app.secret)) == 20
    uri = urlsplit(app.uri)
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", f"/Rostrum:{ADA}")
    assert parse_qs(uri.query) == {"secret": [app.secret], "issuer": ["Rostrum"]}
    assert (await story.sign_in(ADA)).status_code == 201, "it does not count yet"
    assert (await ada.call("GET", "/v1/me/factors")).json() == {
        "items": [],
        "recovery_codes_left": 0,
        "demanded_by": [],
    }

    assert problem(await activate(ada, app, "000000")) == (422, "code-wrong")
    assert (await activate(ada, app)).status_code == 200
    assert problem(await activate(ada, app)) == (409, "factor-already-active")
    listed = await ada.call("GET", "/v1/me/factors")
    (item,) = listed.json()["items"]
    assert (item["id"], item["kind"], item["name"]) == (app.id, "totp", "Phone")
    assert listed.json()["recovery_codes_left"] == 10
    assert app.secret not in listed.text
    owed = await half_signed_in(story, ada)
    assert owed["factors"] == ["totp", "recovery_code"]


async def test_an_app_whose_first_code_does_not_come_is_forgotten(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    app = await enrol(story, ada)
    await forward(16 * 60)
    ada = Person(story.http, ADA, (await story.sign_in(ADA)).json())
    assert problem(await activate(ada, app)) == (404, "factor-not-found")
    await story.parts.sweeper.sweep()
    assert await story.count("totp_factors") == 0


async def test_a_sign_in_is_completed_with_a_code(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create()
    app = await with_app(story, ada)
    await forward(60)
    owed = await half_signed_in(story, ada, organization_id=organization_id)
    answer = await complete(story, owed["sign_in_token"], "totp", app.code())
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.json()["user_id"], answer.json()["organization_id"]) == (ada.user_id, organization_id)
    row = (await story.admin("SELECT * FROM sessions WHERE id = $1", UUID(answer.json()["session_id"])))[0]
    assert (row["proofs"], row["strong_at"] is None) == (["password", "totp"], False)
    again = await complete(story, owed["sign_in_token"], "totp", app.code(1))
    assert problem(again) == (401, "sign-in-over")


async def test_a_code_is_good_once_also_in_another_sign_in_and_none_before_it(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    first = await half_signed_in(story, ada)
    assert problem(await complete(story, first["sign_in_token"], "totp", app.code())) == (401, "wrong-factor")
    await forward(60)
    assert (await complete(story, first["sign_in_token"], "totp", app.code())).status_code == 201
    second = await half_signed_in(story, ada)
    for code in (app.code(), app.code(-1)):
        assert problem(await complete(story, second["sign_in_token"], "totp", code)) == (401, "wrong-factor")
    assert (await complete(story, second["sign_in_token"], "totp", app.code(1))).status_code == 201


async def test_of_many_who_show_one_code_at_once_one_gets_in(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    await forward(60)
    owed = [await half_signed_in(story, ada) for _ in range(8)]
    before = await story.count("sessions")
    code = app.code()
    answers = await asyncio.gather(*(complete(story, each["sign_in_token"], "totp", code) for each in owed))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 7, [each.text for each in answers]
    assert await story.count("sessions") == before + 1


async def test_a_sign_in_bears_five_tries(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    await forward(60)
    owed = await half_signed_in(story, ada)
    for _ in range(5):
        assert problem(await complete(story, owed["sign_in_token"], "totp", "000000")) == (401, "wrong-factor")
    assert problem(await complete(story, owed["sign_in_token"], "totp", app.code())) == (401, "sign-in-over")


async def test_any_of_several_apps_will_do_and_there_are_at_most_five(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    apps = [await with_app(story, ada, f"App {at}") for at in range(5)]
    assert problem(await ada.call("POST", "/v1/me/factors/totp", json={"name": "Sixth"})) == (409, "too-many-factors")
    await forward(60)
    for app in apps:
        owed = await half_signed_in(story, ada)
        assert (await complete(story, owed["sign_in_token"], "totp", app.code())).status_code == 201
    await ada.call("DELETE", f"/v1/me/factors/totp/{apps[0].id}")
    await forward(60)
    owed = await half_signed_in(story, ada)
    assert problem(await complete(story, owed["sign_in_token"], "totp", apps[0].code())) == (401, "wrong-factor")
    assert (await complete(story, owed["sign_in_token"], "totp", apps[1].code())).status_code == 201


async def test_anothers_app_is_not_there(story: Story, forward: Forward) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    app, pending = await with_app(story, ada), await enrol(story, ada)
    assert problem(await bob.call("DELETE", f"/v1/me/factors/totp/{app.id}")) == (404, "factor-not-found")
    assert problem(await activate(bob, pending)) == (404, "factor-not-found")
    assert (await bob.call("GET", "/v1/me/factors")).json()["items"] == []
    other = await with_app(story, bob)
    await forward(60)
    owed = await half_signed_in(story, ada)
    assert problem(await complete(story, owed["sign_in_token"], "totp", other.code())) == (401, "wrong-factor")


async def test_a_secret_lies_sealed_under_the_key_of_its_person(story: Story) -> None:
    ada = await story.person(ADA)
    app = await with_app(story, ada, "Ada's own phone")
    (row,) = await story.admin(
        """
        SELECT f.*, k.subject FROM totp_factors AS f
        JOIN seal_keys AS k ON k.id = encode(substr(f.sealed_secret, 2, 16), 'hex')::uuid
        """
    )
    assert row["subject"] == f"user:{ada.user_id}"
    held = b"".join(each for each in row.values() if isinstance(each, bytes))
    assert base64.b32decode(app.secret) not in held
    assert b"phone" not in held


class _Away:
    """The store of keys, while compliance cannot be reached."""

    async def current(self, owners: Collection[Owner]) -> Mapping[Owner, Key | None]:
        raise TransientError(f"{len(owners)} keys cannot be had just now.")

    async def find(self, wanted: Collection[KeyRef]) -> Mapping[KeyRef, Key | None]:
        raise TransientError(f"{len(wanted)} keys cannot be had just now.")

    async def destroyed_within(self, seconds: float) -> Sequence[Owner] | None:
        raise TransientError(f"What was destroyed within {seconds} seconds cannot be told just now.")


async def test_without_the_persons_key_the_answer_is_to_come_again(
    place: TestDatabase, passwords: Passwords, story: Story, forward: Forward
) -> None:
    """And the right code is good afterwards."""
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    await forward(60)
    owed = await half_signed_in(story, ada)
    away = Keyring(story.database, LocalMasterKey.from_text(SEALING_KEY), shared=_Away())
    cut_off = Story(place, story.database, passwords, settings(place), away)
    answer = await complete(cut_off, owed["sign_in_token"], "totp", app.code())
    await cut_off.end()
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert (await complete(story, owed["sign_in_token"], "totp", app.code())).status_code == 201
