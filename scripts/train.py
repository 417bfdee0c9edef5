"""Runs `ddpg-train` from a checkout: `python scripts/train.py env=hopper preset=td3`."""

from ddpg.commands.entry import train

if __name__ == "__main__":
    train()
