"""Records a function of tensors once, and replays it into the same tensors."""

from ddpg.fast.tape.tape import Tape

__all__ = ["Tape"]
