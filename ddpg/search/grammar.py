"""From the words of a command line, in Hydra's grammar, to the space of a study."""

from collections.abc import Iterator, Mapping, Sequence

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep

from ddpg.config.spelling import as_written, nearest
from ddpg.errors import UserError
from ddpg.search.space import Choice, Dimension, Number, Space

#: The tags that an interval may have: a logarithmic scale, and whole numbers.
TAGS = ("int", "log")


def parse(words: Sequence[str], conditions: object, loader: ConfigLoader) -> Space:
    """Return the space of a study.

    Args:
        words: overrides of the study; a later one replaces an earlier one of the same key.
        conditions: for some keys, where they are part of the space: "KEY=OPTION", or several of those, as a mapping;
            None for none.
        loader: Hydra's, which knows the options of a group for glob(*).

    Raises:
        UserError: a word of which no values can be drawn, no word that varies, or a condition that cannot be met.
    """
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(words))
    overrides = {override.get_key_element(): override for override in parsed}
    dimensions = {key: _parsed(override) for key, override in overrides.items() if override.is_sweep_override()}
    fixed = tuple(str(o.input_line) for o in overrides.values() if not o.is_sweep_override())
    if not dimensions:
        raise UserError(
            "nothing to search: write values as KEY=interval(LOW,HIGH), "
            "KEY=tag(log,interval(LOW,HIGH)), KEY=range(START,STOP) or KEY=choice(A,B)"
        )
    pairs = {key: _pairs(key, written, dimensions) for key, written in _listed(conditions).items()}
    return Space(tuple(_parents_first(dimensions, pairs)), pairs, fixed)


def _parsed(override: Override) -> Dimension:
    """Return what one override sweeps; raise UserError if no value can be drawn."""
    key = override.get_key_element()
    line = str(override.input_line)
    text = line.partition("=")[2]
    if key == "seed":
        raise UserError(
            f"{line}: the seeds of a trial are hydra.sweeper.seeds, a number or a list; with hydra/sweeper=pbt members "
            "have seed=NUMBER and those after it"
        )
    if key.startswith("hydra"):
        raise UserError(f"{line}: a study searches keys of the run, not of Hydra")
    value = override.value()
    if isinstance(value, IntervalSweep):
        return _interval(key, text, value)
    if isinstance(value, RangeSweep) and not value.shuffle:
        return _range(key, text, value)
    if isinstance(value, ChoiceSweep) and value.tags:
        raise UserError(
            f"{line}: options that are listed have no tags; write choice(...) alone, or "
            f"tag({','.join(sorted(value.tags))},interval(LOW,HIGH))"
        )
    options = tuple(dict.fromkeys(override.sweep_string_iterator()))
    if not options:
        raise UserError(f"{line}: there is nothing to choose")
    return Choice(key, text, options)


def _interval(key: str, text: str, sweep: IntervalSweep) -> Number:
    unknown = sorted(sweep.tags - set(TAGS))
    if unknown:
        raise UserError(f"{key}={text}: tag {unknown[0]} means nothing here{nearest(unknown[0], TAGS)}")
    low, high = (float(end) for end in (sweep.start, sweep.end) if end is not None)
    log = "log" in sweep.tags
    whole = "int" in sweep.tags
    if low > high:
        raise UserError(f"{key}={text} holds no point: {low:g} is above {high:g}; write interval({high:g},{low:g})")
    if log and low <= 0:
        raise UserError(f"{key}={text}: a log interval begins above 0, not at {low:g}")
    if whole and (low % 1 or high % 1):
        raise UserError(f"{key}={text}: an interval with the tag int has whole ends")
    return Number(key, text, low, high, None, log, whole)


def _range(key: str, text: str, sweep: RangeSweep) -> Number:
    if sweep.tags:
        raise UserError(f"{key}={text}: a range has no tags; write tag({','.join(sorted(sweep.tags))},interval(...))")
    values = sorted(sweep.range())
    if not values:
        raise UserError(f"{key}={text} holds no point: {sweep.stop} comes before {sweep.start}")
    whole = all(isinstance(value, int) for value in values)
    return Number(key, text, values[0], values[-1], abs(sweep.step), log=False, whole=whole)


def _listed(conditions: object) -> dict[str, list[str]]:
    """Return the words of each key's conditions; raise UserError unless they are a mapping with words or lists."""
    if conditions is None:
        return {}
    example = "as in {noise.theta: 'noise=ou'}"
    if not isinstance(conditions, Mapping):
        raise UserError(f"hydra.sweeper.conditions={as_written(conditions)} must be a mapping, {example}")
    listed = {key: words if isinstance(words, list) else [words] for key, words in conditions.items()}
    for key, words in listed.items():
        other = next((word for word in words if not isinstance(word, str)), None)
        if other is not None or not words:
            written = as_written(conditions[key])
            raise UserError(f"hydra.sweeper.conditions.{key}={written} must be a text or a list of texts, {example}")
    return listed


def _pairs(key: str, written: Sequence[str], dimensions: Mapping[str, Dimension]) -> tuple[tuple[str, str], ...]:
    """Return the conditions of a key as pairs; raise UserError if one of them can never hold."""
    if key not in dimensions:
        raise UserError(f"hydra.sweeper.conditions: {key} is not part of the space{nearest(key, dimensions)}")
    pairs = []
    for word in written:
        parent, _, option = word.partition("=")
        decides = dimensions.get(parent)
        if not isinstance(decides, Choice):
            choices = [name for name, dimension in dimensions.items() if isinstance(dimension, Choice)]
            raise UserError(f"hydra.sweeper.conditions: {key}: {word}: {parent} is no choice{nearest(parent, choices)}")
        if option not in decides.options:
            near = nearest(option, decides.options)
            raise UserError(f"hydra.sweeper.conditions: {key}: {word}: {parent} has no such option{near}")
        pairs.append((parent, option))
    return tuple(pairs)


def _parents_first(
    dimensions: Mapping[str, Dimension], pairs: Mapping[str, Sequence[tuple[str, str]]]
) -> Iterator[Dimension]:
    """Yield the dimensions in their order, but each after those that decide about it."""
    done: set[str] = set()
    while len(done) < len(dimensions):
        ready = [key for key in dimensions if key not in done and all(p in done for p, _ in pairs.get(key, ()))]
        if not ready:
            left = ", ".join(key for key in dimensions if key not in done)
            raise UserError(f"hydra.sweeper.conditions: {left}: each waits for another")
        yield dimensions[ready[0]]
        done.add(ready[0])
