"""What WhatsApp allows of templates, as data with source and date.

Sources: Meta's "Template components", "Template management" and "Authentication templates" pages, read 2026-06.
Where third parties differ, Meta's number stands. They change without notice: what passes here may be refused there.
"""

from collections.abc import Mapping
from typing import Final, Literal

Category = Literal["MARKETING", "UTILITY", "AUTHENTICATION"]
CATEGORIES: Final = ("MARKETING", "UTILITY", "AUTHENTICATION")

NAME_LENGTH: Final = 512
HEADER_LENGTH: Final = 60
BODY_LENGTH: Final = 1024
OFFER_BODY_LENGTH: Final = 600
CARD_BODY_LENGTH: Final = 160
FOOTER_LENGTH: Final = 60
BUTTONS: Final = 10
BUTTON_LENGTH: Final = 25
URL_LENGTH: Final = 2000
PHONE_LENGTH: Final = 20
CODE_LENGTH: Final = 15
OFFER_LENGTH: Final = 16
CARDS: Final = (2, 10)
CARD_BUTTONS: Final = (1, 2)
EXPIRATION_MINUTES: Final = (1, 90)
OTP_APPS: Final = 5

MOST_OF_A_KIND: Final[Mapping[str, int]] = {
    "QUICK_REPLY": 10,
    "URL": 2,
    "PHONE_NUMBER": 1,
    "COPY_CODE": 1,
    "FLOW": 1,
    "CATALOG": 1,
    "MPM": 1,
    "VOICE_CALL": 1,
    "OTP": 1,
}
"""Kinds of buttons, and how many of each a template may have."""

CREATIONS_PER_HOUR: Final = 100
"""For each business account."""
EDITS_PER_DAY: Final = 1
EDITS_PER_30_DAYS: Final = 10
"""Of an approved template; one that was rejected or paused may be edited without end."""
TEMPLATES_PER_ACCOUNT: Final = 6000
"""Of a business that is verified; others have 250. Every language counts."""
CALLS_PER_SECOND: Final = 1.3
"""5,000 calls an hour to one account, with some air."""
NAME_KEPT_DAYS: Final = 30
"""After a deletion nobody may use the name again for so long."""

_LANGUAGES: Final = """
    af sq ar ar_AE ar_EG ar_LB ar_MA ar_QA az be_BY bn bn_IN bg ca zh_CN zh_HK zh_TW hr cs da prs_AF nl nl_BE en
    en_AE en_AU en_CA en_GB en_GH en_IE en_IN en_JM en_MY en_NZ en_QA en_SG en_UG en_US en_ZA et fil fi fr fr_BE
    fr_CA fr_CH fr_CI fr_MA ka de de_AT de_CH el gu ha he hi hu id ga it ja kn kk rw_RW ko ky_KG lo lv lt mk ms ml mr
    nb fa ps_AF pl pt_BR pt_PT pa ro ru sr si_LK sk sl es es_AR es_CL es_CO es_CR es_DO es_EC es_ES es_HN es_MX es_PA
    es_PE es_UY sw sv ta te th tr uk ur uz vi zu
"""
LANGUAGES: Final = frozenset(_LANGUAGES.split())


def fewest_words(variables: int) -> int:
    """How many words besides its variables a body needs: one with three variables needs seven."""
    return 2 * variables + 1 if variables else 1
