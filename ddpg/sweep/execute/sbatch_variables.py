"""The variables of the shell that sbatch must not see: those of a job around it, and those that beat options."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from ddpg.sweep.options import SlurmOptions

#: Options that say where a job goes; what is not given comes from a variable of sbatch, or is the cluster's default.
PLACES = ("partition", "account", "qos", "constraint", "gpus_per_node")
#: Options that every script of a sweep has.
ALWAYS = ("array", "cpus_per_task", "error", "job_name", "open_mode", "output", "requeue", "signal", "time")
#: The variables of options that are not called as these are.
CALLED: dict[str, tuple[str, ...]] = {
    "array": ("ARRAY_INX",),
    "mem": ("MEM_PER_NODE", "MEM_PER_CPU", "MEM_PER_GPU"),
    "requeue": ("REQUEUE", "NO_REQUEUE"),
    "time": ("TIMELIMIT",),
}
#: What is Slurm's and of no job: where the cluster is, and who asks.
OF_NO_JOB = ("SLURM_CONF", "SLURM_JWT")


def overriding(options: SlurmOptions) -> list[str]:
    """List the variables of this process that would change jobs which are submitted with these options.

    Slurm lets a variable such as SBATCH_TIMELIMIT beat the script. Those of the job in which a user submits, as after
    salloc, would be handed down to the new jobs, whose srun takes them for its own.
    """
    said = [*ALWAYS, *(name.replace("-", "_") for name in options.additional_parameters)]
    said += [name for name in PLACES if getattr(options, name) is not None]
    said += ["mem"] if options.mem_gb is not None else []
    beaten = {f"SBATCH_{variable}" for name in said for variable in CALLED.get(name, (name.upper(),))}
    of_a_job = {name for name in os.environ if name.startswith("SLURM_")} - {*OF_NO_JOB}
    return sorted(of_a_job | (beaten & os.environ.keys()))


@contextmanager
def without_variables(names: Collection[str]) -> Iterator[None]:
    """Take variables out of this process's environment for the block."""
    taken = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(taken)
