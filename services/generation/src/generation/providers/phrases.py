"""Sentences that our own program writes with; each makes sense alone, `{subject}` is what the text is about."""

from collections.abc import Mapping, Sequence
from typing import Final

PHRASES: Final[Mapping[str, Sequence[str]]] = {
    "en": (
        "Here is what we have been working on: {subject}.",
        "We made this for you, and we can not wait to hear what you think.",
        "It is simple, it is quick, and it is ready today.",
        "What would you like to know about it?",
        "Tell us in the comments what you would try first.",
        "There is more to come this week, so stay with us.",
    ),
    "de": (
        "Daran haben wir gearbeitet: {subject}.",
        "Das haben wir für euch gemacht, und wir sind gespannt auf eure Meinung.",
        "Es ist einfach, es ist schnell, und es ist ab heute da.",
        "Was möchtet ihr darüber wissen?",
        "Schreibt uns, was ihr zuerst ausprobiert.",
        "Diese Woche kommt noch mehr, also bleibt bei uns.",
    ),
    "fr": (
        "Voici ce que nous avons préparé : {subject}.",
        "Nous l'avons fait pour vous, et nous avons hâte de vous lire.",
        "C'est simple, c'est rapide, et c'est prêt dès aujourd'hui.",
        "Que voulez-vous savoir ?",
        "Dites-nous dans les commentaires ce que vous allez essayer.",
        "La suite arrive cette semaine, restez avec nous.",
    ),
    "es": (
        "Esto es lo que hemos preparado: {subject}.",
        "Lo hemos hecho para ti y queremos saber qué te parece.",
        "Es sencillo, es rápido y ya está listo hoy.",
        "¿Qué te gustaría saber?",
        "Cuéntanos en los comentarios qué vas a probar primero.",
        "Esta semana hay más, así que no te vayas.",
    ),
    "it": (
        "Ecco su che cosa abbiamo lavorato: {subject}.",
        "Lo abbiamo fatto per voi e non vediamo l'ora di sapere che cosa ne pensate.",
        "È semplice, è veloce ed è pronto da oggi.",
        "Che cosa volete sapere?",
        "Scrivete nei commenti che cosa provate per primo.",
    ),
    "pt": (
        "Foi nisto que trabalhámos: {subject}.",
        "Fizemos isto para si e queremos saber o que pensa.",
        "É simples, é rápido e está pronto hoje.",
        "O que gostaria de saber?",
        "Diga-nos nos comentários o que vai experimentar.",
    ),
    "nl": (
        "Hier hebben we aan gewerkt: {subject}.",
        "We hebben dit voor jullie gemaakt en we zijn benieuwd wat jullie ervan vinden.",
        "Het is simpel, het is snel en het is er vanaf vandaag.",
        "Wat willen jullie erover weten?",
        "Laat het ons weten in de reacties.",
    ),
}
