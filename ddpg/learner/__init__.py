"""The paper: networks, exploration noise, replay buffer, optimizers and the update.

Beside the standard library and the ground (`ddpg.ranges`), it imports torch and numpy alone.
"""
