"""Sealing at rest: small secrets under one key (`Sealer`), fields of tenants and people under theirs (`Keyring`)."""

from kit.seal.batches import KeyBatch
from kit.seal.keyring import Keyring
from kit.seal.master import LocalMasterKey, MasterKey, UnknownMasterKey
from kit.seal.model import KeptElsewhere, KeyShredded
from kit.seal.sealer import BadSealingKey, SealBroken, Sealer

__all__ = (
    "BadSealingKey",
    "KeptElsewhere",
    "KeyBatch",
    "KeyShredded",
    "Keyring",
    "LocalMasterKey",
    "MasterKey",
    "SealBroken",
    "Sealer",
    "UnknownMasterKey",
)
