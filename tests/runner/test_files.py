"""Files are read whole or refused, and replaced whole or left alone."""

import pytest

from momentum.errors import UsageError
from momentum.runner import files


def test_replace_keeps_mode_and_link_and_leaves_nothing_beside(tmp_path):
    real = tmp_path / "real"
    real.write_text("old")
    real.chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    files.replace(tmp_path / "link", "new\r\n")
    assert real.read_bytes() == b"new\r\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert {p.name for p in tmp_path.iterdir()} == {"real", "link"}


@pytest.mark.parametrize("path", ["/dev/zero", ".", "nul\0", "n" * 300, "none/x"])
def test_read_refuses_in_one_line(path, monkeypatch):
    monkeypatch.setattr(files, "MOST", 1 << 20)
    with pytest.raises(UsageError, match="cannot read"):
        files.read(files.Path(path), "the file")
