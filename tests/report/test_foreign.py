"""Foreign text never reaches a reader as anything but characters that show."""

import io
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.report.foreign import any_encoding, one_line, safe, say, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢", "plain é 漢"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b2J", "\\x9b2J"),
        ("\ud800", "\\ud800"),
        ("a\nb", "a\\nb"),
        ("\u202egnp", "\\u202egnp"),
        ("\u2028", "\\u2028"),
        ("\x00", "\\x00"),
        ("[red]x[/red]", "[red]x[/red]"),
    ],
)
def test_visible_escapes_what_does_not_show_as_itself(text, shown):
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_visible_can_be_encoded_and_holds_no_control(text):
    shown = visible(text)
    shown.encode("utf-8")
    assert all(unicodedata.category(c)[0] != "C" for c in shown)
    assert visible(shown) == shown


def test_visible_keeps_what_it_is_told_to():
    assert visible("a\n\tb\x07", keep="\n\t") == "a\n\tb\\x07"


def test_one_line_has_no_breaks():
    assert one_line(" a\n\tb\x85c\x1b") == "a b c\\x1b"


def test_safe_reaches_into_structures():
    assert safe({"a\x1b": ["\ud800", (1, "\n")]}) == {"a\\x1b": ["\\ud800", [1, "\n"]]}


def test_say_writes_what_an_ascii_stream_lacks_as_escapes(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    with any_encoding():
        say("é \ud800 \x1b")
        assert raw.getvalue() == b"\\xe9 \\ud800 \\x1b\n"
    assert sys.stdout.errors == "strict"
