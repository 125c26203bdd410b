# SPDX-License-Identifier: MIT
"""The manual: it is complete, without warnings, and found by its names."""

import re
import subprocess

import pytest

from serving import ROOT

PAGES = {
    "tagalong.1": "commands.md",
    "tagalong.json.5": "configuration.md",
    "tagalong-protocol.7": "protocol.md",
    "libtagalong.7": "variables.md",
}


@pytest.fixture(scope="module")
def manual(tmp_path_factory):
    """As it is installed."""
    folder = tmp_path_factory.mktemp("manual")
    subprocess.run(["make", "-s", "man", f"BUILD={folder}"], cwd=ROOT, check=True)
    for page in PAGES:
        section = folder / f"man{page[-1]}"
        section.mkdir(exist_ok=True)
        (folder / "man" / page).rename(section / page)
    subprocess.run(["/usr/sbin/makewhatis", folder], check=True)
    return folder


def render(*words, **variables):
    done = subprocess.run(words, capture_output=True, text=True, timeout=20,
                          env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **variables})
    assert (done.returncode, done.stderr) == (0, ""), done
    return re.sub(".\b", "", done.stdout)


@pytest.mark.parametrize("page", PAGES)
def test_nothing_to_complain_of(manual, page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", manual / f"man{page[-1]}" / page],
                          capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES)
def test_it_is_found_by_its_name_and_is_whole(manual, page):
    """Every word of the document is on the page, but for the heads of tables; and nothing of its markup."""
    name, _, section = page.rpartition(".")
    text = render("mman", "-M", str(manual), "-O", "width=100", section, name)
    assert text.startswith(f"{name.upper()}({section})") and "NAME\n" in text and "DESCRIPTION\n" in text
    document = (ROOT / "docs" / PAGES[page]).read_text()
    code = "".join(re.findall(r"^```.*?^```|^    [^\n]*$", document, re.S | re.M))
    for mark in ("`", "**", "](", "|---", "\\_"):
        assert text.count(mark) == code.replace("```", "").count(mark), mark
    left_out = r"<!--.*?-->|^```[^\n]*$|^# [^\n]*$|\]\([^)]*\)|^\|[^\n]*(?=\n\|---)|\\(?=[_*<>|`\[\]])"
    words = re.findall(r"[\w./$-]{4,}", re.sub(left_out, "", document, flags=re.S | re.M).lower().replace("**", ""))
    assert len(words) > 400
    assert [word for word in words if word.strip("./-_") not in text.lower()] == []


@pytest.mark.parametrize("page", PAGES)
def test_groff_reads_it_as_well(manual, page):
    """What `man` of most systems is made of; groff-base comes with it."""
    path = manual / f"man{page[-1]}" / page
    text = render("groff", "-mandoc", "-Tutf8", "-ww", "-P-cbou", str(path))
    assert text.startswith(f"{page.rpartition('.')[0].upper()}({page[-1]})") and len(text) > 4000


def test_synopsis(manual):
    text = render("mman", "-M", str(manual), "-O", "width=200", "1", "tagalong")
    synopsis = re.sub(r"\s+", " ", text.split("SYNOPSIS\n")[1].split("DESCRIPTION\n")[0])
    document = (ROOT / "docs" / "commands.md").read_text().split("## Synopsis\n")[1].split("## ")[0]
    assert synopsis.strip() == re.sub(r"\s+", " ", document).strip()


def test_pages_name_each_other(manual):
    for page in PAGES:
        text = (manual / f"man{page[-1]}" / page).read_text()
        assert set(re.findall(r"^\.Xr (\S+) (\d)", text, re.M)) == {
            tuple(other.rsplit(".", 1)) for other in PAGES if other != page}


def test_bad_calls():
    for words in (["nonsense.1", "2026-11-25", "1"], ["tagalong.1"]):
        done = subprocess.run([ROOT / "scripts" / "man-page", *words], input="", capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr.startswith("man-page: usage") and not done.stdout
