import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrules.drafts import Draft, Kind, Media
from postrules.limits import Platform
from postrules.previews import preview

PICTURE = Media("image", "image/jpeg", 500_000, 1080, 1080)


def test_a_preview_counts_and_says_what_becomes_a_link() -> None:
    seen = preview(Draft(Platform.X, "Read example.com #news @acme $ACME", first_comment="More"))
    (part,) = seen.parts
    assert (part.counter.length, part.counter.limit, part.counter.left) == (46, 280, 234)
    assert (seen.links, seen.hashtags, seen.mentions, seen.cashtags) == (
        ("example.com",), ("news",), ("acme",), ("ACME",),
    )  # fmt: skip
    assert seen.card == "example.com"
    assert seen.first_comment is not None
    assert seen.first_comment.text == "More"
    assert seen.proposal == ()


def test_a_card_is_shown_where_the_platform_shows_one_and_nothing_else_stands_there() -> None:
    link = "https://example.com"
    assert preview(Draft(Platform.LINKEDIN, "See", link=link)).card == link
    assert preview(Draft(Platform.LINKEDIN, "See", link=link, media=(PICTURE,))).card is None
    assert preview(Draft(Platform.INSTAGRAM, "See", link=link, media=(PICTURE,))).card is None


def test_the_fold_is_where_a_reader_meets_more_and_cuts_no_character() -> None:
    seen = preview(Draft(Platform.INSTAGRAM, "👩‍🚀" * 126, media=(PICTURE,)))
    assert seen.parts[0].fold == 125 * 3
    assert preview(Draft(Platform.INSTAGRAM, "a" * 125, media=(PICTURE,))).parts[0].fold is None


def test_linkedin_shows_the_names_of_mentions() -> None:
    seen = preview(Draft(Platform.LINKEDIN, "With @[Acme](urn:li:organization:1)"))
    assert seen.parts[0].text == "With Acme"
    assert seen.parts[0].counter.length == 9


@pytest.mark.parametrize(
    ("platform", "mentions"),
    [
        (Platform.X, ("jo",)),
        (Platform.INSTAGRAM, ("jo.doe_1",)),
        (Platform.THREADS, ("jo.doe_1",)),
        (Platform.TIKTOK, ("jo.doe_1",)),
        (Platform.YOUTUBE, ("jo.doe_1",)),
        (Platform.LINKEDIN, ("Jo Doe",)),
        (Platform.FACEBOOK, ()),
    ],
)
def test_each_platform_links_the_names_that_it_has(platform: Platform, mentions: tuple[str, ...]) -> None:
    text = "By @jo.doe_1, not me@jo.test. @[Jo Doe](urn:li:person:1)"
    assert preview(Draft(platform, text)).mentions == mentions


def test_only_linkedin_and_twitter_text_differ_in_hashtags() -> None:
    assert preview(Draft(Platform.LINKEDIN, "#tag x.com/#no a#b")).hashtags == ("tag",)
    assert preview(Draft(Platform.THREADS, "#tag x.com/#no a#b")).hashtags == ("tag",)


def test_a_text_that_is_too_long_is_shown_whole_with_a_proposal_beside_it() -> None:
    text = "One sentence of words. " * 20
    seen = preview(Draft(Platform.THREADS, text))
    assert seen.kind is Kind.POST
    assert seen.parts[0].text == text
    assert preview(Draft(Platform.X, text)).proposal != ()


@given(st.text(st.characters(codec="utf-8"), max_size=300), st.sampled_from(Platform))
def test_a_preview_leaves_nothing_out_of_a_text(text: str, platform: Platform) -> None:
    if platform is not Platform.LINKEDIN:
        assert preview(Draft(platform, text)).parts[0].text == text
