"""The command line: `momentum`, or `python -m momentum`."""

import signal
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from momentum.doors.command_line import entry

        code = entry()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left that it could interrupt
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
