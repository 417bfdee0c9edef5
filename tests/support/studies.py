"""Studies without training: a definition, and trials as workers would leave them."""

from typing import Any

from ddpg.search.recipe import Recipe
from ddpg.search.study import Definition

Planned = tuple[Definition, Recipe]
#: The values that stand in for anything; a test sets what it is about.
Values = dict[str, Any]
