from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrules.drafts import Draft, Finding, Kind, Media, Part, Privacy
from postrules.limits import LIMITS, Platform
from postrules.measure import MEASURES
from postrules.validation import refusals, validate

PICTURE = Media("image", "image/jpeg", 500_000, 1080, 1080)
FILM = Media("video", "video/mp4", 5_000_000, 720, 1280, 20_000, 30.0)
PAPER = Media("document", "application/pdf", 1_000_000, pages=10)
GIF = Media("image", "image/gif", 1_000_000, 480, 480)


def good(platform: Platform, kind: Kind = Kind.POST) -> Draft:
    """A draft that its platform takes as it is."""
    draft = Draft(platform, "Hello", kind)
    if platform is Platform.YOUTUBE:
        draft = replace(draft, media=(FILM,), title="A film", made_for_kids=False)
    elif platform is Platform.TIKTOK:
        draft = replace(draft, media=(PICTURE if kind is Kind.CAROUSEL else FILM,), privacy=Privacy.PRIVATE)
    elif kind is Kind.CAROUSEL:
        draft = replace(draft, media=(PICTURE, PICTURE))
    elif kind is Kind.REEL:
        draft = replace(draft, media=(FILM,))
    elif kind is Kind.STORY or platform is Platform.INSTAGRAM:
        draft = replace(draft, media=(PICTURE,), text="" if kind is Kind.STORY else "Hello")
    elif kind is Kind.THREAD:
        draft = replace(draft, thread=(Part("and"), Part("more")))
    return draft


KINDS = [
    (platform, Kind(kind))
    for platform in Platform
    for kind in (LIMITS[platform].find("kinds") or LIMITS[platform].text).value  # type: ignore[union-attr]
]


def only(draft: Draft) -> Finding:
    """The one finding about a draft."""
    (finding,) = validate(draft)
    return finding


@pytest.mark.parametrize(("platform", "kind"), KINDS)
def test_a_draft_as_it_should_be_passes_in_every_kind(platform: Platform, kind: Kind) -> None:
    assert validate(good(platform, kind)) == []


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize("kind", Kind)
def test_a_kind_that_a_platform_has_not_is_said_alone(platform: Platform, kind: Kind) -> None:
    if (platform, kind) in KINDS:
        return
    finding = only(replace(good(platform), kind=kind))
    assert (finding.rule, finding.field, finding.actual) == ("kinds", "/kind", kind.value)
    assert LIMITS[platform].name in finding.detail


@pytest.mark.parametrize("platform", Platform)
def test_the_longest_text_passes_and_one_more_does_not(platform: Platform) -> None:
    limit = LIMITS[platform].text
    assert validate(replace(good(platform), text="a" * int(limit.number))) == []
    finding = only(replace(good(platform), text="a" * (int(limit.number) + 1)))
    assert (finding.field, finding.rule, finding.limit) == ("/text", "text.max", limit.value)
    assert finding.actual == limit.number + 1
    assert finding.unit == limit.unit
    assert "1" in finding.fix


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u2003"])
def test_an_empty_text_without_media_is_refused(text: str) -> None:
    assert [finding.rule for finding in validate(Draft(Platform.LINKEDIN, text))] == ["text.needed"]
    assert validate(Draft(Platform.LINKEDIN, text, media=(PICTURE,))) == []


def test_a_long_text_may_become_a_thread_where_there_are_threads() -> None:
    assert "thread of 2 parts" in only(Draft(Platform.X, "word " * 100)).fix
    assert "thread" not in only(Draft(Platform.LINKEDIN, "word " * 1000)).fix


@pytest.mark.parametrize(
    ("draft", "field", "media", "rule", "limit", "actual"),
    [
        (replace(good(Platform.INSTAGRAM), media=()), "/media", None, "media.needed", True, None),
        (Draft(Platform.INSTAGRAM, "#a " * 31, media=(PICTURE,)), "/text", None, "hashtags.max", 30, 31),
        (Draft(Platform.INSTAGRAM, "@a " * 21, media=(PICTURE,)), "/text", None, "mentions.max", 20, 21),
        (Draft(Platform.INSTAGRAM, media=(PICTURE,) * 11), "/media/10", 10, "media.max", 10, 11),
        (
            Draft(Platform.INSTAGRAM, media=(PICTURE, replace(PICTURE, mime="image/png"))),
            "/media/1", 1, "image.types", ("image/jpeg",), "image/png",
        ),
        (
            Draft(Platform.INSTAGRAM, media=(replace(PICTURE, size_bytes=8_000_001),)),
            "/media/0", 0, "image.bytes.max", 8_000_000, 8_000_001,
        ),
        (
            Draft(Platform.INSTAGRAM, media=(replace(PICTURE, width=1000, height=1500),)),
            "/media/0", 0, "image.ratio.min", 0.8, 0.6667,
        ),
        (
            Draft(Platform.INSTAGRAM, media=(replace(FILM, duration_ms=90_001),)),
            "/media/0", 0, "video.seconds.max", 90, 90.001,
        ),
        (
            Draft(Platform.INSTAGRAM, kind=Kind.STORY, media=(replace(FILM, duration_ms=61_000),)),
            "/media/0", 0, "video.seconds.max", 60, 61,
        ),
        (
            Draft(Platform.INSTAGRAM, kind=Kind.CAROUSEL, media=(PICTURE,)),
            "/media", None, "media.min", 2, 1,
        ),
        (Draft(Platform.INSTAGRAM, kind=Kind.REEL, media=(PICTURE,)), "/media/0", 0, "images.max", 0, 1),
        (
            Draft(Platform.INSTAGRAM, media=(replace(PICTURE, alt="a" * 1001),)),
            "/media/0/alt", 0, "alt.max", 1000, 1001,
        ),
        (Draft(Platform.X, media=(PICTURE,) * 5), "/media/4", 4, "images.max", 4, 5),
        (Draft(Platform.X, media=(PICTURE, FILM)), "/media/1", 1, "media.mixed", False, "a video"),
        (Draft(Platform.X, media=(PICTURE, GIF)), "/media/1", 1, "media.mixed", False, "an animated picture"),
        (Draft(Platform.X, media=(GIF, GIF)), "/media/1", 1, "animations.max", 1, 2),
        (Draft(Platform.X, "$A and $B"), "/text", None, "cashtags.max", 1, 2),
        (Draft(Platform.X, "a\ufeffb"), "/text", None, "text.invalid", None, "U+FEFF"),
        (
            Draft(Platform.X, media=(replace(FILM, width=1921),)),
            "/media/0", 0, "video.side.max", 1280, 1921,
        ),
        (Draft(Platform.X, "a", thread=(Part("b"), Part("c" * 281))), "/thread/1/text", None, "text.max", 280, 281),
        (Draft(Platform.X, "a", thread=(Part("b"), Part(" "))), "/thread/1/text", None, "text.needed", None, None),
        (Draft(Platform.X, "a", thread=(Part("b"),) * 25), "/thread", None, "thread.parts.max", 25, 26),
        (Draft(Platform.X, "a", first_comment="b" * 281), "/first_comment", None, "comment.max", 280, 281),
        (
            Draft(Platform.X, "a", thread=(Part("b"), Part("c", (PICTURE,) * 5))),
            "/thread/1/media/4", 4, "images.max", 4, 5,
        ),
        (Draft(Platform.LINKEDIN, "a", thread=(Part("b"),)), "/thread", None, "thread.allowed", None, 1),
        (
            Draft(Platform.LINKEDIN, "a", media=(replace(FILM, duration_ms=601_000),), account="member"),
            "/media/0", 0, "video.seconds.max", 600, 601,
        ),
        (
            Draft(Platform.LINKEDIN, "a", media=(replace(PAPER, pages=301),)),
            "/media/0", 0, "document.pages.max", 300, 301,
        ),
        (Draft(Platform.LINKEDIN, "a", media=(PAPER, PAPER)), "/media/1", 1, "documents.max", 1, 2),
        (Draft(Platform.LINKEDIN, "a", media=(PICTURE, PAPER)), "/media/1", 1, "media.mixed", False, "a document"),
        (
            Draft(Platform.LINKEDIN, "a", privacy=Privacy.FRIENDS, account="organization"),
            "/privacy", None, "privacy", ("public",), "friends",
        ),
        (Draft(Platform.THREADS, "a", media=(PAPER,)), "/media/0", 0, "documents.max", None, 1),
        (
            Draft(Platform.THREADS, " ".join(f"a{n}.com" for n in range(6))),
            "/text", None, "links.max", 5, 6,
        ),
        (replace(good(Platform.YOUTUBE), title=""), "/title", None, "title.needed", True, None),
        (replace(good(Platform.YOUTUBE), title="a" * 101), "/title", None, "title.max", 100, 101),
        (replace(good(Platform.YOUTUBE), title="a<b"), "/title", None, "title.without", ("<", ">"), "<"),
        (replace(good(Platform.YOUTUBE), text="a>b"), "/text", None, "text.without", ("<", ">"), ">"),
        (replace(good(Platform.YOUTUBE), text="é" * 2501), "/text", None, "text.max", 5000, 5002),
        (replace(good(Platform.YOUTUBE), tags=("a b",) * 101), "/tags", None, "tags.max", 500, 605),
        (replace(good(Platform.YOUTUBE), media=(PICTURE,)), "/media/0", 0, "images.max", 0, 1),
        (
            replace(good(Platform.YOUTUBE), kind=Kind.SHORT, media=(replace(FILM, width=1920, height=1080),)),
            "/media/0", 0, "video.ratio.max", 1, 1.7778,
        ),
        (replace(good(Platform.TIKTOK), privacy=None), "/privacy", None, "privacy.needed", None, None),
        (replace(good(Platform.TIKTOK), first_comment="a"), "/first_comment", None, "comment.allowed", None, None),
        (replace(good(Platform.TIKTOK), media=(PICTURE,), title="a" * 91), "/title", None, "title.max", 90, 91),
        (
            replace(good(Platform.TIKTOK), media=(replace(FILM, frames_per_second=61),)),
            "/media/0", 0, "video.fps.max", 60, 61,
        ),
        (
            Draft(Platform.FACEBOOK, kind=Kind.REEL, media=(replace(FILM, width=500),)),
            "/media/0", 0, "video.width.min", 540, 500,
        ),
        (Draft(Platform.FACEBOOK, link="ftp://a.com"), "/link", None, "link.form", None, None),
    ],
)  # fmt: skip
def test_a_finding_names_the_field_the_item_the_rule_the_limit_and_what_there_is(
    draft: Draft, field: str, media: int | None, rule: str, limit: object, actual: object
) -> None:
    found = [one for one in refusals(draft) if one.rule == rule]
    assert [(one.field, one.media, one.limit, one.actual) for one in found] == [(field, media, limit, actual)]
    assert found[0].platform is draft.platform
    assert found[0].detail.endswith(".")
    assert found[0].fix.endswith(".")


@pytest.mark.parametrize(
    ("draft", "rule"),
    [
        (Draft(Platform.INSTAGRAM, "see a.com", media=(PICTURE,)), "link.clickable"),
        (Draft(Platform.INSTAGRAM, "a", Kind.STORY, media=(PICTURE,)), "text.allowed"),
        (Draft(Platform.X, "a", title="b"), "title.allowed"),
        (Draft(Platform.X, "a", tags=("b",)), "tags.allowed"),
        (Draft(Platform.THREADS, "#a #b"), "hashtags.linked"),
        (Draft(Platform.LINKEDIN, "a", ai_label=True), "ai_label"),
        (Draft(Platform.LINKEDIN, "a", media=(replace(FILM, alt="b"),)), "alt.kinds"),
        (replace(good(Platform.YOUTUBE), made_for_kids=None), "made_for_kids.asked"),
    ],
)
def test_what_a_platform_would_leave_out_is_said_and_does_not_block(draft: Draft, rule: str) -> None:
    finding = only(draft)
    assert finding.rule == rule
    assert not finding.blocks
    assert refusals(draft) == []


@pytest.mark.parametrize(
    ("draft", "kind"),
    [
        (Draft(Platform.INSTAGRAM, media=(FILM,)), Kind.REEL),
        (Draft(Platform.INSTAGRAM, media=(FILM, PICTURE)), Kind.CAROUSEL),
        (Draft(Platform.INSTAGRAM, media=(PICTURE,)), Kind.POST),
        (Draft(Platform.TIKTOK, media=(PICTURE,)), Kind.CAROUSEL),
        (Draft(Platform.TIKTOK, media=(FILM,)), Kind.POST),
        (Draft(Platform.THREADS, "a", thread=(Part("b"),)), Kind.THREAD),
        (Draft(Platform.LINKEDIN, "a", media=(PICTURE, PICTURE)), Kind.POST),
    ],
)
def test_a_common_post_is_published_as_what_its_media_and_parts_make_of_it(draft: Draft, kind: Kind) -> None:
    assert draft.published_as is kind


def test_a_link_without_a_place_of_its_own_stands_in_the_text_and_counts() -> None:
    link = "https://example.com/page"
    assert Draft(Platform.LINKEDIN, "See", link=link).sent_text == "See"
    assert Draft(Platform.LINKEDIN, "See", link=link, media=(PICTURE,)).sent_text == f"See\n\n{link}"
    assert Draft(Platform.X, f"See {link}", link=link).sent_text == f"See {link}"
    assert only(Draft(Platform.X, "a" * 256, link=link)).actual == 256 + 2 + 23


MEDIA = st.builds(
    Media,
    st.sampled_from(["image", "video", "document"]),
    st.sampled_from(["image/jpeg", "image/gif", "video/mp4", "application/pdf", "", "text/plain"]),
    *(st.none() | st.integers(0, 10**10) for _ in range(4)),
    st.none() | st.floats(0, 240),
    st.none() | st.integers(0, 1000),
    st.none() | st.booleans(),
    st.text(max_size=20),
)
DRAFTS = st.builds(
    Draft,
    st.sampled_from(Platform),
    st.text(max_size=400) | st.text(max_size=30).map(lambda text: text * 20),
    st.sampled_from(Kind),
    st.text(max_size=120),
    st.sampled_from(["", "https://example.com", "not a link"]),
    st.lists(st.builds(Part, st.text(max_size=300)), max_size=3).map(tuple),
    st.text(max_size=310),
    st.lists(MEDIA, max_size=6).map(tuple),
    st.none() | st.sampled_from(Privacy),
    st.booleans(),
    st.none() | st.booleans(),
    st.lists(st.text(max_size=60), max_size=12).map(tuple),
    st.sampled_from(["", "member", "organization"]),
)


@given(DRAFTS)
def test_any_draft_is_judged_and_every_finding_can_be_acted_on(draft: Draft) -> None:
    for finding in validate(draft):
        assert finding.field.startswith("/")
        assert finding.detail
        assert finding.fix
        assert finding.media is None or finding.media < len(draft.media)
        assert (finding.media is None) == (not finding.field.startswith("/media/"))


@given(DRAFTS)
def test_what_passes_is_within_the_limit_of_text(draft: Draft) -> None:
    limit = draft.limit("text.max")
    if refusals(draft) or limit is None or not draft.holds("text.allowed", default=True):
        return
    for text in (draft.sent_text, *(part.text for part in draft.thread)):
        assert MEASURES[limit.unit](text) <= limit.number or draft.platform is Platform.LINKEDIN
