"""The configurations that are compared."""

from pathlib import Path

from support.report_runs import RETURN, write_run

from ddpg.report.compare.configurations import configurations
from ddpg.report.compare.options import Options
from ddpg.report.reading import find_all_runs


def test_runs_that_have_not_started_have_a_say_in_the_names(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0], gamma=0.9)
    waiting = write_run(tmp_path / "b", [1.0], gamma=0.99)
    (waiting / "status.json").unlink()
    (waiting / "provenance.json").write_text("[]")
    started, planned = find_all_runs([tmp_path])
    [one] = configurations(started, planned, Options(metric=RETURN))
    assert one.configuration == "gamma=0.9"


def test_forks_are_compared_by_what_they_have_trained(tmp_path: Path) -> None:
    """Their common steps before that, and the scores there, are their sources'."""
    for seed in (1, 2):
        forked = {"configuration": "8d93be39", "env_step": 100}
        fork = {"seed": seed, "fork": f"outputs/src_{seed}", "forked": forked}
        write_run(tmp_path / f"{seed}", [-9.0, -9.0, -2.0, -1.0], **fork)
    write_run(tmp_path / "late", [-9.0, -9.0, -9.0], **fork | {"forked": forked | {"env_step": 200}})
    early, late = configurations(find_all_runs([tmp_path]).started, [], Options(metric=RETURN))
    assert early.values.tolist() == [[-2, -1], [-2, -1]]
    assert early.notes[0] == "forked from outputs/src_1, outputs/src_2 at step 100; only what came after it counts"
    assert not any("training anew" in note for note in early.notes)  # each continues a run of its own
    assert (late.seeds, late.steps.size) == ((), 0)


def test_forks_of_one_run_are_no_trainings_of_their_own(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        fork = {"seed": seed, "fork": "outputs/src", "forked": {"configuration": "8d93be39", "env_step": 100}}
        write_run(tmp_path / f"{seed}", [0.0, 0.0, 1.0], **fork)
    [one] = configurations(find_all_runs([tmp_path]).started, [], Options(metric=RETURN))
    assert (
        "3 forks continue one run: intervals and tests tell what further forks would do, not what training anew would"
        in one.notes
    )


def test_forks_of_several_runs_with_the_same_seeds_all_count(tmp_path: Path) -> None:
    for source in (1, 2):
        for seed in (1, 2, 3):
            forked = {"configuration": "8d93be39", "env_step": 100}
            fork = {"seed": seed, "fork": f"outputs/src_{source}", "forked": forked}
            write_run(tmp_path / f"{source}{seed}", [0.0, 0.0, 10.0 * source + seed], **fork)
    [one] = configurations(find_all_runs([tmp_path]).started, [], Options(metric=RETURN))
    assert one.seeds == (1, 1, 2, 2, 3, 3)
    assert one.values.tolist() == [[11], [21], [12], [22], [13], [23]]
    assert any(note.startswith("6 forks continue 2 runs: ") for note in one.notes)
    assert not any("more than once" in note for note in one.notes)


def test_a_fork_that_was_trained_again_counts_once(tmp_path: Path) -> None:
    fork = {"fork": "outputs/src", "forked": {"configuration": "8d93be39", "env_step": 100}}
    write_run(tmp_path / "a", [0.0, 0.0, 1.0], state="interrupted", **fork)
    write_run(tmp_path / "b", [0.0, 0.0, 1.0, 2.0], **fork)
    [one] = configurations(find_all_runs([tmp_path]).started, [], Options(metric=RETURN))
    assert one.values.tolist() == [[1, 2]]
    assert "seed 1 was run more than once: the run that came furthest counts" in one.notes


def test_configurations_can_be_joined(tmp_path: Path) -> None:
    for gamma in (0.9, 0.99):
        for batch in (32, 64):
            write_run(tmp_path / f"{gamma}{batch}", [1.0], gamma=gamma, batch_size=batch)
    found = configurations(find_all_runs([tmp_path]).started, [], Options(group_by="gamma"))
    assert [(one.configuration, len(one.seeds)) for one in found] == [("gamma=0.9", 2), ("gamma=0.99", 2)]
