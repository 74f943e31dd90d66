from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from billing.customers.details import Details
from billing.customers.model import Customer
from kit.http.models import Line, Model, Out

Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^\s@<>\x00-\x1f]+@[^\s@<>\x00-\x1f]+$")
]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["DE"])]
TaxIdType = Literal["au_abn", "ca_bn", "ch_vat", "eu_vat", "gb_vat", "jp_trn", "no_vat", "us_ein"]
Memo = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*$")
]


class ChangeDetails(Model):
    """What shall stand on invoices; what is left out stays, null takes it away."""

    name: Line | None = None
    email: Email | None = Field(None, description="Where invoices are mailed to.")
    line1: Line | None = None
    line2: Line | None = None
    city: Line | None = None
    state: Line | None = None
    postal_code: Annotated[Line, Field(max_length=20)] | None = None
    country: Country | None = None
    tax_id_type: TaxIdType | None = None
    tax_id: Annotated[Line, Field(max_length=40, examples=["DE123456789"])] | None = None
    memo: Memo | None = Field(None, description="Stands at the foot of each invoice, such as an order number.")

    def given(self) -> dict[str, Any]:
        """What was said."""
        return self.model_dump(include=self.model_fields_set)


class DetailsOut(Out):
    """What stands on an organization's invoices."""

    name: str | None
    email: str | None
    line1: str | None
    line2: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str | None
    tax_id_type: str | None
    tax_id: str | None
    memo: str | None
    told: str = Field(
        description="Whether the payment provider has it: none, telling, told or refused.", examples=["told"]
    )
    reason: str = Field(description="Why it was refused.")
    version: int

    @classmethod
    def of(cls, customer: Customer, details: Details) -> Self:
        """The details as people see them."""
        names = set(cls.model_fields) - {"told", "reason", "version"}
        return cls(
            **{name: getattr(details, name) for name in names},
            told=customer.details_state,
            reason=customer.details_reason,
            version=customer.version,
        )
