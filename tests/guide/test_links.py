# SPDX-License-Identifier: MIT
"""Every link from one page of the project to another leads to something that is there."""

import re

import pytest

from conftest import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "tests" / "README.md", *(ROOT / "docs").glob("*.md")])


def prose(page):
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)


def anchors(page):
    """As GitHub makes them of headings: lower case, blanks to dashes, no other marks."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.M)
    named = re.findall(r'<a id="([\w-]+)"></a>', prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings} | set(named)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_they_are_found():
    assert anchors(ROOT / "docs" / "answers.md") >= {"is-it-safe", "what-cannot-be-reached-and-what-to-do-instead"}
