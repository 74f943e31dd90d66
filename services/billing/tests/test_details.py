"""What stands on invoices: given by an owner, sealed here, told to Stripe, and gone with whoever gave it."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from billing.customers.details import Details, DetailsRefused

from .story import Story, problem

DETAILS = "/v1/billing/details"
ACME: dict[str, Any] = {
    "name": "Acme GmbH",
    "email": "bills@acme.test",
    "line1": "Straße 1",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
    "tax_id_type": "eu_vat",
    "tax_id": "DE123456789",
    "memo": "Order 77",
}


async def given(client: httpx.AsyncClient, changed: dict[str, Any]) -> httpx.Response:
    version = (await client.get(DETAILS)).headers["etag"]
    return await client.patch(DETAILS, json=changed, headers={"if-match": version})


async def told(story: Story, client: httpx.AsyncClient) -> dict[str, Any]:
    async def is_told() -> bool:
        return bool((await client.get(DETAILS)).json()["told"] != "telling")

    await story.until(is_told)
    found: dict[str, Any] = (await client.get(DETAILS)).json()
    return found


async def at_stripe(story: Story, organization_id: UUID) -> tuple[dict[str, Any], list[str]]:
    found = (await story.stripe.ask("/v1/customers"))["data"]
    (customer,) = [each for each in found if each["metadata"].get("organization_id") == str(organization_id)]
    ids = (await story.stripe.ask(f"/v1/customers/{customer['id']}/tax_ids"))["data"]
    return customer, [each["value"] for each in ids]


async def test_details_are_kept_sealed_and_told_to_stripe(story: Story) -> None:
    ours = await story.organization()
    client = story.client(ours)
    answer = await given(client, ACME)
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in ACME} == ACME
    await story.made.buying.customers.ensure(ours)
    assert (await told(story, client))["told"] == "told"
    customer, tax_ids = await at_stripe(story, ours)
    assert (customer["name"], customer["email"], tax_ids) == ("Acme GmbH", "bills@acme.test", ["DE123456789"])
    assert customer["address"]["city"] == "Berlin"
    assert customer["invoice_settings"]["footer"] == "Order 77"
    (row,) = await story.rows("SELECT * FROM customers", organization_id=ours)
    assert b"Acme" not in bytes(row["details"])
    assert "billing.details.changed" in await story.actions(ours)


async def test_what_is_left_out_stays_and_null_takes_away(story: Story) -> None:
    ours = await story.organization()
    client = story.client(ours)
    await story.made.buying.customers.ensure(ours)
    await given(client, ACME)
    await told(story, client)
    answer = await given(client, {"tax_id": None, "tax_id_type": None, "memo": None, "name": "Acme AG"})
    assert (answer.json()["name"], answer.json()["city"], answer.json()["tax_id"]) == ("Acme AG", "Berlin", None)
    assert (await told(story, client))["told"] == "told"
    customer, tax_ids = await at_stripe(story, ours)
    assert (customer["name"], customer["invoice_settings"]["footer"], tax_ids) == ("Acme AG", None, [])


async def test_nobody_overwrites_what_they_have_not_seen(story: Story) -> None:
    ours = await story.organization()
    client = story.client(ours)
    version = (await client.get(DETAILS)).headers["etag"]
    first, second = await asyncio.gather(
        *(client.patch(DETAILS, json={"name": name}, headers={"if-match": version}) for name in ("A", "B"))
    )
    assert sorted([first.status_code, second.status_code]) == [200, 412]
    assert problem(await client.patch(DETAILS, json={"name": "C"})) == (428, "if-match-required")


async def test_another_organization_sees_nothing_of_it_and_only_owners_do(story: Story) -> None:
    ours, theirs = await story.organization(), await story.organization()
    await given(story.client(ours), ACME)
    assert (await story.client(theirs).get(DETAILS)).json()["name"] is None
    assert problem(await story.client(ours, "admin").get(DETAILS)) == (403, "role-missing")


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"tax_id": "DE123456789"}, "#/tax_id_type"),
        ({"tax_id": "123", "tax_id_type": "eu_vat"}, "#/tax_id"),
        ({"tax_id": "ATU1", "tax_id_type": "us_ein"}, "#/tax_id"),
        ({"city": "Berlin"}, "#/country"),
        ({"country": "Germany"}, "#/country"),
        ({"email": "nobody"}, "#/email"),
        ({"name": "a\nb"}, "#/name"),
        ({"memo": "x" * 501}, "#/memo"),
        ({"tax_id_type": "martian"}, "#/tax_id_type"),
        ({"card": "4242424242424242"}, "#/card"),
    ],
)
async def test_what_cannot_stand_on_an_invoice_names_the_field(
    story: Story, changed: dict[str, Any], pointer: str
) -> None:
    answer = await given(story.client(await story.organization()), changed)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("eu_vat", "ATU12345678"),
        ("eu_vat", "NL123456789B01"),
        ("gb_vat", "GB123456789"),
        ("ch_vat", "CHE-123.456.789 MWST"),
        ("us_ein", "12-3456789"),
        ("jp_trn", "T1234567890123"),
    ],
)
def test_tax_ids_are_taken_in_the_form_of_their_country(kind: str, number: str) -> None:
    assert Details().changed({"tax_id_type": kind, "tax_id": number}).tax_id == number
    with pytest.raises(DetailsRefused):
        Details().changed({"tax_id_type": kind, "tax_id": f"{number}\n"})


async def test_details_given_before_stripe_knows_the_customer_reach_it_with_it(story: Story) -> None:
    ours = await story.organization()
    client = story.client(ours)
    await given(client, {"name": "Early"})
    await story.made.buying.customers.ensure(ours)
    assert (await told(story, client))["told"] == "told"
    assert (await at_stripe(story, ours))[0]["name"] == "Early"
