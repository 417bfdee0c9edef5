"""Runs `ddpg-eval` from a checkout: `python scripts/evaluate.py outputs/.../RUN episodes=20`."""

from ddpg.commands.entry import evaluate

if __name__ == "__main__":
    evaluate()
