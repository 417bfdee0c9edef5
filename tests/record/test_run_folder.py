"""Which folders are run folders, and in which order they come."""

from pathlib import Path

import pytest

from ddpg.record.run_folder import atomic_write, is_run_folder, natural_order, run_folders


def write(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["status.json"], True),  # it could not be built
        (["config.yaml", "provenance.json"], True),  # frozen by a sweep, waiting in the queue
        (["config.yaml", "status.json", "provenance.json", "metrics.jsonl"], True),
        (["config.yaml"], False),  # Hydra's primary config of somebody's project
        ([], False),
    ],
)
def test_a_run_folder_has_a_status_or_a_provenance(tmp_path: Path, names: list[str], expected: bool) -> None:
    assert is_run_folder(write(tmp_path / "folder", *names)) is expected


def test_runs_are_found_below_other_folders_but_not_inside_runs(tmp_path: Path) -> None:
    write(tmp_path / "project", "config.yaml")
    for name in ("project/10_b", "project/2_a", "project/2_a/videos", "project/.hidden", "alone"):
        write(tmp_path / name, "status.json")
    found = [path.relative_to(tmp_path) for path in run_folders(tmp_path)]
    assert found == [Path("alone"), Path("project/2_a"), Path("project/10_b")]


def test_a_run_folder_is_found_in_itself(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", "status.json")
    assert list(run_folders(folder)) == [folder]


def test_numbers_in_names_are_compared_as_numbers() -> None:
    names = ["b", "a10", "10_seed=1", "a2", "2x", "2_seed=10", "a", "2_seed=9"]
    expected = ["2_seed=9", "2_seed=10", "2x", "10_seed=1", "a", "a2", "a10", "b"]
    assert sorted(names, key=natural_order) == expected


def test_a_new_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail() -> None:
        with atomic_write(path) as file:
            file.write(b"new")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("x", b"old")]
    with atomic_write(path) as file:
        file.write(b"newer")
        assert path.read_bytes() == b"old"
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("x", b"newer")]
