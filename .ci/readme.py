"""The README's examples: print one, or run them all.

    readme.py show README.md 2                     the second bash block, as written
    readme.py run README.md --from 3 --in FOLDER   every bash block from the third on and every python block

A block after the comment ``<!-- not run: reason -->`` is left out.
"""

import argparse
import re
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"\s*(`{3,})\s*(\w*)[^`]*")
NOT_RUN = re.compile(r"<!--\s*not run:\s*(.+?)\s*-->")
SECONDS = 300
MISNAMED = {"sh": "bash", "shell": "bash", "zsh": "bash", "py": "python", "Python": "python"}


@dataclass
class Block:
    """One fenced block: its language, text, first line, and why it isn't run, if it isn't."""

    language: str
    text: str
    line: int
    reason: str | None


def blocks(readme: str) -> list[Block]:
    """Return the fenced blocks in order; an unclosed fence is an error."""
    found: list[Block] = []
    fence, language, begin, before = "", "", 0, ""
    content: list[str] = []
    for number, line in enumerate(readme.splitlines(), 1):
        mark = FENCE.fullmatch(line)
        if fence:
            if line.strip() == fence:
                reason = NOT_RUN.fullmatch(before.strip())
                found.append(
                    Block(language, textwrap.dedent("\n".join(content)), begin, reason and reason[1])
                )
                fence, before = "", ""
            else:
                content.append(line)
        elif mark:
            fence, language, begin, content = mark[1], mark[2], number + 1, []
            if language in MISNAMED:
                raise SystemExit(f"line {number}: call it {MISNAMED[language]}, else it is never run")
        elif line.strip():
            before = line
    if fence:
        raise SystemExit(f"line {begin - 1}: the fence is never closed")
    return found


def command_of(block: Block) -> list[str]:
    """How a block is run: bash stops at the first error, as Python does by itself."""
    if block.language == "bash":
        return ["bash", "-euo", "pipefail", "-c", block.text]
    return ["python", "-c", block.text]


def run(block: Block, folder: Path) -> bool:
    """Run one block and tell how it went; its output is shown only if it failed."""
    title = f"{block.language} block at line {block.line}"
    if block.reason:
        print(f"  {title}: not run, {block.reason}")
        return True
    began = time.monotonic()
    try:
        done = subprocess.run(
            command_of(block),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
        )
        code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        code, output = 124, late.stdout or b""
    seconds = time.monotonic() - began
    if code == 0:
        print(f"  {title}: {seconds:.1f} s")
        return True
    print(f"  {title}: FAILED with exit code {code} after {seconds:.1f} s\n{indented(block.text)}")
    print("  its output:")
    print(indented(output.decode("utf-8", "replace")))
    return False


def indented(text: str) -> str:
    """Return the text with a margin, to be told from our own."""
    return "\n".join(f"  | {line}" for line in text.splitlines())


def main() -> int:
    """Run the command line above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show")
    show.add_argument("readme", type=Path)
    show.add_argument("number", type=int)
    all_ = commands.add_parser("run")
    all_.add_argument("readme", type=Path)
    all_.add_argument("--from", type=int, default=1, dest="first")
    all_.add_argument("--in", type=Path, default=Path(), dest="folder")
    options = parser.parse_args()

    found = blocks(options.readme.read_text("utf-8"))
    bash = [block for block in found if block.language == "bash"]
    if options.command == "show":
        if not 1 <= options.number <= len(bash):
            raise SystemExit(f"{options.readme} has {len(bash)} bash blocks, no number {options.number}")
        print(bash[options.number - 1].text)
        return 0
    wanted = [block for block in found if block.language == "python" or block in bash[options.first - 1 :]]
    failed = [block for block in wanted if not run(block, options.folder)]
    print(f"  {len(wanted) - len(failed)} of {len(wanted)} README examples are in order")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
