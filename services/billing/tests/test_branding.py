"""Pages and invoices at Stripe look as the operator wants."""

import pytest
from pydantic import ValidationError

from billing.bootstrap import selling
from billing.catalogue.model import Interval
from billing.checkouts.model import Wish
from billing.settings import BillingSettings
from kit.ids import new_id
from kit.seal import Keyring, LocalMasterKey
from kit.seal.sealer import Sealer

from .dying import keyed, owner_of
from .hearing import created
from .shop import MASTER, Shop, settings
from .test_crashes import publish

LOGO = "https://acme.test/logo.png"
BRAND = {
    "brand_name": "Acme",
    "brand_color": "#ff0000",
    "brand_logo_url": LOGO,
    "stripe_invoice_template": "inrtem_1acme",
}


@pytest.mark.parametrize("branded", [True, False])
async def test_pages_and_invoices_carry_the_operators_brand_where_there_is_one(shop: Shop, branded: bool) -> None:
    await publish(shop)
    ours = new_id()
    await shop.ear.hear(created(ours))
    told = settings(str(shop.stripe.base_url).rstrip("/")).model_copy(update=BRAND if branded else {})
    keyring = Keyring(shop.database, LocalMasterKey(Sealer.from_text(MASTER)))
    made = selling(told, shop.database, keyring, shop.made.stripe)

    wish = Wish("pro", Interval.MONTH, "eur", 0, None, False)
    await made.buying.checkouts.subscribe(owner_of(ours), wish, keyed(ours))

    (page,) = (await shop.at_stripe("GET", "/checkout/sessions"))["data"]
    (customer,) = (await shop.at_stripe("GET", "/customers"))["data"]
    look = page.get("branding_settings") or {}
    shown = (look.get("display_name"), look.get("button_color"), (look.get("logo") or {}).get("url"))
    assert shown == (("Acme", "#ff0000", LOGO) if branded else (None, None, None))
    options = customer["invoice_settings"]["rendering_options"] or {}
    assert options.get("template") == ("inrtem_1acme" if branded else None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("brand_color", "red"),
        ("brand_logo_url", "http://acme.test/logo.png"),
        ("brand_name", ""),
        ("stripe_invoice_template", "template"),
    ],
)
def test_a_brand_that_stripe_would_refuse_is_refused_at_the_start(name: str, value: str) -> None:
    with pytest.raises(ValidationError) as told:
        BillingSettings.model_validate({name: value})
    assert name in {each["loc"][0] for each in told.value.errors()}
