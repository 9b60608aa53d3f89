"""Files are read whole or refused, and replaced whole or left alone."""

import os
import stat
import threading
import time
from pathlib import Path

import pytest

from momentum.errors import UsageError
from momentum.runner import files


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_new_files_have_the_mode_that_the_mask_leaves(tmp_path, mask):
    before = os.umask(mask)
    try:
        files.replace(tmp_path / "replaced", "text")
        files.begun(tmp_path / "begun").close()
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {0o666 & ~mask}


def test_replace_keeps_mode_and_link_and_leaves_nothing_beside(tmp_path):
    real = tmp_path / "real"
    real.write_text("old")
    real.chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    files.replace(tmp_path / "link", "new\r\n")
    assert real.read_bytes() == b"new\r\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert {p.name for p in tmp_path.iterdir()} == {"real", "link"}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/dev/zero", "it has more than 1 MiB"),
        (".", ""),
        ("nul\0", ""),
        ("n" * 300, ""),
        ("none/x", ""),
    ],
)
def test_read_refuses_in_one_line(path, why, monkeypatch):
    monkeypatch.setattr(files, "MOST", 1 << 20)
    with pytest.raises(UsageError, match=f"cannot read.*{why}$"):
        files.read(Path(path), "the file")


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_read_refuses_a_pipe_that_nobody_writes_into(pipe):
    with pytest.raises(UsageError, match="it is a pipe that nobody writes into"):
        files.read(pipe, "the report")


def test_read_waits_for_whoever_writes_into_a_pipe(pipe):
    def write():
        time.sleep(0.2)  # nobody is there yet
        with pipe.open("w") as out:
            out.write("a")
            out.flush()
            time.sleep(0.2)
            out.write("b")

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    assert files.read(pipe, "the report") == "ab"
    thread.join()


def test_read_refuses_a_terminal():
    terminal, end = os.openpty()
    try:
        with pytest.raises(UsageError, match="it is a terminal"):
            files.read(Path(os.ttyname(end)), "the report")
    finally:
        os.close(terminal)
        os.close(end)


def test_writing_refuses_a_pipe_that_nobody_reads(pipe):
    with pytest.raises(UsageError, match="nobody is at the other end"):
        files.replace(pipe, "text")
    with pytest.raises(OSError, match="No such device"):
        files.begun(pipe)


def test_a_pipe_that_is_read_gets_everything(pipe):
    got = []
    thread = threading.Thread(target=lambda: got.append(pipe.read_text()))
    thread.start()
    while not got:
        try:
            with files.begun(pipe) as out:
                out.write("ab")
            break
        except OSError:  # the reader has not come yet
            time.sleep(0.01)
    thread.join()
    assert got == ["ab"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_two_things_are_not_written_into_one_file(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    files.different(one, None, Path("-"), Path("-"), other, Path("/dev/null"), Path("/dev/null"))
    (tmp_path / "link").symlink_to("one")
    with pytest.raises(UsageError, match="are one file: give two"):
        files.different(None, one, Path("-"), tmp_path / "link")


def test_what_cannot_be_written_is_refused_before_the_run(tmp_path, monkeypatch):
    there = tmp_path / "there"
    there.write_text("")
    for path in (there, tmp_path / "new", Path("/dev/null")):
        files.writable(path)
    for path in (tmp_path, tmp_path / "none" / "x"):
        with pytest.raises(UsageError, match="cannot write"):
            files.writable(path)
    for closed in (there, tmp_path):
        monkeypatch.setattr(os, "access", lambda path, mode, closed=closed: path != closed)
        with pytest.raises(UsageError, match="cannot write"):
            files.writable(there)


def test_read_refuses_what_is_no_text(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="it is no UTF-8 text"):
        files.read(tmp_path / "bytes", "the file")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "nan", '{"a": 1} 2', '"\ud800"'])
def test_a_line_that_is_no_json_is_refused_in_one_line(text):
    with pytest.raises(UsageError, match=r"line 3: no JSON that can be read") as caught:
        files.json_of(text, "line 3")
    assert "\n" not in str(caught.value)


def test_a_line_of_json_is_what_it_says():
    assert files.json_of('{"a": [1, null, 0.5]}', "line 3") == {"a": [1, None, 0.5]}
