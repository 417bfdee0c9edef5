"""Arrays of numbers as JSON that is small and that a browser reads at once."""

import base64
from typing import Any

import numpy as np

from ddpg.record.series import Series

#: The largest code of a value that is stored in two bytes.
CODES = 65535
#: How many times the least of positive values the largest may be in two bytes, of which the least then has 1.5 %.
WIDE = 1000
#: Bytes of a number.
BYTES = {"f32": 4, "u16": 2}


def encode_steps(steps: Series) -> dict[str, Any]:
    """Write env steps: evenly spaced ones as three numbers, others in four bytes each, exact up to 2^24."""
    count = len(steps)
    every = float(steps[1] - steps[0]) if count > 1 else 1.0
    first = float(steps[0]) if count else 0.0
    if np.array_equal(steps, first + every * np.arange(count)):
        return {"base": "range", "first": _whole(first), "every": _whole(every), "count": count}
    return {"base": "f32", "data": _text(steps, "<f4")}


def encode_values(values: Series) -> dict[str, Any]:
    """Write finite values in two bytes each, as codes between their least and their largest.

    Positive values that span a wide range have four bytes each, because a logarithmic axis shows the small ones.
    """
    low = float(values.min(initial=np.inf))
    high = float(values.max(initial=-np.inf))
    if not high > low:
        return {"base": "range", "first": low if len(values) else 0, "every": 0, "count": len(values)}
    if low >= np.finfo("f4").tiny and low * WIDE < high <= np.finfo("f4").max:
        return {"base": "f32", "data": _text(values, "<f4")}
    codes = np.rint((values - low) / (high - low) * CODES)
    return {"base": "u16", "low": low, "high": high, "data": _text(codes, "<u2")}


def decode(array: dict[str, Any]) -> Series:
    """Read what `encode_steps` and `encode_values` write, as the page does; a `ref` is the reader's to look up."""
    if array["base"] == "range":
        return array["first"] + array["every"] * np.arange(array["count"], dtype=np.float64)
    kind = {"f32": "<f4", "u16": "<u2"}[array["base"]]
    numbers = np.frombuffer(base64.b64decode(array["data"]), kind).astype(np.float64)
    if array["base"] == "f32":
        return numbers
    return array["low"] + (array["high"] - array["low"]) * numbers / CODES


def size(array: dict[str, Any]) -> int:
    """Count the numbers of an array without reading them."""
    if array["base"] == "range":
        return int(array["count"])
    text = array["data"]
    return (len(text) * 3 // 4 - text.count("=")) // BYTES[array["base"]]


def _whole(number: float) -> float:
    """Write a number without a fraction as JSON writes an integer."""
    return int(number) if number.is_integer() else number


def _text(numbers: Series, kind: str) -> str:
    return base64.b64encode(numbers.astype(kind).tobytes()).decode()
