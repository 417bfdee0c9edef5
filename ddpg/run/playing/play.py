"""The episodes of stored policies, in this process or in several."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from ddpg.run.playing.conditions import conditions_of
from ddpg.run.playing.playable import Playable, require_several
from ddpg.run.playing.processes import play_in_processes
from ddpg.run.playing.stage import OnStep, Part, Show, Stage, Task, play_here
from ddpg.training.evaluate import Episodes
from ddpg.training.seeding import derived_seed, process_generators_kept


def play(
    playable: Playable, episodes: int = 10, seed: int = 0, processes: int = 1, on_step: OnStep | None = None
) -> Episodes:
    """Run a stored policy without noise, from starts that training never saw.

    The returns are the same with any number of processes. Raises UserError if the policy cannot be loaded, if the
    environment fails, or if a process dies.

    Args:
        playable: what `open_playable` has found.
        episodes: how many.
        seed: another one begins from other starts.
        processes: how many play at the same time.
        on_step: is called at every step, or several times a second while other processes play, and may raise.
    """
    (result,) = play_parts([Part(playable)], play_seeds(episodes, seed), processes, on_step=on_step)
    return result


def play_seeds(episodes: int, seed: int) -> list[int]:
    """Return the seeds from which episodes begin."""
    return [derived_seed(seed, "play", k) for k in range(episodes)]


class Played(NamedTuple):
    """The episodes of a part, and the seeds from which they began."""

    part: Part
    seeds: Sequence[int]
    episodes: Episodes


def compare(
    playables: Sequence[Playable],
    seeds: Sequence[int],
    disturbances: Mapping[str, Sequence[float]],
    processes: int = 1,
    show: Show | None = None,
    record_first: Callable[[], Sequence[Episodes]] | None = None,
) -> list[Played]:
    """Play an episode of each policy from each seed, then the same with one thing changed at a time.

    Before anything is played, each policy is loaded in its environment, so that what fails then does it at once.

    Args:
        playables: the policies.
        seeds: the first seeds of episodes, which are the same for every policy and condition.
        disturbances: the values of each key of a `Condition`.
        processes: how many play at the same time.
        show: shows what is played, in this process.
        record_first: plays the first episode of each policy, for a video.

    Returns the results of each policy together, that without a change first.
    """
    _require_playable(playables, processes)
    parts = [Part(playable) for playable in playables]
    for playable, conditions in zip(playables, conditions_of(playables, disturbances), strict=True):
        parts += [Part(playable, condition) for condition in conditions]
    recorded = record_first() if record_first else ()
    episodes = play_parts(parts, seeds, processes, show, recorded)
    played = [Played(part, seeds, some) for part, some in zip(parts, episodes, strict=True)]
    return [one for playable in playables for one in played if one.part.playable is playable]


def _require_playable(playables: Sequence[Playable], processes: int) -> None:
    """Raise UserError for a policy that cannot be loaded, is not for its environment, or not for several processes."""
    for playable in playables:
        require_several(playable, processes)
        with process_generators_kept(), Stage(Part(playable)):
            pass


def play_parts(
    parts: Sequence[Part],
    seeds: Sequence[int],
    processes: int = 1,
    show: Show | None = None,
    recorded: Sequence[Episodes] = (),
    on_step: OnStep | None = None,
) -> list[Episodes]:
    """Play an episode of each part from each seed; return the episodes of each part.

    `recorded` are the first episodes of the first parts, which are not played again. `on_step` is as for `play`.
    """
    for part in parts:
        require_several(part.playable, processes)
    results = {(place, 0): episode for place, episode in enumerate(recorded)}
    places = [place for place in product(range(len(parts)), range(len(seeds))) if place not in results]
    tasks = [Task(parts[part], seeds[number]) for part, number in places]
    is_here = processes == 1 or show is not None
    played = list(play_here(tasks, show, on_step)) if is_here else play_in_processes(tasks, processes, on_step)
    results |= dict(zip(places, played, strict=True))
    return [joined([results[part, number] for number in range(len(seeds))]) for part in range(len(parts))]


def joined(episodes: Sequence[Episodes]) -> Episodes:
    """Join episodes, of which there is at least one."""
    first, *others = episodes
    for other in others:
        first = first.followed_by(other)
    return first
