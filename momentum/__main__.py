"""The command line: `momentum`, or `python -m momentum`."""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from momentum.doors.command_line import entry
        from momentum.doors.interrupts import ENDING

        code = entry()
        for number in ENDING:  # nothing is left that they could interrupt
            signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        code = 130
    if code == 130:  # Python would end by the signal where it came in a text that was executed
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
