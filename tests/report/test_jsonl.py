"""JSON lines follow their schema, read back to the same results, and show when they are cut."""

import json
from dataclasses import replace

import jsonschema
import pytest

from momentum.errors import UsageError
from momentum.report.jsonl import SCHEMA, read, schema, text

VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))


def plain(results):
    """Comparable, though nan is not equal to itself."""
    return text(results)


def test_text_has_header_results_and_footer(results):
    records = [json.loads(line) for line in text(results).splitlines()]
    assert [r["record"] for r in records] == ["header", *["result"] * 9, "footer"]
    assert records[-1]["verdict"] == "failed"
    assert records[-1]["counts"] == results.counts


def test_text_follows_the_schema(results, good):
    for found in (
        results,
        good,
        replace(good, unfinished="interrupted"),
        replace(good, results=()),
    ):
        for line in text(found).splitlines():
            VALIDATOR.validate(json.loads(line))


def test_schema_is_the_records_own():
    assert json.loads(SCHEMA.read_text()) == schema(), (
        "write it anew: SCHEMA.write_text(json.dumps(schema(), indent=1) + '\\n')"
    )


def test_text_escapes_what_cannot_be_shown(results):
    wrong = replace(results.results[1], reason="\ud800 \x1b \x9b é")
    line = text(replace(results, results=(wrong,))).splitlines()[1]
    assert line.isprintable()
    assert json.loads(line)["reason"] == "\\ud800 \\x1b \\x9b é"


def test_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)


@pytest.mark.parametrize("change", [{"verdict": "fine"}, {"error": "big"}, {"extra": 1}])
def test_schema_refuses_what_is_wrong(results, change):
    record = json.loads(text(results).splitlines()[1])
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(record | change)


def test_read_gives_back_what_was_written(results, tmp_path):
    path = tmp_path / "report.jsonl"
    path.write_text(text(results))
    found = read(path)
    assert plain(found) == plain(results)
    assert found.results[0] == results.results[0]
    assert found.header == results.header


def test_read_notices_that_a_file_is_cut_off(results, tmp_path):
    path = tmp_path / "report.jsonl"
    whole = text(results)
    ends = [i + 1 for i, c in enumerate(whole) if c == "\n"]
    for cut, kept in ((ends[2], 2), (ends[2] + 40, 2), (len(whole) - 1, 9)):
        path.write_text(whole[:cut])
        found = read(path)
        assert found.unfinished == "the report is cut off"
        assert len(found.results) == kept
        assert found.exit_code() == 1


def test_read_keeps_the_word_of_an_interrupted_run(good, tmp_path):
    path = tmp_path / "report.jsonl"
    path.write_text(text(replace(good, unfinished="interrupted")))
    assert read(path).unfinished == "interrupted"


def changed(whole, line, **values):
    lines = whole.splitlines()
    record = json.loads(lines[line]) | values
    lines[line] = json.dumps({k: v for k, v in record.items() if v is not ...})
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s: "", "no header"),
        (lambda s: "{}\n", "line 1"),
        (lambda s: s.replace("{", "", 1), "line 1"),
        (lambda s: "".join(s.splitlines(keepends=True)[1:]), "no header"),
        (lambda s: changed(s, 0, version=2), "format version 2"),
        (lambda s: changed(s, 1, verdict=...), "missing required field `verdict`"),
        (lambda s: changed(s, 1, verdict="banana"), "Invalid enum value 'banana'"),
        (lambda s: changed(s, 1, error="big"), "$.error"),
        (lambda s: changed(s, 1, ratios=[1]), "$.ratios"),
        (lambda s: changed(s, 1, step=1.5), "$.step"),
        (lambda s: changed(s, 0, seed=None), "$.seed"),
        (lambda s: changed(s, 2, series={"where": "x"}), "$.series"),
        (lambda s: changed(s, 10, verdict="banana"), "Invalid enum value 'banana'"),
        (lambda s: changed(s, 10, counts=7), "$.counts"),
        (lambda s: s.replace("{", "[" * 100_000, 1), "line 1"),
        (lambda s: s.replace('"step": 3', '"step": ' + "3" * 5000), "line 2"),
        (lambda s: s.replace("0.25", "1e99999"), "line 2"),
        (lambda s: "\x00" * 9 + s, "line 1"),
        (lambda s: changed(s, 0, version=[1]), "format version"),
        (lambda s: s + s.splitlines(keepends=True)[1], "out of order"),
        (lambda s: s + "rest", "out of order"),
    ],
)
def test_read_refuses_what_is_no_report(results, tmp_path, spoil, words):
    path = tmp_path / "report.jsonl"
    path.write_text(spoil(text(results)))
    with pytest.raises(UsageError, match=r"report\.jsonl") as caught:
        read(path)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["none.jsonl", ".", "a\x00b", "n" * 5000])
def test_read_refuses_what_is_no_file(tmp_path, name):
    with pytest.raises(UsageError, match="cannot read the report"):
        read(tmp_path / name)


def test_read_refuses_a_file_that_is_no_text(tmp_path):
    (tmp_path / "report.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="no UTF-8 text"):
        read(tmp_path / "report.jsonl")


def test_read_refuses_a_series_of_several_lengths(results, tmp_path):
    path = tmp_path / "report.jsonl"
    record = json.loads(text(results).splitlines()[2])
    path.write_text(changed(text(results), 2, series={**record["series"], "got": [1]}))
    with pytest.raises(UsageError, match="columns of several lengths"):
        read(path)
