"""Where a framework keeps what it has compiled, from one run to the next."""

import os
import stat
import tempfile
from pathlib import Path


def folder(name: str) -> Path:
    """A folder of this user's alone, on this machine alone, for what `name` compiles.

    Where somebody else has made it, or could write into it, a fresh one that nothing is kept in.
    """
    if not hasattr(os, "getuid"):
        return Path(tempfile.mkdtemp(prefix=f"momentum-{name}-"))
    top = Path(tempfile.gettempdir(), f"momentum-{os.getuid()}")
    try:
        top.mkdir(mode=0o700, exist_ok=True)
        found = top.lstat()
        own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
        if own and not found.st_mode & 0o077:
            (top / name).mkdir(exist_ok=True)
            return top / name
    except OSError:
        pass  # a fresh one will do
    return Path(tempfile.mkdtemp(prefix=f"momentum-{name}-"))
