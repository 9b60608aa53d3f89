"""A stored report told by causes."""

from dataclasses import replace

from momentum.report.retelling import retell


def test_retell_groups_results_by_cause(results):
    wrong = results.results[1]
    told = retell(
        replace(
            results,
            results=(
                replace(wrong, explanation="from step 2 on: momentum is ignored"),
                replace(wrong, dtype="float32", explanation="from step 3 on: momentum is ignored"),
                replace(wrong, dtype="float64", explanation=""),
                replace(wrong, dtype="bfloat16", verdict="passed"),
            ),
        )
    )
    assert told.count("momentum is ignored") == 1
    assert "from step 2 or 3 on" in told
    assert "agrees[float16]: trajectory, step 2, parameter 0 of shape (3,)[1]; error 0.05" in told
    assert "no cause is known for\n  agrees: Every iterate" in told
    assert "bfloat16" not in told


def test_retell_escapes_what_a_report_holds(results):
    wrong = replace(results.results[1], explanation="\x1b[2J: gone", where="\x9b31m\u202e")
    told = retell(replace(results, results=(wrong,)))
    assert "\\x1b[2J: gone" in told
    assert "\\x9b31m\\u202e" in told
    assert told.replace("\n", "").isprintable()


def test_retell_says_what_an_interrupted_or_blind_run_is_worth(good):
    told = retell(replace(good, unfinished="interrupted", broken="the twin passed"))
    assert "nothing failed" in told
    assert "the report is incomplete: interrupted" in told
    assert "cannot be trusted: the twin passed" in told
