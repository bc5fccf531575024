"""Takes the examples out of README.md and makes programs of them.

An example becomes a program inside the frame of its language: the files in frames/, with one line
that says MARK where the example goes. Where the example has an address, a URL or a deadline, the
program has what it is started with: HOST:PORT of Fusebox, HOST:PORT of the upstream or its URL, and
milliseconds.

    python snippets.py cpp OUT    writes the example alone, for a frame that includes it
"""

import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
FRAMES = pathlib.Path(__file__).parent / "frames"
MARK = "README.md has the rest."

# What the frame of each language calls what the example spells out.
NAMES = {
    "python": {
        '"127.0.0.1:7400"': "fusebox_address",
        '"http://shop.internal/checkout"': "upstream_url",
        "timeout=0.1": "timeout=deadline_s",
    },
    "go": {
        '"http://shop.internal/checkout"': "upstreamURL",
        "100*time.Millisecond": "deadline",
    },
    "js": {
        '"http://127.0.0.1:7400"': "`http://${fuseboxAddress}`",
        '"http://shop.internal/checkout"': "upstreamUrl",
        "defaultTimeoutMs: 100": "defaultTimeoutMs: deadlineMs",
    },
    "cpp": {
        '"127.0.0.1:7400"': "fusebox_address",
        "absl::Milliseconds(100)": "deadline",
    },
    "java": {
        '"127.0.0.1:7400"': "fuseboxAddress",
        '"http://shop.internal/checkout"': "upstreamUrl",
        "100, MILLISECONDS": "deadlineMs, MILLISECONDS",
    },
}
DEADLINE_MS = 100  # What the examples say.


def block(language):
    """The text of README's only fenced block in a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"README.md has {len(found)} blocks in {language}; it has one of each"
    return found[0]


def commands(heading):
    """The indented blocks of one of README's sections, each as a shell script."""
    section = README.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [
        textwrap.dedent(found) for found in re.findall(r"(?:^ {4}.*\n)+", section, re.MULTILINE)
    ]


def example(language):
    """The example of a language, with the names of its frame."""
    text = block(language)
    for literal, name in NAMES[language].items():
        assert literal in text, f"the {language} example in README.md does not have {literal}"
        text = text.replace(literal, name)
    return text


def program(language, frame):
    """The frame of that name with the example in it."""
    text = (FRAMES / frame).read_text()
    (line,) = (line for line in text.splitlines(keepends=True) if MARK in line)
    indent = line[: len(line) - len(line.lstrip())]
    return text.replace(line, textwrap.indent(example(language), indent))


if __name__ == "__main__":
    language, out = sys.argv[1], pathlib.Path(sys.argv[2])
    text = example(language)
    # What did not change is not built again.
    if not out.exists() or out.read_text() != text:
        out.write_text(text)
