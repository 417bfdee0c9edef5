"""Brackets and quotes without a partner."""

import pytest

from ddpg.composition.brackets import lonely


@pytest.mark.parametrize(
    ("text", "alone", "missing"),
    [
        ("[1,{a:(2)}]", "", ""),
        ("[1,{a:(2", "(", ")}]"),
        ("1]", "]", ""),
        ("[1}", "}", ""),
        ("'[' \"it's\"", "", ""),
        ('["a', '"', '"]'),
        (r"[\]", "[", "]"),
        (r"\'", "", ""),
    ],
)
def test_lonely(text: str, alone: str, missing: str) -> None:
    assert lonely(text) == (alone, missing)
