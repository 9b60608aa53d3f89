"""The command line: `momentum`, or `python -m momentum`."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from momentum.doors.command_line import entry

    sys.exit(entry())


if __name__ == "__main__":
    main()
