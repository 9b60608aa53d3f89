"""The terminal report: verdict first and last, every count, and no line too long to read."""

from dataclasses import replace

import pytest

from momentum.report.terminal import render, steps


def test_render_says_the_verdict_first_and_last(results, good):
    for found, word in ((results, "FAILED: "), (good, "PASSED: ")):
        lines = render(found).splitlines()
        assert lines[0].startswith(word)
        last = max(i for i, line in enumerate(lines) if line.startswith(word))
        assert last > 0
        assert lines[last : last + 2] == lines[:2]


def test_render_always_gives_all_five_counts(results, good):
    text = " ".join(render(results).split())
    assert "1 passed, 4 failed, 2 errored, 1 skipped, 1 expected failures" in text
    assert "1 of the failed or errored are advice" in text
    assert "2 passed, 0 failed, 0 errored, 1 skipped, 0 expected failures" in render(good)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_render_keeps_to_the_width_but_for_replay_commands(results, width):
    for line in render(results, width=width).splitlines():
        assert len(line) <= width or line.startswith("momentum check ")


def test_render_tells_all_of_a_failure(results):
    text = " ".join(render(results).split())
    assert "error 0.05 is 4 times its bound 0.0125" in text
    assert "trajectory, step 2, parameter 0 of shape (3,)[1]; lr 0.1, momentum 0.9" in text
    assert "cause the velocity holds the learning rate" in text
    assert "differs by 0.500 where nothing may differ" in text
    assert "the law does not hold" in text
    assert "still running after 2 s" in text
    assert "was expected to fail (issue 1) and passed: remove the entry" in text
    assert "1 more results not tried: the subject was lost 2 times in float32" in text


def test_render_quotes_the_replay_command_for_a_shell(results):
    import shlex

    commands = [x for x in render(results).splitlines() if x.startswith("momentum check")]
    command = next(x for x in commands if "agrees" in x)
    words = shlex.split(command)
    assert words[2:5] == ["pkg:SGD", "--set", "name=it's"]
    assert words[words.index("--as") + 1] == "accumulated"
    assert words[words.index("--only") + 1] == "agrees[float16]"
    assert words[words.index("--replay") + 1] == results.results[1].problem


def test_render_shows_both_ratios_in_every_dtype(results):
    rows = [line.split() for line in render(results).splitlines()]
    assert ["agrees", "trajectory", "0.250", "4", "!"] in rows
    assert ["step", "0.500", "-"] in rows


def test_render_separates_advice_known_stale_and_skipped(results):
    text = render(results)
    places = [
        text.index(head)
        for head in (
            "CHECKS", "SKIPPED (1)", "EXPECTED FAILURES (1)", "STALE EXPECTATIONS (1)", "ADVICE",
            "FAILURES\n",
        )
    ]  # fmt: skip
    assert places == sorted(places)
    assert "1 x takes no dampening: dampens" in text
    assert "nesterov[float16]: skips whole vector blocks (pytorch/pytorch#191763)" in text
    assert text.index("refuses_nan", places[-2]) < places[-1]


def test_render_counts_advice_as_failures_when_strict(results):
    assert "ADVICE" not in render(results, strict=True)


def test_render_shows_convention_control_and_versions(results):
    text = render(results, seconds=1.25)
    for words in (
        "convention  accumulated, as asked",
        "v = momentum v + d",
        "control     a known-wrong twin failed agrees[float32], as it must",
        "torch 2.13.0",
        "seed 0",
        "1.2 s",
    ):
        assert words in text


def test_render_uses_colour_only_where_asked(results):
    assert "\x1b" not in render(results)
    assert "\x1b[1;31mFAILED" in render(results, colour=True)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"results": (), "broken": "the twin passed"}, "BROKEN: the twin passed"),
        ({"results": ()}, "NOTHING RAN: "),
        ({"unfinished": "interrupted"}, "UNFINISHED: "),
    ],
)
def test_render_tells_runs_that_prove_nothing(good, change, word):
    assert render(replace(good, **change)).startswith(word)


def test_steps_shows_every_step_with_both_ratios(results):
    rows = [line.split() for line in steps(results.results[1].series).splitlines()]
    assert rows[-5:] == [
        ["0", "1", "1"],
        ["1", "0.9", "0.9", "0.000", "0.000"],
        ["2", "0.75", "0.7", "4", "4"],
        ["3", "inf", "0.5", "inf", "inf"],
        ["4", "nan", "0.25", "0.000", "inf"],
    ]
