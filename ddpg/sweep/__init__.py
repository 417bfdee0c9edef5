"""Sweeps: many runs on this machine or on Slurm, of which none is lost."""
