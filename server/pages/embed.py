"""Writes assets.cc: the files of a folder as texts of a program.

    embed.py FOLDER OUTPUT
"""

import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
LITERAL = 12_000  # Bytes of one string literal: compilers need not take more than 64 KiB.


def literal(data):
    """The bytes as C++ string literals, in octal where they are not plain."""
    escaped = [
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
        for byte in data
    ]
    parts = [escaped[at : at + LITERAL] for at in range(0, len(escaped), LITERAL)]
    return "\n".join(f'    "{"".join(part)}"' for part in parts) or '    ""'


def main(folder, output):
    files = sorted(path for path in pathlib.Path(folder).iterdir() if path.is_file())
    rows = "\n".join(
        f'  {{"{path.name}", "{TYPES[path.suffix]}", {{\n{literal(path.read_bytes())},\n'
        f"    {path.stat().st_size}}}}},"
        for path in files
    )
    pathlib.Path(output).write_text(
        '#include "server/pages/assets.h"\n\n'
        "namespace fusebox {\nnamespace {\n\n"
        f"constexpr Asset kAssets[] = {{\n{rows}\n}};\n\n"
        "}  // namespace\n\n"
        "absl::Span<const Asset> Assets() { return kAssets; }\n\n"
        "const Asset* FindAsset(absl::string_view name) {\n"
        "  for (const Asset& asset : kAssets) {\n"
        "    if (asset.name == name) return &asset;\n"
        "  }\n"
        "  return nullptr;\n"
        "}\n\n"
        "}  // namespace fusebox\n"
    )


main(*sys.argv[1:])
