"""Short names for runs and sweeps: what was typed, in words that folders, W&B and reports share."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ddpg.config.keys import short_key

#: Keys that no name has: they say where a run is computed and how it is watched, not what it is.
UNNAMED = ("hydra", "resume", "fork", "logger", "device", "threads", "compile", "checkpoint", "eval")
#: Keys of what a folder's name begins with.
ENVIRONMENT = ("env", "env.id", "env.name")
METHOD = ("preset", "algorithm")
#: Most characters of a part of a folder's name, and of all its words: file systems take names of 255 bytes.
LONGEST_PART = 40
LONGEST_WORDS = 60
#: Most characters of the words of a run in W&B, whose names have 128.
LONGEST_NAME = 100


def typed(overrides: Sequence[str]) -> dict[str, str]:
    """Return by key the values of the overrides that a name tells; of a key that was typed twice, the last."""
    found = {}
    for override in overrides:
        key, _, value = override.lstrip("+").partition("=")
        if key.partition(".")[0] not in UNNAMED and not key.startswith("hydra/"):
            found[key] = value.strip("'\"")
    return found


@dataclass(frozen=True)
class Names:
    """The names of a run, or of a sweep.

    Args:
        env: the environment's name.
        seed: of the run.
        choices: the option of each group.
        typed: what was typed by key, as `typed` returns it.
        keys: every dotted key of the config; as little of a typed key is written as tells it from these.
        is_fork: whether the run, or each of the sweep, is a fork.
    """

    env: str
    seed: int
    choices: Mapping[str, str | None]
    typed: Mapping[str, str]
    keys: Collection[str]
    is_fork: bool

    def folder(self) -> str:
        """Return `pendulum_ddpg_td3_actor.lr=1e-3_seed1`, the name of a folder, short and safe for file systems.

        A fork has `fork` before what was typed. Of a sweep, a key that varies is written with its values, `seed=1+2+3`.
        """
        placed = (*ENVIRONMENT, *METHOD, "seed")
        varied = {key: value for key, value in self.typed.items() if key in placed and _is_several(value)}
        begin = [] if varied.keys() & {*ENVIRONMENT} else [self.env]
        begin += [] if varied.keys() & {*METHOD} else [method(self.choices)]
        end = [] if "seed" in varied else [f"seed{self.seed}"]
        words = self._words([key for key in self.typed if key not in placed or key in varied])
        told = _as_many_as_fit([_safe(word) for word in words], LONGEST_WORDS)
        return "_".join([*filter(None, map(_safe, begin)), *self._mark(), *told, *end])

    def run(self) -> str:
        """Return `noise=ou actor.lr=1e-3 seed=1`, or `pendulum ddpg_td3 seed=1` where nothing was typed."""
        words = self._words([key for key in self.typed if key != "seed"])
        told = _as_many_as_fit(words, LONGEST_NAME)
        begin = [] if told else [self.env, method(self.choices)]
        return " ".join([*begin, *self._mark(), *told, f"seed={self.seed}"])

    def group(self, configuration: str) -> str:
        """Return `pendulum ddpg_td3 noise=ou 1f0c9a3e`, which the seeds of a configuration share.

        Args:
            configuration: what tells configurations apart whose words are the same, because a YAML file was edited.
        """
        words = self._words([key for key in self.typed if key not in (*ENVIRONMENT, *METHOD, "seed")])
        return " ".join([self.env, method(self.choices), *_as_many_as_fit(words, LONGEST_WORDS), configuration])

    def _mark(self) -> list[str]:
        return ["fork"] if self.is_fork else []

    def _words(self, chosen: Sequence[str]) -> list[str]:
        """Return `actor.lr=1e-3` for each of some typed keys."""
        return [f"{short_key(key, self.keys)}={self.typed[key]}" for key in chosen]


def method(choices: Mapping[str, str | None]) -> str:
    """Return `ddpg_td3`, the options of the groups algorithm and preset; a preset that begins so says both."""
    algorithm = choices.get("algorithm")
    preset = choices.get("preset")
    if algorithm and preset and f"{preset}_".startswith(f"{algorithm}_"):
        return preset
    return "_".join(filter(None, [algorithm, preset]))


def _as_many_as_fit(words: Sequence[str], longest: int) -> list[str]:
    """Return words of at most so many characters; of many the first and the last, and how many are left out."""
    kept = list(words)
    while len(" ".join(kept)) > longest:
        del kept[len(kept) // 2]
    gap = (len(kept) + 1) // 2
    dropped = [f"and{len(words) - len(kept)}more"] if len(kept) < len(words) else []
    return [*kept[:gap], *dropped, *kept[gap:]]


def _is_several(value: str) -> bool:
    """Whether a value is one that a sweep varies, such as `1,2` or `range(1,4)`."""
    return "," in value or "(" in value


def _safe(text: str) -> str:
    """Replace what file systems, shells and Hydra's command line give a meaning to, and cut what is long."""
    several = re.sub(r"\s*,\s*", "+", re.sub(r"[\[\]{}'\"]", "", text))
    safe = re.sub(r"[^A-Za-z0-9._=+-]+", "-", several).strip("-.")
    return safe if len(safe) <= LONGEST_PART else f"{safe[: LONGEST_PART - 2]}.."
