"""Tax ids of customers: https://docs.stripe.com/billing/customer/tax-ids, with the documented test values."""

import re
from collections.abc import Mapping
from typing import Final

from sandbox.stripe import errors, ids
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import ID, LIST, Call, Operation, page
from sandbox.stripe.params import Choice, Hash, Text
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

_ALL: Final = (
    "ad_nrt ae_trn al_tin am_tin ao_tin ar_cuit au_abn au_acn au_arn au_wpn aw_tin az_tin ba_tin bb_tin bd_bin "
    "bf_ifu bg_uic bh_vat bj_ifu bo_tin br_cnpj br_cpf bs_tin bw_vat by_tin ca_bn ca_gst_hst ca_pst_bc ca_pst_mb "
    "ca_pst_sk ca_qst cd_nif ch_uid ch_vat ci_vat cl_tin cm_niu cn_tin co_nit cr_tin cv_nif cz_dic de_stn do_rcn "
    "ec_ruc eg_tin es_cif et_tin eu_oss_vat eu_vat fo_vat fr_siren fr_siret fr_spi gb_vat ge_vat gh_tin gi_tin "
    "gn_nif hk_br hr_oib hu_tin ic_nif id_npwp il_vat in_gst is_kt is_vat it_cf jp_cn jp_rn jp_trn ke_pin kg_tin "
    "kh_tin kr_brn kz_bin la_tin li_uid li_vat lk_vat ma_vat md_cf md_vat me_pib mk_vat mr_nif mu_vat mx_rfc "
    "my_frp my_itn my_sst mz_nuit ng_tin no_vat no_voec np_pan nz_bn nz_gst om_vat pe_ruc ph_tin pl_nip pt_nif "
    "py_ruc ro_tin rs_pib ru_inn ru_kpp sa_vat sg_gst sg_uen si_tin sm_coe sn_ninea sr_fin sv_nit th_vat tj_tin "
    "tr_tin tt_bir tt_vat tw_vat tz_vat ua_vat ug_tin us_ein uy_ruc uz_tin uz_vat ve_rif vn_tin za_vat zm_tin "
    "zw_tin "
)
TYPES: Final = tuple(_ALL.split())
NEW: Final = Hash(type=Choice(*TYPES, required=True), value=Text(required=True))
KIND: Final = Kind("tax_id", noun="tax id", links={"customer": "customer", "owner.customer": "customer"})

_PATH: Final = "/v1/customers/{}/tax_ids"
_VERIFIED: Final = frozenset({"eu_vat", "gb_vat", "au_abn"})
"""What is asked of an authority; all else is taken as it is."""
_OUTCOMES: Final = {"000000000": "verified", "111111111": "unverified", "222222222": "pending"}
_EU: Final = "AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI"
_FORMS: Final[Mapping[str, str]] = {
    "au_abn": r"[0-9]{11}|[0-9]{9}",
    "ch_vat": r"CHE-?[0-9]{3}\.?[0-9]{3}\.?[0-9]{3} ?(MWST|TVA|IVA)",
    "eu_vat": rf"({_EU})[A-Z0-9+*]{{2,12}}",
    "gb_vat": r"GB[0-9]{9}([0-9]{3})?",
    "jp_trn": r"T[0-9]{13}",
    "us_ein": r"[0-9]{2}-?[0-9]{7}",
}


def operations() -> tuple[Operation, ...]:
    """All that is done with tax ids."""
    return (
        Operation("POST", _PATH, _create, NEW.fields),
        Operation("GET", _PATH, _list, LIST),
        Operation("GET", _PATH + "/{}", _read),
        Operation("DELETE", _PATH + "/{}", _delete),
        Operation("GET", "/v1/tax_ids/{}", lambda call: call.world.need("tax_id", call.ids[0])),
        Operation("GET", "/v1/tax_ids", _all, {**LIST, "owner": Hash(customer=ID, type=Choice("customer"))}),
    )


def refuse_value(kind: str, value: str, at: str = "value") -> None:
    """Refuse what has not the form of its kind.

    Raises:
        Refusal: It has not.
    """
    form = _FORMS.get(kind)
    if form and not re.fullmatch(form, value.replace(" ", "") if kind != "ch_vat" else value):
        raise errors.invalid(f"Invalid value for {kind}.", at, "tax_id_invalid")


def create(world: World, customer: Record, given: Mapping[str, str]) -> Record:
    """A new tax id of a customer; where it is verified, the outcome follows at once by an event.

    Raises:
        Refusal: It has not the form of its kind.
    """
    kind, value = given["type"], given["value"]
    refuse_value(kind, value)
    asked = kind in _VERIFIED
    data: Doc = {
        "id": ids.long_id("txi"),
        "object": "tax_id",
        "country": value[:2].replace("EL", "GR") if kind == "eu_vat" else kind[:2].upper(),
        "created": world.now(customer.clock),
        "customer": customer.id,
        "customer_account": None,
        "livemode": False,
        "owner": {"customer": customer.id, "customer_account": None, "type": "customer"},
        "type": kind,
        "value": value,
        "verification": {
            "status": "pending" if asked else "unavailable",
            "verified_address": None,
            "verified_name": None,
        },
    }
    made = world.add("tax_id", data, clock=customer.clock)
    world.tell("customer.tax_id.created", made)
    return made


def verify(world: World, made: Record) -> None:
    """What the authority says: the documented test values have the outcomes they are for, all others are real."""
    outcome = next((out for digits, out in _OUTCOMES.items() if digits in made.data["value"]), "verified")
    if made.data["type"] not in _VERIFIED or outcome == "pending":
        return
    with world.changing(made, "customer.tax_id.updated") as data:
        found = outcome == "verified"
        data["verification"] = {
            "status": outcome,
            "verified_address": "123 TEST STREET" if found else None,
            "verified_name": "TEST" if found else None,
        }


def _create(call: Call) -> Doc:
    customer = call.world.need("customer", call.ids[0])
    made = create(call.world, customer, {"type": call.given["type"], "value": call.given["value"]})
    answer = made.shown()
    verify(call.world, made)
    return answer


def _list(call: Call) -> Doc:
    customer = call.world.need("customer", call.ids[0])
    mine = (one for one in call.world.store.all("tax_id") if one.data["customer"] == customer.id)
    return page(call, mine, kind="tax_id")


def _all(call: Call) -> Doc:
    whose = (call.get("owner") or {}).get("customer")
    found = (one for one in call.world.store.all("tax_id") if whose in {None, one.data["customer"]})
    return page(call, found, kind="tax_id")


def _read(call: Call) -> Record:
    found = call.world.need("tax_id", call.ids[1])
    if found.data["customer"] != call.ids[0]:
        raise errors.no_such("tax id", call.ids[1])
    return found


def _delete(call: Call) -> Doc:
    found = _read(call)
    found.deleted = True
    call.world.tell("customer.tax_id.deleted", found)
    return found.shown()
