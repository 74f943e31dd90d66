"""Tax rates: https://docs.stripe.com/api/tax_rates."""

from decimal import Decimal
from typing import Final

from sandbox.stripe import ids
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import FLAG, METADATA, PERIOD, Call, Operation, listing, reading
from sandbox.stripe.params import Choice, Flag, Number, Text, noted
from sandbox.stripe.store import Doc, Record

KIND: Final = Kind("tax_rate", noun="tax rate")
_PATH: Final = "/v1/tax_rates"


def operations() -> tuple[Operation, ...]:
    """All that is done with tax rates; a percentage is never changed."""
    about = {
        "active": FLAG,
        "country": Text(2),
        "description": Text(),
        "display_name": Text(50, unsets=False),
        "jurisdiction": Text(50),
        "metadata": METADATA,
        "state": Text(2),
        "tax_type": Choice("amusement_tax", "gst", "hst", "jct", "pst", "qst", "sales_tax", "service_tax", "vat"),
    }
    creation = {
        **about,
        "display_name": Text(50, required=True),
        "inclusive": Flag(required=True),
        "percentage": Number(most=Decimal(100), places=4, required=True),
    }
    return (
        Operation("POST", _PATH, _create, creation),
        listing("tax_rate", "active", "inclusive", path=_PATH, active=FLAG, created=PERIOD, inclusive=FLAG),
        reading("tax_rate", _PATH + "/{}"),
        Operation("POST", _PATH + "/{}", _update, about),
    )


def _create(call: Call) -> Record:
    given = call.given
    percentage = float(given["percentage"])
    data: Doc = {
        "id": ids.long_id("txr"),
        "object": "tax_rate",
        "active": given.get("active", True),
        "country": given.get("country"),
        "created": call.world.now(),
        "description": given.get("description"),
        "display_name": given["display_name"],
        "effective_percentage": percentage,
        "flat_amount": None,
        "inclusive": given["inclusive"],
        "jurisdiction": given.get("jurisdiction"),
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": noted({}, given.get("metadata", {})),
        "percentage": percentage,
        "rate_type": "percentage",
        "state": given.get("state"),
        "tax_type": given.get("tax_type"),
    }
    rate = call.world.add("tax_rate", data)
    call.world.tell("tax_rate.created", rate)
    return rate


def _update(call: Call) -> Record:
    rate = call.world.need("tax_rate", call.ids[0])
    with call.world.changing(rate) as data:
        for name in set(call.given) - {"metadata"}:
            data[name] = call.given[name]
        if call.has("metadata"):
            data["metadata"] = noted(data["metadata"], call.given["metadata"])
    return rate
