# SPDX-License-Identifier: MIT
"""make install, and the systemd units that it puts in place: they start what was installed, they are
right by systemd's own tools, and the service can live with what they forbid."""

import re
import subprocess

import pytest

from serving import ROOT, wait_until

UNITS = ("tagalong.service", "tagalong.socket")
FILES = {
    "bin/tagalong": 0o755,
    "bin/tagalong-run": 0o755,
    "lib/tagalong/libtagalong.so": 0o644,
    "lib/tagalong/tagalong-tools": 0o755,
    "lib/tagalong/hooks/kilo/tagalong.js": 0o644,
    "lib/tagalong/hooks/node/tagalong.cjs": 0o644,
    "lib/tagalong/hooks/python/hook.py": 0o644,
    "lib/tagalong/hooks/python/sitecustomize.py": 0o644,
    "lib/systemd/user/tagalong.service": 0o644,
    "lib/systemd/user/tagalong.socket": 0o644,
    "share/man/man1/tagalong.1": 0o644,
    "share/man/man1/tagalong-run.1": 0o644,
    "share/man/man5/tagalong.json.5": 0o644,
    "share/man/man7/libtagalong.7": 0o644,
    "share/man/man7/tagalong-protocol.7": 0o644,
    "share/bash-completion/completions/tagalong": 0o644,
    "share/zsh/site-functions/_tagalong": 0o644,
    "share/fish/vendor_completions.d/tagalong.fish": 0o644,
}


def make(*words):
    done = subprocess.run(["make", "-s", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def files_below(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in files}


def systemd_analyze(cold, *words):
    """As systemd does it for a user: it wants a run-time folder."""
    done = subprocess.run(
        ["systemd-analyze", *words], env=cold.environment(SYSTEMD_COLORS="0"), capture_output=True, text=True, timeout=30
    )
    if unknown := re.search(r"unrecognized option '(--\w+)", done.stderr):
        pytest.skip(f"this systemd-analyze has no {unknown[1]}")  # --offline came with 250; Ubuntu 22.04 has 249
    return done


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    make("install", f"PREFIX={prefix}")
    return prefix


def unit(installed, name):
    return installed / "lib" / "systemd" / "user" / name


def test_a_stage_and_back(tmp_path):
    stage = [f"DESTDIR={tmp_path}", "PREFIX=/usr"]
    make("install", *stage)
    below = files_below(tmp_path / "usr")
    # What Python compiles has the names of the Pythons that are here.
    assert {path: mode for path, mode in below.items() if "__pycache__" not in path} == FILES
    service = (tmp_path / "usr/lib/systemd/user/tagalong.service").read_text()
    assert re.findall("^ExecStart=(.*)$", service, re.M) == ["/usr/bin/tagalong serve --verbose"]
    assert "@" not in re.sub("^SystemCallFilter=.*$", "", service, flags=re.M)
    make("uninstall", *stage)
    assert files_below(tmp_path) == {}


def test_over_what_runs(tmp_path):
    """Each file is a new one under its name, whole when it gets there: a program that runs, or has the
    library, keeps the old one."""
    make("install", f"DESTDIR={tmp_path}")
    old = {path: (path.open("rb"), path.read_bytes()) for path in tmp_path.rglob("*")
           if path.is_file() and not path.is_symlink()}
    for path in old:
        with path.open("ab") as file:  # a sign that would be lost by writing in place
            file.write(b"old")
    make("install", f"DESTDIR={tmp_path}")
    assert {path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()} == set(old)
    for path, (file, content) in old.items():
        assert path.read_bytes() == content and file.read() == content + b"old", path
        file.close()


def test_systemd_has_nothing_to_say(installed, cold):
    paths = [unit(installed, name) for name in UNITS]
    done = systemd_analyze(cold, "--user", "verify", *paths)
    said = [line for line in done.stderr.splitlines() if "system bus" not in line]  # there may be none
    assert (done.returncode, said) == (0, [])


def test_exposure(installed, cold):
    """6.2 of 10: what is left needs privileges that a user's own manager does not have (mount,
    network and user namespaces, capabilities)."""
    check = ["security", "--user", "--offline=true", "--no-pager", "--threshold=63"]
    done = systemd_analyze(cold, *check, unit(installed, "tagalong.service"))
    assert done.returncode == 0, done.stdout


def system_calls(cold, name):
    """What a set of systemd's holds."""
    text = systemd_analyze(cold, "syscall-filter", "--no-pager", name).stdout
    text = re.sub(r"\x1b\[[\d;]*m", "", text)  # systemd 255 ends colours that it was told not to begin
    assert text.startswith(name)
    calls = set()
    for word in re.findall(r"^ +([@\w-]+)$", text, re.M):
        calls |= system_calls(cold, word) if word[0] == "@" else {word}
    return calls


def allowed_calls(installed, cold):
    allowed = set()
    text = unit(installed, "tagalong.service").read_text()
    for line in re.findall("^SystemCallFilter=(.*)$", text, re.M):
        calls = set()
        for word in line.strip("~").split():
            calls |= system_calls(cold, word) if word[0] == "@" else {word}
        allowed = allowed - calls if line[0] == "~" else allowed | calls
    return allowed


def test_it_lives_with_the_filter_of_system_calls(installed, cold, process):
    """Started by systemd's own activation, with everything that it does."""
    counts = cold.folder / "strace"
    cold.socket.parent.mkdir(mode=0o700)
    command = re.search("^ExecStart=(.*)$", unit(installed, "tagalong.service").read_text(), re.M)[1]
    activate = ["systemd-socket-activate", "-E", "XDG_STATE_HOME", "-l", cold.socket]
    service = subprocess.Popen(
        [*activate, "strace", "-D", "-f", "-c", "-o", counts, *command.split()],
        env=cold.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(cold.is_listened_to)
        with cold.connect() as peer:
            for i in range(100):
                peer.op("set", context={"task_id": str(i), "baggage": "x" * 8000})
            peer.op("watch")
            tree = process()
            tree.tell("open", {"mode": "plan"})
            tree.tell("fork", "child")
            assert tree.context("child")["mode"] == "plan"
            tree.end()
            wait_until(lambda: list(cold.rows()) == ["default"])
        assert cold.database.stat().st_size < 1 << 20
    finally:
        service.terminate()  # with -D it is tagalong itself, not strace
        assert service.wait(20) == 0
    wait_until(lambda: counts.exists() and "total" in counts.read_text())  # strace outlives it
    used = set(re.findall(r" (\w+)$", counts.read_text().split("total")[0], re.M)) - {"syscall"}
    assert {"accept4", "pidfd_open", "fdatasync", "pwrite64"} <= used
    assert used - allowed_calls(installed, cold) == set()
