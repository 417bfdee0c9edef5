"""The one exception that a user is meant to read."""


class UserError(Exception):
    """A mistake or mishap that the user can act on, told in one line.

    The line names the key or quantity, its value, what is allowed and the nearest valid spelling.
    The command line prints it without a traceback and exits with a code other than 0.
    """
