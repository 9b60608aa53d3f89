"""What a program left behind when it failed: a line that is too long to show, an end, an error."""

import re
import signal

SHOWN = 60
"""Characters of a line that are quoted."""

_NAMED = re.compile(
    r"^(?:[\w./$:]*(?:Error|Exception|Interrupt|Exit|Failure)\b"  # Python, Node, Java
    r"|Exception in thread|Fortran runtime error|panic:|fatal error|terminate called"
    r"|(?:thread .* )?panicked at|.*Assertion .* failed|Segmentation fault|.*: error: )"
)
_BESIDE = re.compile(
    r"^(?:\s+at |\s*\^|\s*File \"|Node\.js v|note: run with|\s*\.{3} \d+ more|#\d+ "
    r"|Error termination|Traceback|During handling|The above exception|stack backtrace"
    r"|goroutine |exit status|~+\^*$)"
)


def shortened(line: bytes | bytearray) -> str:
    """The beginning of a line, as Python would write it."""
    text = bytes(line[: 4 * SHOWN]).decode(errors="replace").rstrip("\r")
    if len(text) <= SHOWN:
        return repr(text)
    return f"{text[:SHOWN]!r}… ({len(line)} bytes)"


def worded(text: object) -> str:
    """Words that may come from a program, in one line that is not too long."""
    return " ".join(str(text).split())[:300]


def ending(code: int) -> str:
    """How a process ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def quoted(errors: str) -> str:
    """What says most in standard error: the last exception, else the last line; not the stack."""
    lines = [line for line in errors[-20_000:].splitlines() if line.strip()]
    told = [line for line in lines if not _BESIDE.match(line)]
    for i in range(len(told) - 1, -1, -1):
        line = told[i].strip()
        if _NAMED.match(line):
            # Rust and C++ tell where in one line, and what in the next.
            split = "panicked at" in line or line.startswith("terminate called")
            more = f" {told[i + 1].strip()}" if split and i + 1 < len(told) else ""
            return worded(f"{line}{more}")
    return worded(told[-1]) if told else ""
