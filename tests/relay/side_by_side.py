#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two recorded requests side by side, as they arrived; "+" marks lines that only the second has.

    python3 tests/relay/side_by_side.py requests.jsonl "curl" "curl, through Tagalong"
"""

import json
import shutil
import sys

LEFT = 46  # characters of the first column; the second takes what is left


def head_lines(record):
    return record["head"].split("\r\n")[:-2]


def cut(line, width):
    return line if len(line) <= width else line[: width - 3] + "..."


def main():
    path, *titles = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        first, second = [head_lines(json.loads(line)) for line in file][:2]
    right = max(40, shutil.get_terminal_size((132, 24)).columns - LEFT - 4)

    print(f"  {titles[0]:<{LEFT}}  {titles[1]}")
    print(f"  {'-' * (LEFT - 2):<{LEFT}}  {'-' * min(right, 72)}")
    left = iter(first)
    for line in second:
        added = line not in first
        before = "" if added else cut(next(left), LEFT - 2)
        print(f"  {before:<{LEFT}}{'+ ' if added else '  '}{cut(line, right)}")


if __name__ == "__main__":
    main()
