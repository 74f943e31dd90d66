"""What people write who mean harm: one table for every place in which it could come to life."""

from collections.abc import Mapping
from typing import Final

PAYLOADS: Final[Mapping[str, str]] = {
    # for a browser
    "script": "<script>window.pwned=1</script>",
    "picture": "<img src=x onerror=window.pwned=1>",
    "drawing": "<svg/onload=window.pwned=1>",
    "page": "</li></ol><iframe srcdoc='<script>parent.pwned=1</script>'>",
    "attribute": "\" onmouseover=\"window.pwned=1' autofocus onfocus='window.pwned=1",
    "link": "<a href='javascript:window.pwned=1'>click</a>",
    "address": "javascript:window.pwned=1",
    "style": "<style>*{display:none}</style>",
    "script end": "</script><!--<script>window.pwned=1",
    "character data": "]]><!--<b>",
    "entity": "&lt;script&gt; &#60;b&#62; &amp;",
    # for a template
    "braces": "{{constructor.constructor('window.pwned=1')()}}",
    "dollar": "${window.pwned=1} {% x %} <%= 7*7 %>",
    # for a stream, a header, a mail
    "frame": 'a\r\n\r\ndata: {"type":"pwned"}\r\nid: 1\r\nevent: pwned',
    "event": 'a\n\nevent: pwned\ndata: {"type":"pwned"}\n\n: b',
    "carriage": 'a\r\rdata: {"type":"pwned"}\r\rb',
    "header": "a\r\nBcc: victim@example.com\r\nContent-Type: text/html\r\n\r\n<b>b</b>",
    "letter": "a\r\n.\r\nMAIL FROM:<pwned@example.com>\r\nb",
    "encoded": "a%0d%0aSet-Cookie:%20pwned=1%00",
    # for a table
    "formula": '=HYPERLINK("http://evil.example","x")',
    "command": "@SUM(1+1)*cmd|' /C calc'!A0",
    "sum": "+1+cmd|' /C calc'!A0",
    "difference": "-2+3+cmd|' /C calc'!A0",
    "wide formula": "\uff1dHYPERLINK(1)",
    "cells": 'a","b"\r\n"c";d\t"e\n',
    # for whoever puts texts together
    "json": '"}],"items":[{"id":1}\\u0022\\',
    "sql": "'; DROP TABLE messages; --",
    "folder": "../../etc/passwd",
    # for eyes
    "turned": "\u202egnp.exe\u2066\u200b\u200d\ufeff",
    "separators": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "terminal": "\x1b[2J\x1b]0;pwned\x07 \x08\x08",
    "piled": "e" + "\u0301" * 60,
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f3fd",
    "long": "x" * 4000,
}
"""Texts by what they are for; each is to be kept and told as what it is. In a page `window.pwned` shows a failure, in
a stream or a header the word `pwned` outside a text."""

UNWRITABLE: Final[Mapping[str, str]] = {"zero": "a\0b", "half": "a\ud800b"}
"""What JSON can hold and a database cannot: refused by name, or told without it."""

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With what a cell begins that some spreadsheet takes for a formula, wide ones of Asian keyboards among them."""
