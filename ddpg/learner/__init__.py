"""The paper: networks, exploration noise, replay buffer, optimizers and the update.

Beside the standard library and the ground (`errors`, `ranges`), it imports torch and numpy alone.
"""
