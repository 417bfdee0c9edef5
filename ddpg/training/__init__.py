"""The training loop and its parts: state and resume, evaluation, schedule, seeds, diagnostics."""
