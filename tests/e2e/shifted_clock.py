"""A wall clock of servers that can be set while they run."""

import os
import pathlib
import struct
import subprocess

SOURCE = pathlib.Path(__file__).parent / "wall_clock/shifted_clock.c"


class WallClock:
    """The wall clock of servers that were started with `environment`."""

    def __init__(self, library, file):
        self._file = file
        self.set(0)
        self.environment = {
            "LD_PRELOAD": str(library),
            "SHIFTED_CLOCK_FILE": str(file),
            # A sanitizer wants to come first; it need not.
            "ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0",
        }

    def set(self, shift_s):
        """Sets it ahead of the machine's by so many seconds, or behind."""
        # In place: the server has the file mapped.
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", shift_s))


def build_library(folder):
    """Compiles what shifts the clock, and returns its path."""
    library = folder / "shifted_clock.so"
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, "-o", library, SOURCE, "-ldl"], check=True)
    return library
