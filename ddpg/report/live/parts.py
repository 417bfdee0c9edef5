"""The content of a page as parts of JSON, which are sent again when they have changed."""

import json
from collections.abc import Mapping
from typing import Any


class Parts:
    """The parts of one JSON object, each with the version of the feed at which it changed last."""

    def __init__(self) -> None:
        self._texts: dict[str, bytes] = {}
        self._versions: dict[str, int] = {}

    def set(self, name: str, content: Mapping[str, Any], version: int) -> bool:
        """Replace a part by these keys and values; return whether it has changed.

        Raises:
            ValueError: a number is not finite, which JSON does not have.
        """
        text = json.dumps(content, allow_nan=False, separators=(",", ":")).encode()[1:-1]
        if self._texts.get(name) == text:
            return False
        self._texts[name] = text
        self._versions[name] = version
        return True

    def renew(self, version: int) -> None:
        """Let all parts count as changed."""
        self._versions = dict.fromkeys(self._versions, version)

    def since(self, version: int) -> bytes | None:
        """Return an object of the parts that changed after a version; None if none did."""
        texts = [self._texts[name] for name, changed in self._versions.items() if changed > version]
        return b"{" + b",".join(filter(None, texts)) + b"}" if texts else None
