import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from postrules import entities, forms
from postrules.entities import Entity
from postrules.weighted import V1, V2, V3, Weights, weigh

CASES = json.loads((Path(__file__).parent / "vectors" / "twitter_text.json").read_text("utf-8"))


def _texts(find: Callable[[str], list[Entity]]) -> Callable[[str], Any]:
    return lambda text: [one.text for one in find(text)]


def _placed(find: Callable[[str], list[Entity]], name: str) -> Callable[[str], Any]:
    return lambda text: [{name: one.text, "indices": [one.start, one.end]} for one in find(text)]


def _lists(text: str) -> Any:
    found = entities.mentions(text, lists=True)
    return [{"screen_name": one.text, "list_slug": one.slug, "indices": [one.start, one.end]} for one in found]


def _weighed(weights: Weights) -> Callable[[str], Any]:
    def parsed(text: str) -> Any:
        found = weigh(text, weights)
        return {
            "weightedLength": found.length,
            "valid": found.valid,
            "permillage": found.permillage,
            "displayRangeStart": 0,
            "displayRangeEnd": found.ends,
            "validRangeStart": 0,
            "validRangeEnd": found.fits,
        }

    return parsed


OURS: Mapping[str, Callable[[str], Any]] = {
    "extract.mentions": _texts(entities.mentions),
    "extract.mentions_with_indices": _placed(entities.mentions, "screen_name"),
    "extract.mentions_or_lists_with_indices": _lists,
    "extract.replies": entities.reply,
    "extract.urls": _texts(entities.urls),
    "extract.urls_with_indices": _placed(entities.urls, "url"),
    "extract.urls_with_directional_markers": _placed(entities.urls, "url"),
    "extract.tco_urls_with_params": _texts(entities.urls),
    "extract.hashtags": _texts(entities.hashtags),
    "extract.hashtags_from_astral": _texts(entities.hashtags),
    "extract.hashtags_with_indices": _placed(entities.hashtags, "hashtag"),
    "extract.cashtags": _texts(entities.cashtags),
    "extract.cashtags_with_indices": _placed(entities.cashtags, "cashtag"),
    "validate.tweets": lambda text: weigh(text, V1).valid,
    "validate.usernames": forms.is_username,
    "validate.lists": forms.is_list,
    "validate.hashtags": forms.is_hashtag,
    "validate.urls": forms.is_url,
    "validate.urls_without_protocol": lambda text: forms.is_url(text, scheme=False),
    "validate.WeightedTweetsCounterTest": _weighed(V2),
    "validate.WeightedTweetsWithDiscountedEmojiCounterTest": _weighed(V3),
    "validate.UnicodeDirectionalMarkerCounterTest": _weighed(V3),
}


@pytest.mark.parametrize("kind", [kind for kind in CASES if not kind.startswith("_")])
def test_twitter_text_is_answered_as_its_conformance_cases_say(kind: str) -> None:
    for case in CASES[kind]:
        assert OURS[kind](case["text"]) == case["expected"], case["description"]


def test_a_link_takes_23_with_a_scheme_or_without_however_long_it_is() -> None:
    assert weigh("https://example.com/" + "a" * 500).length == 23
    assert weigh("example.com/" + "a" * 500 + " x").length == 25
    assert weigh("example.invalidtop").length == 18


def test_a_link_with_a_label_that_no_name_has_is_counted_as_text() -> None:
    assert weigh("https://" + "a" * 64 + ".com").length == 76


def test_a_link_is_no_link_when_its_short_form_is_too_long() -> None:
    assert entities.urls("https://t.co/" + "a" * 41) == []
    assert len(entities.urls("https://t.co/" + "a" * 40)) == 1


@pytest.mark.parametrize("sign", ["\ufeff", "\ufffe", "\uffff"])
def test_an_invalid_character_makes_a_text_invalid(sign: str) -> None:
    assert not weigh(f"a{sign}b").valid


def test_a_text_is_counted_in_its_composed_form() -> None:
    assert weigh("e\u0301" * 280).length == 280
    assert weigh("e\u0301" * 280).valid


def test_nothing_is_no_valid_text() -> None:
    assert not weigh("").valid


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("🇩🇪", 2),
        ("🇦🇦", 4),
        ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", 2),
        ("👩\u200d🚀", 2),
        ("👩🏽\u200d🚀", 2),
        ("🧑🏻\u200d❤\ufe0f\u200d🧑🏿", 2),
        ("🏃🏽\u200d♀\ufe0f\u200d➡\ufe0f", 2),
        ("👩\u200d🍕", 5),
        ("🚀🏽", 4),
        ("1\ufe0f\u20e3", 2),
        ("©", 1),
        ("©\ufe0f", 2),
        ("☺\ufe0e", 4),
        ("漢字", 4),
    ],
)
def test_an_emoji_is_one_sign_if_unicode_recommends_its_sequence(text: str, length: int) -> None:
    assert weigh(text).length == length
