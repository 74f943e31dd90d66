"""Products: https://docs.stripe.com/api/products."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from sandbox.stripe import errors, ids
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import FLAG, ID, LIST, METADATA, PERIOD, Call, Operation, page, reading, within
from sandbox.stripe.params import Choice, Hash, List, Number, Shape, Text, noted
from sandbox.stripe.searching import searching
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

KIND: Final = Kind(
    "product",
    links={"default_price": "price", "tax_code": "tax_code"},
    searched={
        "active": "active",
        "description": "description",
        "name": "name",
        "shippable": "shippable",
        "url": "url",
    },
)
_SIZE: Final = Number(least=Decimal(0), places=2, required=True)
_CHANGES: Final[Mapping[str, Shape]] = {
    "active": FLAG,
    "description": Text(40_000),
    "images": List(Text(required=True), most=8, unsets=True),
    "marketing_features": List(Hash(name=Text(80, required=True)), most=15, unsets=True),
    "metadata": METADATA,
    "package_dimensions": Hash(height=_SIZE, length=_SIZE, weight=_SIZE, width=_SIZE, unsets=True),
    "shippable": FLAG,
    "statement_descriptor": Text(22),
    "tax_code": Text(),
    "tax_details": Hash(performance_location=Text(), tax_code=Text(), unsets=True),
    "unit_label": Text(12),
    "url": Text(),
}


CreatePrice = Callable[[Call, Mapping[str, Any]], Record]
"""Makes the price that is described with a product."""


def operations(create_price: CreatePrice, default_price: Shape) -> tuple[Operation, ...]:
    """All that is done with products."""

    def make(call: Call) -> Record:
        product = create(call.world, call.given)
        if price := call.get("default_price_data"):
            product.data["default_price"] = create_price(call, {**price, "product": product.id}).id
        return product

    filters = {
        "active": FLAG,
        "created": PERIOD,
        "ids": List(ID),
        "shippable": FLAG,
        "type": Choice("good", "service"),
        "url": ID,
    }
    creation = {
        **_CHANGES,
        "default_price_data": default_price,
        "id": ID,
        "name": Text(required=True),
        "type": Choice("good", "service"),
    }
    changes = {**_CHANGES, "default_price": Text(), "name": Text(unsets=False)}
    return (
        Operation("POST", "/v1/products", make, creation),
        Operation("GET", "/v1/products", _list, {**LIST, **filters}),
        searching(KIND, "/v1/products/search"),
        reading("product", "/v1/products/{}"),
        Operation("POST", "/v1/products/{}", _update, changes),
        Operation("DELETE", "/v1/products/{}", _delete),
    )


def create(world: World, given: Mapping[str, Any]) -> Record:
    """A new product.

    Raises:
        Refusal: The id is taken.
    """
    identifier = given.get("id")
    if identifier and world.store.get("product", identifier):
        raise errors.invalid("Product already exists.", "id", "resource_already_exists")
    now = world.now()
    data: Doc = {
        "id": identifier or ids.short_id("prod"),
        "object": "product",
        "active": given.get("active", True),
        "created": now,
        "default_price": None,
        "description": given.get("description"),
        "images": given.get("images") or [],
        "livemode": False,
        "marketing_features": given.get("marketing_features") or [],
        "metadata": noted({}, given.get("metadata", {})),
        "name": given["name"],
        "package_dimensions": _sizes(given.get("package_dimensions")),
        "shippable": given.get("shippable"),
        "statement_descriptor": given.get("statement_descriptor"),
        "tax_code": given.get("tax_code"),
        "type": given.get("type", "service"),
        "unit_label": given.get("unit_label"),
        "updated": now,
        "url": given.get("url"),
    }
    product = world.add("product", data)
    world.tell("product.created", product)
    return product


def _list(call: Call) -> Doc:
    def meant(one: Record) -> bool:
        data = one.data
        if not within(data["created"], call.get("created")) or (call.get("ids") and one.id not in call.given["ids"]):
            return False
        return all(
            data[name] == call.given[name] for name in ("active", "shippable", "type", "url") if call.has(name)
        )

    return page(call, (one for one in call.world.store.all("product") if meant(one)), kind="product")


def _update(call: Call) -> Record:
    product = call.world.need("product", call.ids[0])
    if price := call.named("price", "default_price"):
        _refuse_foreign(price, product)
    with call.world.changing(product) as data:
        for name, value in call.given.items():
            data[name] = [] if name in {"images", "marketing_features"} and value is None else value
        if call.has("metadata"):
            data["metadata"] = noted(product.data["metadata"], call.given["metadata"])
        if call.has("package_dimensions"):
            data["package_dimensions"] = _sizes(call.given["package_dimensions"])
        data.pop("tax_details", None)
        data["updated"] = call.world.now()
    return product


def _delete(call: Call) -> Doc:
    product = call.world.need("product", call.ids[0])
    if any(price.data["product"] == product.id for price in call.world.store.all("price")):
        raise errors.invalid("This product cannot be deleted because it has one or more user-created prices.", "id")
    product.deleted = True
    call.world.tell("product.deleted", product)
    return product.shown()


def _refuse_foreign(price: Record, product: Record) -> None:
    if price.data["product"] != product.id:
        raise errors.invalid(
            f"The price `{price.id}` does not belong to the product `{product.id}`.", "default_price"
        )


def _sizes(given: Mapping[str, Decimal] | None) -> Doc | None:
    return None if given is None else {name: float(size) for name, size in given.items()}
