"""The picture of a comparison: labels that leave room for it."""

from types import SimpleNamespace

from ddpg.report.compare.figure import LINE, label


def test_long_names_are_broken_into_lines() -> None:
    names = ["study=pendulum actor.lr=0.0002705 critic.lr=0.0006436 tau=0.0214", "ddpg_td3"]
    lines = label(SimpleNamespace(environment="pendulum", pair=names)).splitlines()  # type: ignore[arg-type]
    assert lines[0] == "pendulum"
    assert lines[-1] == "minus ddpg_td3"
    assert " ".join(lines[1:-1]) == names[0]
    assert max(map(len, lines)) <= LINE
