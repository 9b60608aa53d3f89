"""What is compiled is kept where nobody else can write."""

import os
import tempfile

import pytest

from momentum.adapters._cache import folder


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_folder_is_the_same_in_the_next_run_and_the_users_alone(tmp_path):
    found = folder("jax")
    assert folder("jax") == found
    assert found.parent.stat().st_mode & 0o777 == 0o700
    assert found.parent.stat().st_uid == os.getuid()


@pytest.mark.parametrize("how", ["open to others", "a link", "a file"])
def test_folder_that_others_could_write_into_is_not_used(how, tmp_path):
    name = tmp_path / f"momentum-{os.getuid()}"
    if how == "open to others":
        name.mkdir()
        name.chmod(0o777)
    elif how == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        name.symlink_to(tmp_path / "elsewhere")
    else:
        name.write_text("")
    found = folder("jax")
    assert found.is_dir()
    assert found != folder("jax")
    assert name not in found.parents
