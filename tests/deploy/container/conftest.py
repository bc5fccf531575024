"""What these tests share with those from end to end: servers and patience."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "e2e"))
