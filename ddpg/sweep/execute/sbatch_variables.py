"""The variables of the shell that sbatch must not see: those of a job around it, and those that beat options."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from ddpg.sweep.options import SlurmOptions

#: Options that say where a job goes; what is not given comes from a variable of sbatch, or is the cluster's default.
PLACES = ("partition", "account", "qos", "constraint", "gpus_per_node")
#: Options of sbatch that the script of every sweep has.
IN_EVERY_SCRIPT = ("array", "cpus_per_task", "error", "job_name", "open_mode", "output", "requeue", "signal", "time")
#: The variables SBATCH_* of those options that have other names than their variables.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "array": ("ARRAY_INX",),
    "mem": ("MEM_PER_NODE", "MEM_PER_CPU", "MEM_PER_GPU"),
    "requeue": ("REQUEUE", "NO_REQUEUE"),
    "time": ("TIMELIMIT",),
}
#: Variables that a job shares with its user's shell: which cluster there is, and who asks it.
OF_THE_USER = ("SLURM_CLUSTERS", "SLURM_CONF", "SLURM_JWT")


def overriding(options: SlurmOptions) -> list[str]:
    """List the variables of this process that would change jobs which are submitted with these options.

    Slurm lets a variable such as SBATCH_TIMELIMIT beat the script. Inside of a job, as after salloc, the variables of
    that job would be handed down to the new ones, whose srun takes them for its own.
    """
    in_script = [*IN_EVERY_SCRIPT, *(name.replace("-", "_") for name in options.additional_parameters)]
    in_script += [name for name in PLACES if getattr(options, name) is not None]
    in_script += ["mem"] if options.mem_gb is not None else []
    found = {f"SBATCH_{variable}" for name in in_script for variable in OTHER_NAMES.get(name, (name.upper(),))}
    if "SLURM_JOB_ID" in os.environ:
        found |= {name for name in os.environ if name.startswith("SLURM_")} - {*OF_THE_USER}
    return sorted(found & os.environ.keys())


@contextmanager
def without_variables(names: Collection[str]) -> Iterator[None]:
    """Take variables out of this process's environment for the block."""
    taken = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(taken)
