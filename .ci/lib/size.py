"""Measures the C++: how long its functions are, and how many lines of test a line of source has."""

import pathlib
import sys

import lizard

LONGEST = 70
LEAST_TEST = 1.0
SOURCES = ("core", "server", "proto", "client")
TESTS = ("tests",)


def files(folders):
    return sorted(
        path
        for folder in folders
        for path in pathlib.Path(folder).rglob("*")
        if path.suffix in (".cc", ".h") and path.is_file()
    )


def lines(paths):
    return sum(1 for path in paths for line in path.read_text().splitlines() if line.strip())


def too_long(paths):
    """Yields a line for each function that is too long, and for nothing else."""
    for analysis in lizard.analyze_files([str(path) for path in paths]):
        for function in analysis.function_list:
            if function.length > LONGEST:
                yield (
                    f"{analysis.filename}:{function.start_line}: {function.long_name} has "
                    f"{function.length} lines; split it into parts of at most {LONGEST}"
                )


def main():
    sources, tests = files(SOURCES), files(TESTS)
    failures = list(too_long(sources + tests))
    ratio = lines(tests) / max(lines(sources), 1)
    if ratio < LEAST_TEST:
        failures.append(f"{ratio:.2f} lines of test per line of source; at least {LEAST_TEST}")
    print(*failures, sep="\n", end="\n" if failures else "")
    print(
        f"{lines(sources)} lines of source, {lines(tests)} of test: "
        f"{ratio:.2f} of test per line of source"
    )
    return bool(failures)


sys.exit(main())
