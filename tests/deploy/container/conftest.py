"""What these tests share with those from end to end: servers, terminals and patience."""

import pathlib
import sys

E2E = pathlib.Path(__file__).parents[2] / "e2e"
sys.path[:0] = [str(E2E), str(E2E / "cli")]
