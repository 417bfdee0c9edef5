"""Keys and values as messages spell them, and the nearest spelling that is allowed."""

import pytest

from ddpg.config.spelling import as_written, nearest


@pytest.mark.parametrize(
    ("word", "allowed", "end"),
    [
        ("gama", ["gamma", "tau"], "; did you mean gamma?"),
        ("noise.sgma", ["noise.sigma", "gamma"], "; did you mean noise.sigma?"),
        (
            "lr",
            ["optimizer.actor.lr", "optimizer.critic.lr"],
            "; did you mean optimizer.actor.lr or optimizer.critic.lr?",
        ),
        ("actr.norm", ["actor.norm", "critic.norm"], "; did you mean actor.norm?"),
        ("env.version", ["env.extra", "env.id"], "; allowed here: env.extra, env.id"),
        ("zzz", ["gamma", "tau"], "; allowed here: gamma, tau"),
        ("zzz", [f"key{n}" for n in range(20)], ""),
        ("zzz", [], ""),
        ("TD3", ["paper", "td3", "td3_full"], "; did you mean td3?"),
        ("Noise.Sigma", ["noise.sigma", "gamma"], "; did you mean noise.sigma?"),
    ],
)
def test_nearest(word: str, allowed: list[str], end: str) -> None:
    assert nearest(word, allowed) == end


def test_values_as_the_command_line_has_them() -> None:
    assert [as_written(v) for v in (None, True, "x", "1", 0.5, [1, "a"], "[1]")] == [
        "null",
        "true",
        "x",
        "'1'",
        "0.5",
        "[1,a]",
        "'[1]'",
    ]
