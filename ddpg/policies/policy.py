"""A policy as a function of arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ddpg.errors import UserError
from ddpg.policies.description import Description


class Policy:
    """What a run has learned, without exploration noise: from observations to actions.

    Called with one observation, (*obs_shape), it returns its action, (action_dim,); with a batch, (B, *obs_shape), it
    returns (B, action_dim). Actions are float32, in the environment's units and within its bounds. Raises UserError for
    arrays of another shape, and for pictures that are not bytes.
    """

    def __init__(self, description: Description, format: str, compute: Callable[[np.ndarray], np.ndarray]) -> None:
        #: what policy.json says, or would say
        self.description = description
        #: where it was loaded from: "safetensors", "pt2", "onnx", or "run" for a run folder
        self.format = format
        self._compute = compute
        self._shape = description.observation.shape
        self._dtype = np.dtype(description.observation.dtype)

    def __call__(self, obs: Any) -> np.ndarray:
        array = self._read(obs)
        if array.shape == self._shape:
            return self._compute(array[np.newaxis])[0]
        if array.shape[1:] == self._shape and array.ndim > len(self._shape):
            return self._compute(array)
        raise UserError(
            f"an observation has the shape {self._shape} here, and a batch {('B', *self._shape)}: "
            f"this one has {array.shape}"
        )

    def __repr__(self) -> str:
        env = self.description.environment.get("id")
        return f"<Policy of {env}: observations {self._shape}, actions {self.description.action.shape}, {self.format}>"

    def _read(self, obs: Any) -> np.ndarray:
        """Copy observations into the number format that the policy was trained on."""
        try:
            array = np.asarray(obs)
        except ValueError:  # parts of different shapes
            raise UserError(
                f"this is no array: an observation has the shape {self._shape} here; "
                "env.reset() returns a pair, obs, info = env.reset()"
            ) from None
        pictures = self._dtype == np.uint8
        if array.dtype.kind not in ("u" if pictures else "fiub") or (pictures and array.dtype != np.uint8):
            expected = "bytes (uint8)" if pictures else "numbers"
            flat = "; of several parts gymnasium.spaces.flatten(env.observation_space, obs) makes one array"
            raise UserError(
                f"observations are {expected} here, not {array.dtype}{flat if array.dtype == object else ''}"
            )
        return np.array(array, dtype=self._dtype, order="C")
