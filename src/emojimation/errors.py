"""The one exception that a user can mend."""


class InputError(ValueError):
    """A user's mistake, told in one line: what was expected, what came, what to do.

    The command line prints the line and exits with 2; the REST service answers 4xx with it; the apps show it.
    """
