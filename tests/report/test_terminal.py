"""The terminal report: one screen, the verdict first, each thing once."""

import shlex
from dataclasses import replace

import pytest

from momentum.report.table import steps
from momentum.report.terminal import SCREEN, render


def flat(text):
    return " ".join(text.split())


def screens(text, width):
    """Lines that a terminal of this width shows."""
    return sum(max(1, -(-len(line) // width)) for line in text.splitlines())


def many(results, count):
    """Runs with many failures of every kind: wrong numbers, laws, errors."""
    kinds = [r for r in results.results if r.bad]
    more = [
        replace(r, check=f"{r.check}_and_some_more_words_{i}", dtype=dtype)
        for r in kinds
        for i in range(count)
        for dtype in ("float32", "float64", "float16", "bfloat16")
    ]
    return replace(results, results=(*results.results, *more), stale=tuple(map(str, range(count))))


def test_render_says_verdict_cause_checks_skips_advice_and_replay_in_this_order(results):
    text = render(replace(results, power={"float32": {"lr": 1.2e-7, "momentum": 4.7e-7}}))
    heads = (
        "FAILED: pkg:SGD", "held to   accumulated, as asked", "CAUSE of 1 of 5 failures",
        "ERROR in", "LAWS BROKEN in 1 of 5 failures", "SKIPPED 1 result",
        "FAILED AS EXPECTED 1 result", "EXPECTATIONS THAT MATCH NO RESULT: 1", "ADVICE 1 result",
        "POWER", "TO SEE ONE AGAIN", "momentum check ",
    )  # fmt: skip
    places = [text.index(head) for head in heads]
    assert places == sorted(places)


def test_render_shows_no_command_for_what_passed_and_was_expected_to_fail(results):
    surprise = next(r for r in results.results if r.surprise)
    text = render(replace(results, results=(surprise,)))
    assert f"{surprise.id} was expected to fail (issue 1) and passed: remove the entry" in text
    assert "TO SEE ONE AGAIN" not in text


@pytest.mark.parametrize("count", [0, 1, 40])
def test_render_says_what_passed_without_what_is_refused_once(results, count):
    good = next(r for r in results.results if r.verdict == "passed")
    refusing = [
        replace(good, check=f"c{i}", reason=f"refuses {i // 2}: {'it is not supported, ' * 9}end")
        for i in range(8)
    ]
    found = many(replace(results, results=(*refusing, *results.results)), count)
    text = flat(render(found, width=100))
    assert text.count("left out") == text.count("left out refuses 0: it is not supported,") == 1
    assert " …; 3 more (-v lists all)" in text
    whole = flat(render(found, width=100, verbose=True))
    assert [whole.count(f"left out refuses {i}: it is") for i in range(5)] == [1, 1, 1, 1, 0]
    assert screens(render(found, width=100), 100) <= SCREEN


@pytest.mark.parametrize("count", [0, 1, 3, 40])
@pytest.mark.parametrize("width", [60, 100, 120])
def test_render_fits_one_screen_whatever_failed(results, count, width):
    text = render(many(results, count), width=width, seconds=1.0)
    if width >= 100:
        assert screens(text, width) <= SCREEN
    for line in text.splitlines():
        assert len(line) <= width or line.startswith("momentum check ")


def test_render_says_a_cause_and_a_reason_once(results):
    text = flat(render(many(results, 2)))
    assert text.count("the velocity holds the learning rate") == 1
    assert text.count("still running after 2 s") == 1


def test_render_leads_with_what_most_failures_have_in_common(results):
    wrong = [replace(results.results[1], explanation=f"from step 1 on: cause {i}") for i in "aab"]
    text = render(replace(results, results=tuple(wrong)))
    assert text.index("CAUSE of 2 of 3") < text.index("cause a") < text.index("cause b")


def test_render_counts_causes_that_do_not_fit(results):
    wrong = [replace(results.results[1], explanation=f"from step 1 on: {i}") for i in range(9)]
    assert "and 4 failures more, of 4 other cause" in render(replace(results, results=tuple(wrong)))


def test_render_tells_where_and_by_how_much(results):
    text = flat(render(results))
    assert "agrees float16 step 2, parameter 0 of shape (3,)[1] 4 bounds" in text
    assert "copies: A copy is <faithful> & whole. not so in float32: step 1: 1, wanted 1.5;" in text
    assert "inf" not in text.replace("information", "")


def test_render_says_of_a_search_that_was_not_made_to_its_end_that_none_is_found(results):
    one = replace(results, results=(replace(results.results[1], explanation=""),))
    early = flat(render(replace(one, unexplained="it ended early")))
    assert "NO CAUSE FOUND for 1 failure" in early
    assert "causes it ended early" in early
    assert "NO CAUSE KNOWN for 1 failure" in flat(render(one))


def test_render_counts_what_it_does_not_show(results):
    text = flat(render(many(results, 40)))
    assert "and also" in text
    assert "(-v lists all)" in text
    assert "'" + "x" * 9 not in text


def test_render_in_full_tells_all_of_a_failure_and_every_check(results):
    text = flat(render(results, verbose=True))
    for words in (
        "error 0.05 is 4 times its bound 0.0125",
        "trajectory, step 2, parameter 0 of shape (3,)[1]; lr 0.1, momentum 0.9",
        "differs by 0.500 where nothing may differ",
        "was expected to fail (issue 1) and passed: remove the entry",
        "source Higham, 2nd ed.",
        "control a known-wrong twin failed agrees[float32], as it must",
        "refuses_nan",
        "this must not be",
        "CHECKS: the worst error as a fraction of its derived bound",
        "[trajectory] 0.250 4 !",
        "[step] 0.500 -",
    ):
        assert words in text
    last = render(results, verbose=True).splitlines()
    assert sum(line.startswith("FAILED: ") for line in last) == 2


def test_render_quotes_the_replay_command_for_a_shell(results):
    commands = [x for x in render(results).splitlines() if x.startswith("momentum check")]
    (command,) = commands
    words = shlex.split(command)
    assert words[2:5] == ["pkg:SGD", "--set", "name=it's"]
    assert words[words.index("--as") + 1] == "accumulated"
    assert words[words.index("--replay") + 1] == results.results[1].problem


def test_render_names_only_the_check_where_its_problem_is_long(results):
    long = tuple(replace(r, problem=r.problem + " " * 400) for r in results.results)
    command = render(replace(results, results=long)).splitlines()[-1]
    assert "--only" in command
    assert "--replay" not in command


def test_render_tells_advice_apart_unless_strict(results):
    assert "refuses_nan (-v tells why)" in render(results)
    assert "ADVICE" not in render(results, strict=True)
    assert "CAUSE of 1 of 6 failures" in render(results, strict=True)


def test_render_says_apart_what_the_base_class_earns(results):
    hint = next(r for r in results.results if r.check == "refuses_nan")
    shared = replace(hint, check="shares_state", shared="pkg.Base")
    found = replace(results, results=(*results.results, shared))
    lines = [line.strip() for line in render(found).splitlines()]
    assert "refuses_nan (-v tells why)" in lines
    assert "pkg.Base alone earns: shares_state (-v tells why)" in lines
    assert "pkg.Base alone fails as it does" in flat(render(found, verbose=True))


def test_render_says_what_a_run_makes_no_claim_on(good):
    unclaimed = replace(good.results[0], verdict="no_claim")
    text = render(replace(good, results=(*good.results, unclaimed)))
    assert "2 passed, 0 failed, 0 errored, 1 skipped, 1 no claim" in text
    assert "NO CLAIM 1 result: the bound is wider than the movement" in text


def test_render_shows_the_power_of_each_dtype(good):
    text = flat(render(replace(good, power={"float32": {"lr": 1.25e-7, "momentum": 4.7e-7}})))
    assert "float32 lr 1.2e-07, momentum 4.7e-07" in text
    assert "POWER" not in render(good)


def test_render_mentions_the_control_only_where_it_did_not_do_its_duty(results, good):
    assert "control" not in render(results)
    assert "control   not run" in render(replace(good, control=""))


def test_render_writes_foreign_text_as_escapes_and_reads_no_markup_in_it(results):
    reason = "raised [bold red]X[/bold red] [/] :boom: \x1b[2J\x07\ud800\u202e"
    wrong = replace(results.results[1], verdict="errored", reason=reason)
    for verbose in (False, True):
        text = render(replace(results, results=(wrong,)), width=120, verbose=verbose)
        assert r"raised [bold red]X[/bold red] [/] :boom: \x1b[2J\x07\ud800\u202e" in text
        assert text.replace("\n", "").isprintable()


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
