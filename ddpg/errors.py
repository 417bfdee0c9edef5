"""The exceptions that end a command, and words for messages: any exception as one line, the kind of a value."""


class UserError(ValueError):
    """A mistake or mishap that the user can act on, described in one line.

    The line names the key or quantity, its value, what is allowed and the nearest valid spelling.
    The command line prints it without a traceback and exits with a code other than 0.
    """

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows instead of the traceback: IPython asks an exception for it by this name."""
        return [f"{type(self).__name__}: {self}"]


class Refused(BaseException):
    """Carries an error past Hydra: no Exception, because Hydra turns those of a callback into a warning and prints
    lines of its own around those of a job."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def one_line(error: BaseException) -> str:
    """Return the message of an exception as one line, or the name of its class if the message is empty."""
    return " ".join(str(error).split()) or type(error).__name__


def typed_line(error: BaseException) -> str:
    """Return `one_line(error)` with the name of the exception's class in front, as in `KeyError: 'x'`."""
    kind = type(error).__name__
    message = one_line(error)
    return kind if message == kind else f"{kind}: {message}"


def first_line(error: BaseException) -> str:
    """Return the class and the first line of an exception, for messages that must stay short."""
    kind = type(error).__name__
    message = untyped_first_line(error)
    return kind if message == kind else f"{kind}: {message}"


def untyped_first_line(error: BaseException) -> str:
    """Return the first line of an exception's message, or the name of its class if the message is empty."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def kind_of(value: object) -> str:
    """Return what a value is, by the name of its class, as in `a str`, `an int` or `None`."""
    name = type(value).__name__
    article = "an" if name.startswith((*"AEIOaeio", "nd")) else "a"
    return "None" if value is None else f"{article} {name}"


def not_found(module: str) -> str:
    """Return the line about a Python module that is nowhere: where the module was looked for."""
    return (
        f"No module named {module!r} in the working directory, in the folders of PYTHONPATH or among the installed "
        "packages"
    )
