"""How Stripe's pages and invoices look for our customers: the operator's brand, as far as Stripe takes it by API.

Whatever is left out is what the account at Stripe has been given by hand.
https://docs.stripe.com/payments/checkout/customization/appearance, https://docs.stripe.com/invoicing/invoice-rendering-template
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Brand:
    """A name, the colour of buttons (`#rrggbb`), a logo (an https address), and the id of a template of invoices."""

    name: str | None = None
    color: str | None = None
    logo_url: str | None = None
    invoice_template: str | None = None

    def of_pages(self) -> Mapping[str, Any]:
        """The parameters of a Checkout page."""
        shown: dict[str, Any] = {"display_name": self.name, "button_color": self.color}
        if self.logo_url is not None:
            shown["logo"] = {"type": "url", "url": self.logo_url}
        given = {name: value for name, value in shown.items() if value is not None}
        return {"branding_settings": given} if given else {}

    def of_invoices(self) -> Mapping[str, Any]:
        """The parameters of a customer, whose invoices look like this from then on."""
        if self.invoice_template is None:
            return {}
        return {"invoice_settings": {"rendering_options": {"template": self.invoice_template}}}


AS_THE_ACCOUNT: Final = Brand()
