"""The Python interface. Its public names are those of the package `ddpg` itself."""

import logging

# Python's way for libraries: without it, warnings would be printed where nobody has set up logging.
logging.getLogger("ddpg").addHandler(logging.NullHandler())
