import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from auth.bootstrap import remove_key
from auth.keys.model import ANNOUNCED_FOR, KEPT_FOR, SigningKey, published, signing, thumbprint
from auth.keys.service import LOOK_EVERY, KeyRing
from auth.sessions.model import TOKEN_LIFE
from contracts.auth import AuthAuditRecorded, SigningKeyRemoved
from kit.db.database import Database, DatabaseBusy
from kit.http.tokens import key_id, public_keys
from kit.seal import Sealer

from .conftest import Forward
from .story import SEALING_KEY, Story, problem

DAY = 86400


def ring(story: Story) -> KeyRing:
    """The keys as a process that looks each time sees them."""
    return KeyRing(story.database, Sealer.from_text(SEALING_KEY), look_every=0)


async def kids(story: Story) -> list[str]:
    return [key["kid"] for key in (await ring(story).jwks())["keys"]]


async def test_processes_that_start_together_make_one_first_key(story: Story) -> None:
    async with story.database.transaction() as tx:
        await tx.execute("DELETE FROM signing_keys")
    await asyncio.gather(*(story.parts.rotation.ensure() for _ in range(12)))
    assert await story.count("signing_keys") == 1


async def test_the_key_set_holds_public_halves_only_and_may_be_kept_for_minutes(story: Story) -> None:
    answer = await story.http.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "alg", "use", "kid", "x"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert list(public_keys(answer.json())) == [key["kid"]]


async def test_no_private_half_lies_open_in_the_database(story: Story) -> None:
    signer = await story.parts.keys.signer()
    async with story.database.transaction() as tx:
        stored = await tx.fetchval("SELECT sealed_private FROM signing_keys")
    assert signer.private.private_bytes_raw() not in stored


async def test_a_key_is_published_before_it_signs_and_after_it_has_signed(story: Story, forward: Forward) -> None:
    (first,) = await kids(story)
    assert await story.parts.rotation.rotate()
    assert not await story.parts.rotation.rotate(), "one is announced already"
    both = await kids(story)
    assert both[0] == first
    assert len(both) == 2
    assert (await ring(story).signer()).kid == first
    await forward(15 * 60 - 30)
    assert (await ring(story).signer()).kid == first
    await forward(40)
    assert (await ring(story).signer()).kid == both[1]
    assert await kids(story) == both
    await forward(20 * 60)
    assert await kids(story) == [both[1]]


async def test_an_access_token_outlives_the_change_of_the_key_that_signed_it(story: Story, forward: Forward) -> None:
    ada = await story.person("ada@example.com")
    await story.parts.rotation.rotate()
    await forward(15 * 60 - 30)
    await ada.refresh()
    signed_by = key_id(ada.tokens["access_token"])
    await forward(40)
    assert (await ring(story).signer()).kid != signed_by
    assert (await ada.call("GET", "/v1/me")).status_code == 200


async def test_keys_are_changed_every_thirty_days_and_old_ones_destroyed(story: Story, forward: Forward) -> None:
    await story.parts.rotation.rotate_when_due()
    assert await story.count("signing_keys") == 1
    await forward(30 * DAY + 1)
    await asyncio.gather(*(story.parts.rotation.rotate_when_due() for _ in range(5)))
    assert await story.count("signing_keys") == 2
    await forward(2 * 3600)
    await story.parts.rotation.rotate_when_due()
    assert await story.count("signing_keys") == 1


async def test_a_process_sees_the_new_key_long_before_it_signs(story: Story) -> None:
    other = KeyRing(story.database, Sealer.from_text(SEALING_KEY), look_every=0.05)
    assert len((await other.jwks())["keys"]) == 1
    await story.parts.rotation.rotate()
    await asyncio.sleep(0.1)
    assert len((await other.jwks())["keys"]) == 2


async def test_keys_seen_once_go_on_while_the_database_cannot_answer(story: Story) -> None:
    narrow = await Database.open(story.place.url("auth"), name="auth test", pool_size=1, acquire_within=0.05)
    seen = KeyRing(narrow, Sealer.from_text(SEALING_KEY), look_every=0)
    before = await seen.jwks()
    async with narrow.transaction(), narrow.aside():
        assert await seen.jwks() == before
        with pytest.raises(DatabaseBusy):
            await KeyRing(narrow, Sealer.from_text(SEALING_KEY)).jwks()
    await narrow.close()


async def test_a_clock_that_is_set_back_leaves_nobody_without_a_key(story: Story, forward: Forward) -> None:
    async with story.database.transaction() as tx:
        await tx.execute("DELETE FROM signing_keys")
    await forward(40 * DAY)
    await story.parts.rotation.ensure()
    await forward(-40 * DAY)
    assert (await ring(story).signer()).kid in await kids(story)


def test_at_any_time_the_signing_key_is_published_long_enough_before_and_after() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    keys = [
        SigningKey(str(at), Ed25519PrivateKey.generate(), b"", start + timedelta(hours=7 * at)) for at in range(4)
    ]
    for minutes in range(0, 30 * 60, 7):
        now = start + timedelta(minutes=minutes)
        shown = {key.kid for key in published(keys, now)}
        for moment in (now - TOKEN_LIFE, now, now + ANNOUNCED_FOR):
            signer = signing(keys, moment)
            assert signer is None or signer.kid in shown
    assert TOKEN_LIFE < KEPT_FOR


async def test_a_forged_token_is_refused(story: Story) -> None:
    ada = await story.person("ada@example.com")
    header, payload, signature = ada.tokens["access_token"].split(".")
    other = (await story.sign_in("ada@example.com")).json()["access_token"].split(".")
    forged = [
        f"{header}.{payload}.{other[2]}",
        f"{header}.{other[1]}.{signature}",
        f"eyJhbGciOiJub25lIn0.{payload}.",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        ada.tokens["refresh_token"],
    ]
    for token in forged:
        answer = await story.http.get("/v1/me", headers={"authorization": f"Bearer {token}"})
        assert problem(answer) == (401, "invalid-token")


async def test_a_key_is_named_by_its_thumbprint(story: Story) -> None:
    """The example of RFC 8037, appendix A.3, and our own key set as another library reads it."""
    public = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    for jwk in (await story.http.get("/.well-known/jwks.json")).json()["keys"]:
        assert jwk["kid"] == OKPKey.import_key(jwk).thumbprint()


# A key is taken away in an emergency


async def removed(story: Story, kid: str) -> None:
    assert await story.parts.rotation.remove(kid)


async def test_a_key_that_is_taken_away_leaves_the_set_and_another_signs_at_once(story: Story) -> None:
    (leaked,) = await kids(story)
    await removed(story, leaked)
    (fresh,) = await kids(story)
    assert fresh != leaked
    assert (await ring(story).signer()).kid == fresh
    assert not await story.parts.rotation.remove(leaked)
    (told,) = [each for each in await story.told(SigningKeyRemoved) if isinstance(each, SigningKeyRemoved)]
    assert told.kid == leaked


async def test_the_key_that_was_announced_signs_in_its_place_since_everybody_has_it(story: Story) -> None:
    await story.parts.rotation.rotate()
    leaked, announced = await kids(story)
    await removed(story, leaked)
    assert await kids(story) == [announced]
    assert (await ring(story).signer()).kid == announced


async def test_to_take_away_a_key_that_does_not_sign_changes_nothing_for_the_one_that_does(story: Story) -> None:
    await story.parts.rotation.rotate()
    signs, announced = await kids(story)
    await removed(story, announced)
    assert await kids(story) == [signs]
    assert (await ring(story).signer()).kid == signs


async def test_sessions_go_on_by_refresh_when_a_key_was_taken_away(story: Story) -> None:
    ada = await story.person("ada@example.com")
    leaked = key_id(ada.tokens["access_token"])
    await removed(story, leaked)
    await asyncio.sleep(LOOK_EVERY + 0.1)
    assert (await ada.refresh()).status_code == 200
    assert key_id(ada.tokens["access_token"]) != leaked


async def test_processes_that_take_keys_away_at_once_leave_one_that_signs(story: Story) -> None:
    (leaked,) = await kids(story)
    found = await asyncio.gather(*(story.parts.rotation.remove(leaked) for _ in range(5)))
    assert sorted(found) == [False] * 4 + [True]
    assert len(await kids(story)) == 1


async def test_gateways_are_told_for_an_hour_which_keys_were_taken_away(story: Story, forward: Forward) -> None:
    (leaked,) = await kids(story)
    assert (await story.http.get("/internal/revocations")).json()["removed_keys"] == []
    await removed(story, leaked)
    assert (await story.http.get("/internal/revocations")).json()["removed_keys"] == [leaked]
    assert KEPT_FOR > TOKEN_LIFE
    await forward(901)
    assert (await story.http.get("/internal/revocations")).json()["removed_keys"] == []
    await forward(3600)
    await story.parts.rotation.rotate_when_due()
    assert await story.count("removed_keys") == 0


async def test_what_happens_to_keys_is_on_record(story: Story) -> None:
    (leaked,) = await kids(story)
    await removed(story, leaked)
    lines = [each for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    assert [(each.action, each.actor_kind) for each in lines] == [
        ("auth.signing_key.created", "system"),
        ("auth.signing_key.created", "system"),
        ("auth.signing_key.removed", "operator"),
    ]
    assert lines[-1].target_id == f"kid:{leaked}"


async def test_only_an_operator_takes_keys_away(story: Story) -> None:
    (kid,) = await kids(story)
    assert (await story.http.delete(f"/internal/keys/{kid}")).status_code in (401, 404)
    assert await kids(story) == [kid]


async def test_the_command_names_a_key_that_is_not(story: Story) -> None:
    with pytest.raises(SystemExit, match="there is no signing key k-1"):
        await remove_key(story.parts, "k-1")
    (kid,) = await kids(story)
    await remove_key(story.parts, kid)
    assert kid not in await kids(story)
