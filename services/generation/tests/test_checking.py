"""Whatever a model returns: what is kept is valid for its platform, or there is a fault that says why not."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from generation.generations import checking, prompts
from generation.generations.model import Text, Wanted
from generation.providers.compaction import compact
from generation.providers.phrases import PHRASES
from generation.providers.prices import published
from generation.voices.languages import COMMON, other_than
from postrules import text_rules
from postrules.drafts import Draft, Kind, Part
from postrules.limits import Platform

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
TEXTS = st.one_of(st.text(max_size=400), st.text(alphabet="aé漢👍🏽 #@\u202e", max_size=4000), st.just("word " * 700))
PLACES = st.fixed_dictionaries(
    {"text": TEXTS},
    optional={"hashtags": st.lists(TEXTS, max_size=4), "parts": st.lists(TEXTS, max_size=3), "title": TEXTS},
)
WANTED = st.builds(
    Wanted,
    kind=st.sampled_from(["captions", "thread"]),
    subject=st.just("a shop"),
    platforms=st.lists(st.sampled_from(list(Platform)), min_size=1, max_size=3, unique=True).map(tuple),
    hashtags=st.integers(0, 3),
    parts=st.integers(0, 2),
)


def valid(text: Text) -> bool:
    """Whether the platform takes it as it is."""
    kind = Kind.THREAD if text.parts else Kind.POST
    draft = Draft(text.platform, text.published, kind=kind, thread=tuple(map(Part, text.parts)))
    return not [each for each in text_rules.check(draft) if each.blocks and each.field != "/title"]


@settings(max_examples=150, deadline=None)
@given(WANTED, st.one_of(JSON, st.dictionaries(st.sampled_from(["p1", "p2", "p3"]), PLACES)))
def test_what_is_kept_is_valid_and_what_is_not_has_a_reason(wanted: Wanted, answer: Any) -> None:
    slots = list(wanted.slots)
    texts, faults = checking.read(json.dumps(answer), wanted, slots)
    assert {each.slot for each in texts} | {each.slot for each in faults} >= set(slots) or None in {
        each.slot for each in faults
    }
    for text in texts:
        assert text.text.strip() == text.text != ""
        assert len(text.hashtags) <= wanted.hashtags
        assert valid(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=2000))
def test_what_is_no_json_is_a_fault(answer: str) -> None:
    wanted = Wanted("captions", "a shop", (Platform.X,))
    texts, faults = checking.read(answer, wanted, list(wanted.slots))
    assert texts == []
    assert all(each.says for each in faults)
    assert faults


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=500))
def test_whatever_people_write_stays_in_its_place(subject: str) -> None:
    wanted = Wanted("captions", subject, (Platform.X, Platform.LINKEDIN))
    ask = prompts.ask(wanted, wanted.slots)
    system, user = ask.messages
    assert (system.role, user.role) == ("system", "user")
    assert json.loads(user.text).get("subject", "") == compact(subject)
    assert "\n" not in user.text
    assert system.text == prompts.ask(Wanted("captions", "", (Platform.X,)), ()).messages[0].text


def test_languages_are_told_apart() -> None:
    for language, phrases in PHRASES.items():
        text = " ".join(phrases).format(subject="Rostrum")
        assert not other_than(language, text)
        others = [other for other in COMMON if other != language and not other_than(other, text)]
        assert others == [], (language, others)


def test_the_price_of_a_model_is_exact_and_rounded_up() -> None:
    mini = published()["gpt-5.4-mini"]
    assert mini.most(1, 0) == 1
    assert mini.most(1_000_000, 1_000_000) == 5_250_000
    assert mini.most(1_000_000, 1_000_000, batch=True) == 2_625_000
    assert all(each.source and each.read_on for each in published().values())
