"""JSON lines that grow in the place of an earlier report."""

from dataclasses import replace

import pytest

from momentum.errors import UsageError
from momentum.report import jsonl
from momentum.report.stream import Stream


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def full(*arguments):
    """Like what a disk without room says."""
    raise OSError(28, "No space left on device")


def test_stream_puts_an_earlier_report_back_where_the_disk_fills(here, monkeypatch):
    path = here / "r.jsonl"
    path.write_text("earlier")
    stream = Stream(path)
    stream.write("header\n")
    assert path.read_text() == "header\n"
    assert stream.out is not None
    monkeypatch.setattr(stream.out, "flush", full, raising=False)
    stream.write("result\n")
    stream.write("never\n")
    with pytest.raises(UsageError, match=r"cannot write .*No space left on device"):
        stream.finish()
    assert path.read_text() == "earlier"
    assert {p.name for p in here.iterdir()} == {"r.jsonl"}


def test_stream_leaves_an_earlier_report_beside_until_it_is_whole(here):
    path = here / "r.jsonl"
    path.write_text("earlier")
    stream = Stream(path)
    assert path.read_text() == "earlier"  # nothing to write yet
    stream.write("header\n")
    assert (here / ".r.jsonl.earlier").read_text() == "earlier"
    stream.finish()
    assert path.read_text() == "header\n"
    assert not (here / ".r.jsonl.earlier").exists()


def test_stream_keeps_the_last_whole_report_over_runs_that_were_killed(here):
    path = here / "r.jsonl"
    path.write_text("earlier")
    Stream(path).write("killed\n")
    stream = Stream(path)
    stream.write("header\n")
    stream.drop()
    assert path.read_text() == "earlier"


def test_stream_that_is_dropped_leaves_what_was_there(here):
    for path, before in ((here / "a", "earlier"), (here / "b", None)):
        if before is not None:
            path.write_text(before)
        stream = Stream(path)
        stream.write("header\n")
        stream.drop()
        assert path.read_text() == (before or "header\n")


def test_stream_follows_a_link(here):
    (here / "real").write_text("earlier")
    (here / "link").symlink_to("real")
    stream = Stream(here / "link")
    stream.write("new\n")
    stream.finish()
    assert (here / "link").is_symlink()
    assert (here / "real").read_text() == "new\n"


def test_a_report_that_was_cut_off_anywhere_is_read_as_unfinished(here, results):
    whole = jsonl.text(replace(results, unfinished="")).encode()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole) - 1, 997):
        (here / "r.jsonl").write_bytes(whole[:end])
        assert jsonl.read(here / "r.jsonl").unfinished
