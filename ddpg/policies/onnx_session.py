"""The format onnx, run by onnxruntime without torch."""

from pathlib import Path

import numpy as np
import onnxruntime

from ddpg.errors import UserError, first_line
from ddpg.policies.description import Description
from ddpg.policies.policy import Policy

_ERRORS_ONLY = 3


def onnx_policy(content: bytes, description: Description, folder: Path) -> Policy:
    """Make a policy of the content of policy.onnx. Raises UserError if onnxruntime cannot run it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # others would wait in a loop between two calls, and cost more than they bring
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has classes of its own for each kind of failure
        raise UserError(f"{folder}/policy.onnx cannot be run by onnxruntime: {first_line(error)}") from error

    def compute(batch: np.ndarray) -> np.ndarray:
        (action,) = session.run(None, {"obs": batch})
        return action

    return Policy(description, "onnx", compute)
