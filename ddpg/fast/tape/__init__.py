"""A function of tensors, recorded once and played again into the same memory."""

from ddpg.fast.tape.tape import Tape

__all__ = ["Tape"]
