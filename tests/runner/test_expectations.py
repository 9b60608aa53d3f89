"""Expected failures are read strictly and written back."""

from dataclasses import replace

import pytest

from momentum.checks.result import Header, Result, Results
from momentum.errors import UsageError
from momentum.runner.expectations import (
    Change,
    Expectation,
    as_expected,
    read,
    refuse_unknown,
    update,
)

TEXT = """\
# why this file is here

[[expected]]
id = "agrees_with_oracle[float16]"
reason = "skips whole vector blocks"
reference = "pytorch/pytorch#191763"

[[expected]]
id = "nesterov_agrees[float16]"
reason = "the same"
"""
ENTRIES = [
    Expectation(
        "agrees_with_oracle[float16]", "skips whole vector blocks", "pytorch/pytorch#191763"
    ),
    Expectation("nesterov_agrees[float16]", "the same"),
]


def test_read_gives_the_entries(tmp_path):
    path = tmp_path / "expected.toml"
    path.write_text(TEXT)
    assert read(path) == ENTRIES


def test_read_accepts_an_empty_file(tmp_path):
    path = tmp_path / "expected.toml"
    path.write_text("")
    assert read(path) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[expected", "cannot read"),
        ('[[expected]]\nid = "x"', "entry 1 needs an id and a reason"),
        ('[[expected]]\nreason = "x"', "entry 1 needs an id and a reason"),
        ('[[expected]]\nid = "x"\nreason = "y"\nreference = 3', "reference of entry 1"),
        ("a." * 50_000 + "a = 1", "line 1 has more than 10000 characters"),
        ("x = " + "[" * 9_000, "cannot read"),
        ("x = " + "1" * 5000, "cannot read"),
        ('[[expected]]\nid = 3\nreason = "x"', "entry 1 needs an id and a reason"),
        ("expected = [1]", "wanted a list of [[expected]] tables"),
        ('expected = "x"', "wanted a list of [[expected]] tables"),
        ('[[expect]]\nid = "x"\nreason = "y"', "unknown: expect"),
        ('[[expected]]\nid = "x"\nreason = "y"\nreasons = "z"', "entry 1 has unknown: reasons"),
        ('[[expected]]\nid = "x"\nreason = "y"\n' * 2, "x is there twice"),
    ],
)
def test_read_refuses_what_is_no_expectation(tmp_path, text, words):
    path = tmp_path / "expected.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"expected\.toml") as caught:
        read(path)
    assert words in str(caught.value)


def test_read_refuses_a_missing_file(tmp_path):
    with pytest.raises(UsageError, match="cannot read expected failures"):
        read(tmp_path / "none.toml")


def test_update_is_read_back(tmp_path):
    path = tmp_path / "expected.toml"
    assert update(path, ENTRIES) == Change(tuple(e.id for e in ENTRIES), (), 0)
    assert read(path) == ENTRIES


def test_update_leaves_a_file_alone_where_nothing_differs(tmp_path):
    path = tmp_path / "expected.toml"
    path.write_text(TEXT)
    before = path.stat().st_ino, path.stat().st_mtime_ns
    assert update(path, ENTRIES) == Change((), (), 2)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == before


COMMENTED = (
    """\
# head é

# above one
[[expected]] # at its head
id = "one[float32]" # at its id
# within
reason = """
    + '"""'
    + """
[[expected]]
is no header here
"""
    + '"""'
    + """

# above two, first line

#above two, second line
  [[ expected ]]
reference='r' # at its end
id = 'two[float32]'
reason = "kept as it is: \\u00e9"

# above three
[["expected"]]
id = "three[float32]"
reason = "z"
# at the foot
"""
)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("kept", [(), (0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2)])
def test_update_loses_no_comment_and_touches_only_what_differs(tmp_path, kept, ending):
    path = tmp_path / "expected.toml"
    path.write_bytes(COMMENTED.replace("\n", ending).encode())
    before = read(path)
    left = [before[i] for i in kept]
    change = update(path, left)
    text = path.read_bytes().decode()
    assert read(path) == left
    assert change.kept == len(left)
    assert set(change.removed) == {e.id for e in before} - {e.id for e in left}
    for comment in (
        "# head é", "# above one", "# at its head", "# at its id", "# within", "# above two, first",
        "#above two, second line", "# at its end", "# above three", "# at the foot",
    ):  # fmt: skip
        assert text.count(comment) == 1, comment
    for part in ('reason = "kept as it is: \\u00e9"', "  [[ expected ]]"):
        assert (part in text) is (1 in kept)


LISTED = """\
[[expected]]
id = [
    "one[float32]", # beside "one[float32]"
    # above two
    "two[float32]",
    "three[float32]",
]
reason = "r" # at its reason
"""


def test_read_gives_every_id_of_a_list_its_reason(tmp_path):
    path = tmp_path / "expected.toml"
    path.write_text(LISTED)
    assert read(path) == [Expectation(f"{n}[float32]", "r") for n in ("one", "two", "three")]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("kept", [(), (0,), (1,), (0, 2), (1, 2), (0, 1, 2)])
def test_update_takes_ids_out_of_a_list_and_loses_no_comment(tmp_path, kept, ending):
    path = tmp_path / "expected.toml"
    path.write_bytes(LISTED.replace("\n", ending).encode())
    left = [read(path)[i] for i in kept]
    assert update(path, left).kept == len(kept)
    assert read(path) == left
    text = path.read_bytes().decode()
    for comment in ('# beside "one[float32]"', "# above two", "# at its reason"):
        assert text.count(comment) == 1, comment


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_update_adds_at_the_end_and_keeps_the_rest_byte_for_byte(tmp_path, ending):
    path = tmp_path / "expected.toml"
    before = COMMENTED.replace("\n", ending).encode()
    path.write_bytes(before)
    new = Expectation("agrees_with_oracle[float16]", 'says "no"\n\x1b', "a/b#1")
    assert update(path, [*read(path), new]).added == (new.id,)
    after = path.read_bytes()
    assert after.startswith(before.rstrip())
    assert after.count(b"\n") == after.count(ending.encode())
    assert read(path)[-1] == new


def test_update_refuses_a_form_that_it_cannot_keep(tmp_path):
    path = tmp_path / "expected.toml"
    path.write_text('expected = [{id = "x[float32]", reason = "y"}]')
    with pytest.raises(UsageError, match="as an \\[\\[expected\\]\\] table"):
        update(path, [])
    assert path.read_text().startswith("expected")


def test_update_that_cannot_write_leaves_the_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "expected.toml"
    path.write_text(TEXT)

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match="No space left on device"):
        update(path, [])
    assert path.read_text() == TEXT
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("id_", "words"),
    [
        ("agrees_with_oracel[float32]", "did you mean 'agrees_with_oracle'?"),
        ("agrees_with_oracle[float23]", "did you mean 'float32'?"),
        ("agrees_with_oracle", "wanted the dtype too"),
        ("agrees_with_oracle[float32", "wanted the dtype too"),
        ("zzz[float32]", "no such check"),
    ],
)
def test_refuse_unknown_names_what_may_have_been_meant(id_, words):
    with pytest.raises(UsageError, match=id_.replace("[", "\\[")) as caught:
        refuse_unknown([*ENTRIES, Expectation(id_, "x")])
    assert words in str(caught.value)


BAD = Result("c", "float32", "f", "must", "s", "", "failed", ratio=2.0)
GOOD = replace(BAD, verdict="passed", ratio=0.5)
ENTRY = Expectation("c[float32]", "known", "issue 1")


def test_as_expected_marks_a_known_failure():
    found = as_expected(BAD, [ENTRY])
    assert (found.verdict, found.reason, found.reference) == (
        "expected_failure", "known", "issue 1",
    )  # fmt: skip


@pytest.mark.parametrize("level", ["must", "should"])
def test_as_expected_fails_what_passes_against_expectation(level):
    found = as_expected(replace(GOOD, level=level), [ENTRY])
    assert (found.verdict, found.surprise) == ("failed", True)
    assert "remove the entry" in found.reason
    results = Results(header=scaled_header(), results=(found,))
    assert results.exit_code() == 1


def scaled_header():
    return Header("t", "scaled", (), 0, "quick", ("float32",))


def test_as_expected_leaves_all_else_alone():
    skipped = replace(BAD, verdict="skipped")
    for other in ("a[float32]", "d[float32]", "c[float16]", "c[float64]"):
        assert as_expected(BAD, [ENTRY._replace(id=other)]) == BAD
        assert as_expected(BAD, [ENTRY._replace(id=other), ENTRY]).reference == ENTRY.reference
    assert as_expected(skipped, [ENTRY]) == skipped
