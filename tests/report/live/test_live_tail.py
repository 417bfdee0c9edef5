"""A file that grows is read from where the last look ended, whatever happens to it in between."""

from pathlib import Path

from ddpg.report.live.tail import NOTHING, OVERLAP, Piece, Tail


def test_only_complete_new_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    tail = Tail(path)
    assert tail.look() == NOTHING
    path.write_bytes(b"one\ntwo\nthr")
    assert tail.look() == Piece(b"one\ntwo\n", restarted=False)
    assert tail.look() == NOTHING
    with path.open("ab") as file:
        file.write(b"ee\nfour")
    assert tail.look() == Piece(b"three\n", restarted=False)
    with path.open("ab") as file:
        file.write(b"\n")
    assert tail.look() == Piece(b"four\n", restarted=False)


def test_a_record_that_was_cut_back_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    tail = Tail(path)
    path.write_bytes(b"one\ntwo\n")
    tail.look()
    path.write_bytes(b"one\n")
    assert tail.look() == Piece(b"one\n", restarted=True)
    # cut back, and longer than before when it is looked at again
    path.write_bytes(b"ONE\n" + b"other\n" * OVERLAP)
    assert tail.look() == Piece(b"ONE\n" + b"other\n" * OVERLAP, restarted=True)
    path.unlink()
    assert tail.look() == Piece(b"", restarted=True)
    assert tail.look() == NOTHING
