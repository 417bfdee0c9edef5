"""One node of a config: what its `_target_` names is made, and keeps the contract of its kind."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from ddpg.config.given import asked, nodes
from ddpg.config.targets import imported
from ddpg.constructors import hints
from ddpg.errors import UserError, one_line, typed_line
from ddpg.run.contracts import require_contract


def build(node: DictConfig, key: str, interface: type | None = None, **offered: Any) -> Any:
    """Make what the `_target_` of a node names: from the node's values, and those of `offered` that it asks for.

    Nodes within the node are made first; their interfaces are the protocols in the constructor's
    signature. Raises UserError, in one line with the key, for whatever a constructor raises, and for
    what does not keep the contract of its interface.
    """
    types = hints(imported(node["_target_"], f"{key}._target_"))
    nested = {name: build(node[name], f"{key}.{name}", _protocol(types.get(name))) for name in nodes(node)}
    made = _made(node, key, nested | asked(node["_target_"], offered))
    if interface is not None:
        require_contract(made, interface, node, key)
    return made


def _protocol(hint: Any) -> type | None:
    return hint if getattr(hint, "_is_protocol", False) else None


def _made(node: DictConfig, key: str, arguments: Mapping[str, Any]) -> Any:
    values = OmegaConf.masked_copy(node, [str(name) for name in node if name not in arguments])
    # called by hand, because Hydra would make dictionaries of arguments that are dataclasses
    constructor: partial[Any] = instantiate(values, _partial_=True, _convert_="all", _recursive_=False)
    if node.get("_partial_"):
        return partial(constructor, **arguments)
    try:
        return constructor(**arguments)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        # the text of a ValueError is written for users; of another exception the name of its class helps
        reason = one_line(error) if isinstance(error, ValueError) else typed_line(error)
        about_a_value = reason.partition("=")[0] in node  # then key and reason together read as an override
        raise UserError(f"{key}.{reason}" if about_a_value else f"{key}: {reason}") from error
