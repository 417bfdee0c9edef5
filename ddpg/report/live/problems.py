"""Why something cannot be read, in a line for the page."""

from ddpg.errors import UserError, first_line, untyped_first_line


def problem(error: Exception) -> str:
    """Return the first line of a message for users, and that of any other exception with its class."""
    return untyped_first_line(error) if isinstance(error, UserError) else first_line(error)
