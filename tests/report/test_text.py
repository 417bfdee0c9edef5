"""The table of final scores and its notes."""

import re
from pathlib import Path

import pytest
from support.report_runs import write_run

from ddpg.report.text import literal, number, seed_list
from ddpg.report.view import View
from ddpg.report.write import write_report


def test_table_by_hand(tmp_path: Path) -> None:
    for seed, last in ((1, 10.0), (2, 20.0), (3, 30.0), (4, 80.0)):
        write_run(tmp_path / f"ou{seed}", [0.0, 90.0, 50.0, last], [seed] * 3, seed=seed)
    for seed in (1, 2):
        write_run(tmp_path / f"g{seed}", [0.0, 1.0, 2.0, 3.0 * seed], seed=seed, gamma=0.5)
    text = write_report([tmp_path], tmp_path / "out", View(), "")
    table = {(row[0], row[1]): row[2:] for row in table_of(text)}
    # standard deviation of 10, 20, 30, 80: 31.09; 3.182 * 31.09 / 2 = 49.47. Winsorized, 20, 20, 30, 30 have 5.774;
    # 12.706 * 5.774 * sqrt(3 / 2) = 89.85
    assert table["last evaluation", "gamma=0.99"] == [
        "4 (1-4)", "300", "35.00 ± 26.93", "[-14.47, 84.47]", "25.00", "[-64.85, 114.8]",
    ]  # fmt: skip
    assert table["last evaluation", "gamma=0.5"] == [
        "2 (1, 2)", "300", "4.50 ± 1.50", "- (2 seeds)", "4.50", "- (2 seeds)",
    ]  # fmt: skip
    assert table["last 3 evaluations", "gamma=0.99"][2] == "58.33 ± 8.98"
    assert table["max of the mean evaluation", "gamma=0.99"] == [
        "4 (1-4)", "100", "90.00 ± 0.00", "- (all equal)", "90.00", "- (all equal)",
    ]  # fmt: skip
    assert table["last 3 training episodes", "gamma=0.99"][2] == "2.50 ± 1.12"
    assert ("last 3 training episodes", "gamma=0.5") not in table
    assert len({len(line) for line in text.splitlines() if line[:1] == "|"}) == 1  # aligned
    written = (tmp_path / "out" / "report.md").read_text()
    assert "![eval/episodic_return of pendulum](pendulum.png)" in written
    assert "![" not in text
    assert set(text.partition("\nwritten into ")[0].splitlines()) <= set(written.splitlines())


def table_of(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_seeds_that_failed_are_in_the_table(tmp_path: Path) -> None:
    """3 of 6 count; of these two end at 90 or above; the one that failed is not solved, those that run may yet be."""
    for seed, last in enumerate((95.0, 90.0, 10.0), start=1):
        write_run(tmp_path / f"{seed}", [0.0, 0.0, last], seed=seed)
    for seed, state in enumerate(("failed", "running", "interrupted"), start=4):
        write_run(tmp_path / f"{seed}", [99.0], seed=seed, state=state)
    text = write_report([tmp_path], tmp_path / "out", View(solved=90.0), "")
    table = {row[0]: row[2:] for row in table_of(text)}
    assert table["convention"][-1] == "solved (at least 90)"
    assert (table["last evaluation"][0], table["last evaluation"][-1]) == ("3 of 6 (1-3)", "2 of 4")
    assert table["last 2 evaluations"][-1] == ""
    assert re.search(r"^- 3 of 6 seeds .*200.*failed.*seed 4 \(failed at 0\)", text, re.MULTILINE)  # no label "-"


def test_conventions_stand_in_one_order_whatever_a_configuration_lacks(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0], gamma=0.1)  # has neither a second evaluation nor a training episode
    write_run(tmp_path / "b", [1.0, 2.0, 3.0], [1.0], gamma=0.2)
    write_run(tmp_path / "c", [1.0, 2.0], [1.0, 2.0], gamma=0.3)
    text = write_report([tmp_path], tmp_path / "out", View(), "")
    assert [(row[0], row[1][-3:]) for row in table_of(text)[2:]] == [
        ("last evaluation", "0.1"), ("last evaluation", "0.2"), ("last evaluation", "0.3"),
        ("last 2 evaluations", "0.2"),
        ("max of the mean evaluation", "0.1"), ("max of the mean evaluation", "0.2"),
        ("max of the mean evaluation", "0.3"),
        ("last 1 training episode", "0.2"), ("last 2 training episodes", "0.3"),
    ]  # fmt: skip
    assert re.search(r"^- .* 0 to 200 \(column step\)$", text, re.MULTILINE)


def test_nothing_in_common_is_noted(tmp_path: Path) -> None:
    for seed in (1, 2):
        path = write_run(tmp_path / f"{seed}", [1.0, 2.0], seed=seed) / "metrics.jsonl"
        path.write_text(path.read_text().split("\n")[seed - 1] + "\n")
    text = write_report([tmp_path], tmp_path / "out", View(solved=90.0), "")
    assert "\n- not compared: " in text
    assert "written into " in text


def test_seeds_and_numbers_are_short() -> None:
    assert [seed_list(s) for s in ((), (3,), (1, 2), (1, 2, 3, 7))] == ["0", "1 (3)", "2 (1, 2)", "4 (1-3, 7)"]
    assert seed_list((1, 2, 3, 1, 2)) == "5 (1-3)"
    assert [number(v) for v in (0.0, 1234.56, -12.345, 0.0012345)] == ["0.00", "1234.6", "-12.35", "0.00123"]
    assert [number(v) for v in (-0.0, 1e7, -12345678.0, 9999999.0)] == ["0.00", "1.000e+07", "-1.235e+07", "9999999.0"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a$_{$b", r"a\$\_{\$b"),
        ("x|y", r"x\|y"),
        ("a\\b", r"a\\b"),
        ("<b>*q*</b> `c` &lt; ~~s~~", r"\<b>\*q\*\</b> \`c\` \&lt; \~\~s\~\~"),
        ("[e](f) [400, 300]", r"[e]\(f) [400, 300]"),
        ("n_step=3 noise._target_=x", r"n_step=3 noise.\_target\_=x"),
        ("p\nq\tr", "p q r"),
    ],
)
def test_text_of_the_user_s_stays_text_in_markdown(text: str, written: str) -> None:
    assert literal(text) == written


def test_labels_of_any_text(tmp_path: Path) -> None:
    """A value of a string argument, in the picture and in the table."""
    write_run(tmp_path / "a", [1.0, 2.0], gamma="a$_{$b|c")
    write_run(tmp_path / "b", [1.0, 2.0], gamma="$\\frac{$")
    text = write_report([tmp_path], tmp_path / "out", View(), "")
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line[:1] == "|"}) == 1
    assert (tmp_path / "out" / "pendulum.png").exists()


def test_other_numbers_of_evaluations_are_noted(tmp_path: Path) -> None:
    write_run(tmp_path / "often", [0.0, 1.0, 2.0, 3.0, 4.0], gamma=0.1)
    seldom = write_run(tmp_path / "seldom", [0.0, 1.0, 2.0, 3.0, 4.0], gamma=0.2) / "metrics.jsonl"
    seldom.write_text("".join(row for row in seldom.open() if '"env_step": 100' not in row))
    text = write_report([tmp_path], tmp_path / "out", View(), "")
    assert "the configurations differ in their numbers of evaluations, 4, 5: the last 10" in text
    write_run(tmp_path / "longer", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], gamma=0.3)
    assert "differ in their numbers" not in write_report([tmp_path], tmp_path / "out", View(), "")
