"""Words that Hydra cannot parse: where they go wrong, and advice that can be followed."""

import shlex
from functools import cache

import pytest
from support.command_line import assert_has

from ddpg.composition.grammar import error_of, grammar_mistake
from ddpg.composition.options_help import Choices

choices = cache(Choices)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        # spaces
        ("a=[128, 128] b=3", "a=[128, 128] has spaces ... 'a=[128, 128]'"),
        ("a={g: 5.0}", "'a={g: 5.0}'"),
        ("b=1 a=[-1, -2]", "'a=[-1, -2]'"),
        ('a="x y" b=1', """'a="x y"'"""),
        ("a=1, 2", "'a=1, 2'"),
        ("gamma = 0.9", "gamma: values are written KEY=VALUE ... without spaces: gamma=0.9"),
        ("gamma =0.9", "gamma=0.9"),
        ("gamma= 0.9", "0.9: values are written KEY=VALUE ... gamma=0.9"),
        ("env=hopper seed 3", "seed: values are written KEY=VALUE ... seed=3?"),
        ("seed=1 env hopper", "env=hopper?"),
        ("name=my first run b=1", "first: values are written KEY=VALUE ... 'name=my first run'"),
        # brackets and quotes
        ("a=[1,2", "the [ is never closed ... 'a=[1,2]'?"),
        ("a={a:{b:1}", "the { is never closed ... 'a={a:{b:1}}'?"),
        ("a=[1,2} b=3", "the } closes nothing"),
        ("a=1]", "the ] closes nothing"),
        ('a="abc', """the " is never closed ... 'a="abc"'?"""),
        ("a=it's", """the ' is never closed"""),
        ("a=(1,2)", "goes wrong at '(' ... 'a=[1,2]'?"),
        ("a={b=1}", "'a={b:1}'?"),
        ("a=${x", "the { is never closed ... 'a=${x}'?"),
        # signs
        ("a=b=c", """goes wrong at '=' ... 'a="b=c"'?"""),
        ("a==1", "a=1?"),
        ("a=1,", "ends too early ... a=1?"),
        ("a=\u201cx\u201d", """'a="x"'?"""),
        ("a=gr\u00fcn", """'a="gr\u00fcn"'?"""),
        ("a=1\r", r"'a=1\r' cannot be read ... a=1?"),
        ("a:1", "a:1: values are written KEY=VALUE ... a=1?"),
        # keys
        ("a[0]=1", "an item of a list is not set alone ... a=[...]"),
        ("a..b=1", "a..b is no key"),
        # functions
        ("a=rang(1,3)", "Unknown function 'rang' ... range?"),
        ("a=choice()", "empty choice is not legal"),
        # options, and nothing that is known
        ("hopper", "env=hopper?"),
        ("Adaptive_Parameter", "noise=adaptive_parameter?"),
        ("foo", "foo: values are written KEY=VALUE, as in seed=3"),
    ],
)
def test_mistake(words: str, parts: str) -> None:
    """What comes last in single quotes or before a question mark can be parsed."""
    parted = words.split(" ")
    wrong = next(word for word in parted if error_of(word) is not None)
    line = grammar_mistake(wrong, parted, choices(None))
    assert_has(line, parts)
    assert line.isprintable()
    if "did you mean" in line and "function" not in line:
        (advised,) = shlex.split(line.rpartition("did you mean ")[2].removesuffix("?").partition(" or ")[0])
        assert error_of(advised) is None
