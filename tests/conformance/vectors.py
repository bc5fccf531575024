"""The vectors of this folder, and how an answer is compared with what one expects of it.

README.md is the format. Nothing here knows how the operations are carried out.
"""

import decimal
import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).parent
TOLERANCE = decimal.Decimal("0.000002")
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?s?", re.IGNORECASE)


def load():
    """Returns pairs of an id, "file: name", and a scenario."""
    return [
        (f"{file.stem}: {scenario['name']}", scenario)
        for file in sorted(FOLDER.glob("*.json"))
        for scenario in json.loads(file.read_text())
    ]


def number(value):
    """Returns a number, one that protobuf wrote as text or a duration in seconds; else None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return decimal.Decimal(str(value))
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return decimal.Decimal(value.rstrip("s"))
    return None


def mismatch(expected, actual, path=""):
    """Returns what differs first, as text; "" if nothing does."""
    if isinstance(expected, dict) and not expected.keys() & {"min", "max"}:
        answer = actual if isinstance(actual, dict) else {}
        parts = (mismatch(e, answer.get(k), f"{path}.{k}") for k, e in expected.items())
        return next(filter(None, parts), "")
    if _holds_messages(expected):
        answer = actual if isinstance(actual, list) else []
        if len(expected) == len(answer):
            pairs = enumerate(zip(expected, answer))
            parts = (mismatch(e, a, f"{path}[{i}]") for i, (e, a) in pairs)
            return next(filter(None, parts), "")
    elif _same(expected, actual):
        return ""
    return f"{path.lstrip('.')} is {json.dumps(actual)}, expected {json.dumps(expected)}"


def _holds_messages(value):
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _same(expected, actual):
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return False
        return not _holds_messages(actual) and sorted(expected) == sorted(actual)
    got = number(actual)
    if isinstance(expected, dict):
        low, high = number(expected.get("min")), number(expected.get("max"))
        return (
            got is not None
            and (low is None or got >= low - TOLERANCE)
            and (high is None or got <= high + TOLERANCE)
        )
    wanted = number(expected)
    if wanted is None or got is None:
        return expected == actual
    return abs(wanted - got) <= TOLERANCE
