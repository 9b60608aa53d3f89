"""The page: well-formed, self-contained, and with a picture of every failure that has one."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from momentum.report.html import render, worst_ratio

VOID = {"meta", "link", "br", "input", "img", "hr"}


class Page(HTMLParser):
    """Checks nesting, collects tags and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_render_is_well_formed_and_tells_all(results):
    page = Page(render(results))
    for words in (
        "FAILED: pkg:SGD",
        "1 passed, 3 failed, 2 errored, 1 skipped, 1 expected failure, 1 advice",
        "error 0.05 is 4 times its bound 0.0125",
        "the velocity holds the learning rate",
        "still running after 2 s",
        "Error of 1 of 5: not tried: the subject was lost 2 times in float32",
        "skips whole vector blocks (pytorch/pytorch#191763)",
        "gone[float32]",
        "1 × takes no dampening",
        "a known-wrong twin failed",
        "torch 2.13.0",
        "v = momentum v + d",
        "Advice",
    ):
        assert words in page.text


def test_render_escapes_what_others_wrote(results):
    text = render(results)
    assert "A copy is &lt;faithful&gt; &amp; whole." in text
    assert "<faithful>" not in text


def test_render_needs_no_network_and_no_script(results):
    text = render(results)
    for tag, attributes in Page(text).tags:
        assert tag != "script"
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith("data:")
    assert "url(" not in text
    assert "@import" not in text


def test_render_has_a_title_a_language_and_names_for_its_pictures(results):
    tags = Page(render(results)).tags
    assert ("html", {"lang": "en"}) in tags
    assert any(tag == "title" for tag, _ in tags)
    assert any(a.get("name") == "viewport" for _, a in tags)
    pictures = [a for tag, a in tags if tag == "svg"]
    assert all(a["role"] == "img" and a["aria-label"] for a in pictures)


def test_render_draws_failures_and_the_impulse_response(results, good):
    # WRONG has two pictures, the impulse response one; LAW's plain run is right, KNOWN is no news.
    assert render(results).count("<svg") == 3
    assert "stays within its bound: the failure shows only in" in Page(render(results)).text
    assert render(good).count("<svg") == 0


def test_render_leaves_out_numbers_that_cannot_be_drawn(results):
    points = re.findall(r'points="([^"]*)"', render(results))
    assert points
    for pair in " ".join(points).split():
        x, y = map(float, pair.split(","))
        assert 0 <= x <= 640
        assert 0 <= y <= 260


def test_render_of_a_good_run_has_no_failures(good):
    text = Page(render(good)).text
    assert text.count("PASSED: pkg:SGD") == 2  # the title and the heading
    assert "Failures" not in text


@pytest.mark.parametrize("strict", [False, True])
def test_render_counts_advice_as_a_failure_only_when_strict(results, strict):
    assert ("Advice" in Page(render(results, strict=strict)).text) is not strict


def test_worst_ratio_is_the_larger_of_both_comparisons(results):
    series = results.results[1].series
    assert worst_ratio(series) == float("inf")
    calm = replace(series, got=series.exact, step_error=(0.0, 0.00625, 0.0, 0.0))
    assert worst_ratio(calm) == 0.5
