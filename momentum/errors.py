"""The one error that a user of the command line can mend."""


class UsageError(Exception):
    """A target, an option or a missing package: one clear line, no traceback, exit code 2."""
