"""Runs as processes: pools on this machine, job arrays on Slurm."""
