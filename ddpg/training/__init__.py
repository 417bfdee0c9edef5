"""The training loop and what it needs: state and resume, evaluation, schedule, seeds, diagnostics."""
