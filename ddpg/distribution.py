"""The distribution that this package is installed as. Its name is not `ddpg`, which is another one on the index."""

from importlib.metadata import entry_points


def distribution_name() -> str | None:
    """Return the name by which pip knows this package; None if the package is imported without being installed."""
    commands = entry_points(group="console_scripts", name="ddpg-train")
    return next((command.dist.name for command in commands if command.dist), None)


def install_hint(extra: str) -> str:
    """Return what to type so that an extra of this package is installed: with pip, and in a checkout."""
    name = distribution_name()
    if name is None:
        return "make setup in the checkout"
    return f"pip install '{name}[{extra}]', or make setup in a checkout"
