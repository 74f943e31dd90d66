"""What a first draft says: by template and goal, in English and German. Our own words, to be changed at will."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

_OPENINGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": MappingProxyType(
            {
                "craft": "From today you can look over our shoulder: at the bench, and at what becomes of it.",
                "food": "From today we show you what comes out of our kitchen, and who stands behind it.",
                "advice": "From today we answer here, in plain words, what we are asked most often.",
                "shop": "From today you see first here what is new on our shelves, and why we chose it.",
                "health": "From today we share here what does you good: exercises, habits, honest answers.",
                "community": "From today we tell you here what we do together, and how you can join in.",
            }
        ),
        "de": MappingProxyType(
            {
                "craft": "Ab heute dürfen Sie uns über die Schulter schauen: an der Werkbank und beim Ergebnis.",
                "food": "Ab heute zeigen wir hier, was aus unserer Küche kommt und wer dahintersteht.",
                "advice": "Ab heute beantworten wir hier in klaren Worten, was wir am häufigsten gefragt werden.",
                "shop": "Ab heute sehen Sie hier zuerst, was neu im Regal steht und warum wir es ausgesucht haben.",
                "health": "Ab heute teilen wir hier, was guttut: Übungen, Gewohnheiten, ehrliche Antworten.",
                "community": "Ab heute erzählen wir hier, was wir gemeinsam tun und wie Sie mitmachen können.",
            }
        ),
    }
)
_CLOSINGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": MappingProxyType(
            {
                "be_seen": "If you know somebody who would like this, show it to them.",
                "post_regularly": "There will be something new every week.",
                "answer_faster": "Write to us whenever you have a question; we answer.",
                "win_customers": "Would you like to know more? Write to us.",
                "understand_numbers": "Tell us what you would like to see more of.",
            }
        ),
        "de": MappingProxyType(
            {
                "be_seen": "Wenn Sie jemanden kennen, dem das gefällt: Zeigen Sie es weiter.",
                "post_regularly": "Jede Woche gibt es etwas Neues.",
                "answer_faster": "Schreiben Sie uns, wenn Sie eine Frage haben; wir antworten.",
                "win_customers": "Sie möchten mehr wissen? Schreiben Sie uns.",
                "understand_numbers": "Sagen Sie uns, wovon Sie gern mehr sehen möchten.",
            }
        ),
    }
)
_HELLO: Final[Mapping[str, str]] = MappingProxyType(
    {"en": "Hello! From today you find us here, too.", "de": "Guten Tag! Ab heute finden Sie uns auch hier."}
)


def first_words(template: str, goals: Sequence[str], language: str) -> str:
    """The text of a first draft; a template, goal or language that is not known yet is passed over."""
    spoken = language if language in _OPENINGS else "en"
    opening = _OPENINGS[spoken].get(template, _HELLO[spoken])
    closings = [_CLOSINGS[spoken][goal] for goal in goals if goal in _CLOSINGS[spoken]][:1]
    return "\n\n".join([opening, *closings])
