"""A voice in words for a model. Whoever changes them raises `VERSION` of the prompts, and the golden set is run.

Numbers become plain words here. What people wrote into the rules and what was found in samples stands in one JSON
value of the question, as data.
"""

from generation.voices.model import Profile, Rules

_PERSONS = {
    "i": "Speaks as I.",
    "we": "Speaks as we.",
    "you": "Speaks to the reader as you, more than of itself.",
    "nobody": "Speaks of things, hardly of I, we or you.",
}


def worded(profile: Profile, rules: Rules) -> str:
    """How a brand speaks; some ten lines."""
    lines = [
        f"Sentences of about {profile.traits['sentence_words'].middle:.0f} words.",
        _PERSONS[profile.person],
        _formality(profile),
        _often(profile, "emoji", "Emoji", profile.emoji),
        _often(profile, "exclamations", "Exclamation marks"),
        _often(profile, "questions", "Questions"),
        _often(profile, "dashes", "Dashes"),
    ]
    if profile.traits["paragraphs"].middle >= 2:
        lines.append(f"About {profile.traits['paragraphs'].middle:.0f} short paragraphs.")
    if profile.vocabulary:
        lines.append(f"Words it likes, where they fit: {', '.join(profile.vocabulary[:12])}.")
    lines += [f"Do: {each}" for each in rules.do]
    lines += [f"Never: {each}" for each in rules.dont]
    if rules.banned_words:
        lines.append(f"Banned words: {', '.join(rules.banned_words)}.")
    lines += [f"Say {better} in place of {word}." for word, better in rules.preferred_words.items()]
    return "\n".join(line for line in lines if line)


def _formality(profile: Profile) -> str:
    level = profile.traits["formality"].middle
    said = "formal" if level >= 65 else "casual" if level <= 35 else "neither stiff nor casual"
    address = f", with {profile.address} address" if profile.address else ""
    return f"The tone is {said}{address}."


def _often(profile: Profile, name: str, label: str, examples: tuple[str, ...] | object = ()) -> str:
    rate = profile.traits[name].middle
    said = "never" if rate < 0.1 else "seldom" if rate < 1 else "now and then" if rate < 3 else "often"
    shown = f", such as {' '.join(examples[:4])}" if isinstance(examples, tuple) and examples else ""
    return f"{label}: {said}{shown}."
