from datetime import date
from pathlib import Path

import pytest

from postrules.limits import LIMITS, RULES, Platform, read
from postrules.reference import PAGE, page
from postrules.versions import SPOKEN

ROOT = Path(__file__).parents[3]
ROW = """
name = "Somewhere"
[sources]
here = { text = "Said here", as_of = 2026-11-30 }
[[rules]]
rule = "RULE"
value = 1
unit = "UNIT"
source = "here"
confidence = "CONFIDENCE"
"""


@pytest.mark.parametrize("platform", Platform)
def test_every_limit_says_where_and_when_it_was_read_and_how_sure_we_are(platform: Platform) -> None:
    limits = LIMITS[platform]
    assert limits.name
    for limit in limits:
        assert limit.rule in RULES
        assert limit.source
        assert date(2018, 1, 1) < limit.as_of < date(2030, 1, 1)
        assert limit.confidence in ("confirmed", "reported", "assumed")


@pytest.mark.parametrize("platform", Platform)
def test_every_platform_says_which_kinds_how_long_and_how_fast(platform: Platform) -> None:
    limits = LIMITS[platform]
    assert {"kinds", "text.max", "privacy", "pace", "posts.day"} <= {limit.rule for limit in limits}
    assert limits.text.number > 0
    assert 0 < limits.pace.number <= 1


def test_a_limit_may_be_another_for_a_kind_of_post_or_of_account() -> None:
    linkedin, instagram = LIMITS[Platform.LINKEDIN], LIMITS[Platform.INSTAGRAM]
    most = {who: linkedin.find("video.seconds.max", account=who) for who in ("", "member", "organization")}
    assert [limit and limit.value for limit in most.values()] == [600, 600, 1800]
    story, reel = (instagram.find("video.seconds.max", kind=kind) for kind in ("story", "reel"))
    assert (story and story.value, reel and reel.value) == (60, 90)
    assert instagram.find("documents.max") is None


@pytest.mark.parametrize(
    ("platform", "rule", "kind", "value"),
    [
        (Platform.INSTAGRAM, "posts.day", "", 50),
        (Platform.INSTAGRAM, "video.seconds.max", "reel", 90),
        (Platform.INSTAGRAM, "video.bytes.max", "reel", 300_000_000),
        (Platform.FACEBOOK, "image.bytes.max", "", 4_000_000),
        (Platform.FACEBOOK, "video.seconds.max", "reel", 90),
        (Platform.LINKEDIN, "posts.day", "", 100),
        (Platform.X, "video.seconds.max", "", 140),
        (Platform.TIKTOK, "posts.day", "", 15),
    ],
)
def test_where_sources_disagree_the_lower_is_taken_and_the_note_says_so(
    platform: Platform, rule: str, kind: str, value: float
) -> None:
    limit = LIMITS[platform].find(rule, kind=kind)
    assert limit is not None
    assert limit.value == value
    assert "isagree" in limit.note


@pytest.mark.parametrize(
    ("rule", "unit", "confidence"),
    [("text.maximum", "count", "assumed"), ("text.max", "inches", "assumed"), ("text.max", "count", "certain")],
)
def test_a_data_file_with_a_word_that_does_not_exist_is_not_read(rule: str, unit: str, confidence: str) -> None:
    text = ROW.replace("RULE", rule).replace("UNIT", unit).replace("CONFIDENCE", confidence)
    with pytest.raises(ValueError, match="does not exist"):
        read(Platform.X, text)


def test_a_data_file_that_says_one_thing_twice_is_not_read() -> None:
    text = ROW.replace("RULE", "text.max").replace("UNIT", "count").replace("CONFIDENCE", "assumed")
    with pytest.raises(ValueError, match="twice"):
        read(Platform.X, text + text[text.index("[[rules]]") :])


def test_the_page_of_the_documentation_is_that_of_the_data() -> None:
    assert (ROOT / PAGE).read_text("utf-8") == page(), "run make docs"


def test_a_version_says_when_it_is_switched_off() -> None:
    assert SPOKEN[Platform.LINKEDIN].days_left(date(2027, 4, 30)) == 1
