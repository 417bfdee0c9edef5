"""Answers of Slurm 22.05 as they were recorded, and shell scripts that give them."""

import shlex

SINFO = """\
low|1|20000|2|(null)
short|2|512000|64|gpu:a100:4(S:0-1),mps:400
short|1|20000|2|(null)
gpu|3|512000|64|gpu:a100:2,gpu:v100:2
mixed|1|512000|4|gpu:1
mixed|1|8000|64|(null)
empty|0|0|0|(null)
"""
PARTITION = "PartitionName={} Default={} MaxTime={} MaxCPUsPerNode=UNLIMITED State=UP DefMemPerNode=UNLIMITED {}\n"
PARTITIONS = "".join(
    PARTITION.format(*row)
    for row in (
        ("low", "YES", "UNLIMITED", "MaxMemPerNode=UNLIMITED"),
        ("short", "NO", "01:00:00", "MaxMemPerCPU=8000"),
        ("gpu", "NO", "2-00:00:00", "MaxMemPerNode=100000"),
        ("mixed", "NO", "30:00", "MaxMemPerNode=UNLIMITED"),
        ("empty", "NO", "UNLIMITED", "MaxMemPerNode=UNLIMITED"),
    )
)
CONFIG = "ClusterName             = local\nMaxArraySize            = 1001\nMaxJobCount             = 100\n"


def say(text: str) -> str:
    """Return a shell command that prints a text."""
    return f"printf %s {shlex.quote(text)}"
