"""The exceptions that end a command."""


class UserError(Exception):
    """A mistake or mishap that the user can act on, told in one line.

    The line names the key or quantity, its value, what is allowed and the nearest valid spelling.
    The command line prints it without a traceback and exits with a code other than 0.
    """


class Refused(BaseException):
    """Carries a job's error past Hydra, which would print lines of its own around it or make it a warning."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error
