"""The training of runs: handing them over, pools of worker processes, and jobs on Slurm."""
