"""The parts of torch that recording needs and torch does not document, in one place.

Importing this module needs none of them. A torch without one raises AttributeError or ImportError where it is used,
which is when a function is recorded; the tape then names the reason and runs the function as it is.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

#: An operator of torch with the types of its arguments, as torch.ops.aten.add.Tensor (torch._ops.OpOverload).
Operator: TypeAlias = Any


def new_recorder() -> Any:
    """Make a context manager that appends (operator, args, kwargs, out) to its list `calls` at every call of one."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Recorder(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.calls: list[tuple[Operator, tuple[Any, ...], dict[str, Any], Any]] = []

        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            """Return False: otherwise the first call imports torch's compiler, a second and 70 MB, to avoid it."""
            return False

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            self.calls.append((func, tuple(args), dict(kwargs or {}), out))
            return out

    return Recorder()


def name_of(operator: Operator) -> str:
    """Return the full name, as "aten.add.Tensor"."""
    return str(operator)


def function_name(operator: Operator) -> str:
    """Return the name without namespace and overload, as "add"."""
    return operator._schema.name.rpartition("::")[2]


def overload_name(operator: Operator) -> str:
    """Return what tells apart the operators of one name by the types of their arguments, as "Tensor"."""
    return operator._overloadname


def parameters(operator: Operator) -> Sequence[Any]:
    """Return the declared arguments: each has `name`, `type`, `is_out` and `alias_info`."""
    return operator._schema.arguments


def exists(name: str) -> bool:
    """Tell whether this torch has an operator of that full name."""
    place: Any = torch.ops
    for part in name.split("."):
        try:
            place = getattr(place, part)
        except AttributeError:
            return False
    return True


def storage_id(of: Tensor | torch.UntypedStorage) -> int:
    """Return the number of a storage: the same for all tensors that lie in it."""
    storage = of.untyped_storage() if isinstance(of, Tensor) else of
    return storage._cdata
