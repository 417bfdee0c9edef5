"""The keys of a config, with dots between their parts."""

from collections.abc import Collection, Mapping
from typing import Any


def flat(values: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one with dotted keys; the mappings themselves are among its values."""
    if not isinstance(values, Mapping):
        return {}
    here = {f"{prefix}{key}": value for key, value in values.items()}
    return here | {k: v for key, value in values.items() for k, v in flat(value, f"{prefix}{key}.").items()}


def short_key(key: str, keys: Collection[str]) -> str:
    """Return the last parts of a dotted key, as few as no other of the keys ends with."""
    parts = key.split(".")
    for start in range(len(parts) - 1, 0, -1):
        end = ".".join(parts[start:])
        if not any(other != key and f".{other}".endswith(f".{end}") for other in keys):
            return end
    return key
