"""The one exception that a user can fix."""


class InputError(ValueError):
    """A user's mistake, in one line: what was expected, what was received, what to do.

    The command line prints the line and exits with 2; the REST service answers 4xx with it; the apps show it.
    """
