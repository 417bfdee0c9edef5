"""Checks of one value against one type hint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from support.command_line import assert_has

from ddpg.config.signature import Target, fit
from ddpg.errors import UserError
from ddpg.ranges import Count, Fraction, NonNegative, Pattern, Positive, PositiveInt, Text

if TYPE_CHECKING:
    import nowhere

Optional = PositiveInt | None
Choice = Literal["a", "b", None]
Name = Annotated[str, Text(at_most=4, without="/:")]
Version = Annotated[str, Pattern(r"v\d+", "v and a number")]


@dataclass
class Pair:
    one: PositiveInt
    two: float = 2.0


class Own:
    def __init__(self, sigma: NonNegative, names: Sequence[str], rng: Any) -> None: ...


class Anything:
    def __init__(self, size: int, **rest: Any) -> None: ...


class TypesForTheCheckerAlone:
    def __init__(self, size: "nowhere.Size", sigma: NonNegative = 0.0) -> None: ...


class BrokenType:
    def __init__(self, size: "Pair.size", sigma: "NonNegative" = 0.0) -> None: ...  # type: ignore[name-defined]


OWN = {"_target_": f"{__name__}.Own", "sigma": 0, "names": ["x"]}
Node = Annotated[Mapping[str, Any], Target("rng")]


@pytest.mark.parametrize(
    ("value", "hint", "fitted"),
    [
        (3, int, 3),
        (1e6, int, 1_000_000),
        (1, float, 1.0),
        (1, Fraction, 1.0),
        (None, Optional, None),
        (4.0, Optional, 4),
        ("a", Choice, "a"),
        (None, Choice, None),
        ([1, 2.0], Sequence[PositiveInt], [1, 2]),
        ([1, 2], tuple[int, float], [1, 2.0]),
        ([1, 2, 3], tuple[int, ...], [1, 2, 3]),
        ({"a": 1}, Mapping[str, float], {"a": 1.0}),
        ("auto", int | Literal["auto"], "auto"),
        ({"one": 2.0}, Pair, {"one": 2}),
        (object, Any, object),
        (OWN, Node, OWN | {"sigma": 0.0}),
        ({"_target_": f"{__name__}.Anything", "size": 1, "more": 2}, Annotated[Any, Target()], None),
        ({"_target_": "builtins.dict", "size": 1}, Annotated[Any, Target()], None),
    ],
)
def test_fits(value: Any, hint: Any, fitted: Any) -> None:
    expected = value if fitted is None else fitted
    found = fit(value, hint, "key")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "hint", "parts"),
    [
        ("x", int, "key=x ... whole number"),
        ("3", int, "key='3' ... whole number"),
        ("", int, "key='' ... whole number"),
        (True, int, "key=true ... whole number"),
        (1.5, int, "key=1.5 ... whole number"),
        (True, float, "key=true ... finite number"),
        (float("nan"), Positive, "key=nan ... finite number"),
        (float("inf"), Positive, "key=inf ... finite number"),
        (1, bool, "key=1 ... true or false"),
        (3, str, "key=3 must be a text, as in \"key='3'\""),
        (None, str, "key=null must be a text"),
        ([1, 2], int, "key=[1,2] must be a whole number (values of a sweep have no brackets: key=1,2, ... key: 1,2)"),
        (["a", "b"], Choice, "key=[a,b] is not one of a, b, null (values of a sweep ... key=a,b"),
        (3, Version | None, "key=3 must be v and a number, or null"),
        ("v3x", Version, "key=v3x must be v and a number"),
        (None, int, "key=null ... whole number"),
        (-1, Count, "key=-1 ... at least 0"),
        (0, Positive, "key=0 ... above 0"),
        (1.5, Fraction, "key=1.5 ... at least 0 and at most 1"),
        (0, Optional, "key=0 ... at least 1, or null"),
        ("x", Optional, "key=x ... whole number, or null"),
        (0, PositiveInt | Literal["auto"], "key=0 ... at least 1, or auto"),
        ("auot", int | Literal["auto"], "key=auot ... whole number, or auto ... auto?"),
        (1.5, Literal["a", "b"] | int | None, "key=1.5 ... whole number, or a, or b, or null"),
        ("x", Literal["a"] | None, "key=x ... a, or null"),
        ("offlin", Literal["online", "offline"], "key=offlin ... online, offline ... offline?"),
        ("x", Choice, "key=x ... a, b, null"),
        (True, Literal[1, 2], "key=true ... 1, 2"),
        (3, Sequence[int], "key=3 ... list, as in [3]"),
        ("ab", Sequence[str], "key=ab ... list, as in [ab]"),
        ("[1,2]", Sequence[int], "key='[1,2]' ... list, as in [1,2], without quotes"),
        ([1, 0], Sequence[PositiveInt], "key[1]=0 ... at least 1"),
        ([1], tuple[int, int], "key=[1] ... list of 2"),
        (3, Mapping[str, Any], "key=3 ... mapping, as in {name: value}"),
        ({"a": "x"}, Mapping[str, float], "key.a=x ... finite number"),
        (3, Pair, "key=3 ... key.one, key.two"),
        ({"two": 1}, Pair, "key.one ... missing"),
        ({"one": 1, "too": 1}, Pair, "key.too=1 ... key.two?"),
        (3, Node, "key=3 ... group option with a _target_"),
        (OWN | {"sgma": 1}, Node, "key.sgma=1 ... key.sigma?"),
        (OWN | {"zzz": 1}, Node, "key.zzz=1 ... key.names, key.sigma"),
        (OWN | {"rng": 1}, Node, "key.rng=1 ... program"),
        (OWN | {"sigma": -1}, {"any": Node}["any"], "key.sigma=-1 ... at least 0"),
        ({"_target_": OWN["_target_"], "names": []}, Node, "key.sigma ... missing"),
        (OWN | {"_target_": f"{__name__}.Pair"}, Node, "key.sigma=0 ... no such key"),
        (OWN | {"old": 1}, Node, f"key.old=1 ... no such key in {__name__}.Own; allowed here ... names ... your file"),
        ("a/b", Name, "key=a/b must have 1 to 4 characters without any of / : ... as in a-b"),
        ("a b c", Name, "key=a b c must have ... as in a b"),
        ("", Name, "key='' must have 1 to 4 characters"),
        (" a", Name | None, "key= a must have ... no space at its ends ... as in a, or null"),
        (OWN | {"_target_": "ddpg.ranges"}, Node, "key._target_=ddpg.ranges ... class or a function"),
        ({"deep": OWN | {"sigma": "x"}}, Mapping[str, Any], "key.deep.sigma=x ... finite number"),
    ],
)
def test_does_not_fit(value: Any, hint: Any, parts: str) -> None:
    with pytest.raises(UserError) as refusal:
        fit(value, hint, "key")
    assert_has(str(refusal.value), parts)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("target", "reason"),
    [(TypesForTheCheckerAlone, "name 'nowhere' is not defined"), (BrokenType, "no attribute 'size'")],
)
def test_unknown_type_of_one_parameter(target: type, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    """A warning names it once, and the other parameters are checked as before."""
    node = {"_target_": f"{__name__}.{target.__name__}", "size": 1}
    with pytest.raises(UserError, match=r"key\.sigma=-1 is out of range"):
        fit(node | {"sigma": -1}, Annotated[Any, Target()], "key")
    assert fit(node, Annotated[Any, Target()], "key") == node
    (line,) = caplog.messages
    assert line.startswith(f"{__name__}.{target.__name__}: the type of size ")
    assert reason in line


def test_unknown_type_of_what_the_program_adds(caplog: pytest.LogCaptureFixture) -> None:
    """The config has no value for it, so its type does not matter and there is no warning."""
    fit({"_target_": f"{__name__}.TypesForTheCheckerAlone"}, Annotated[Any, Target("size")], "key")
    assert caplog.messages == []
