"""The state of each run of a sweep: from its folder, its processes and the queue of Slurm."""
