# SPDX-License-Identifier: MIT
"""What outlives the service: kill -9 at any moment, damaged files, disks that refuse."""

import ctypes
import json
import os
import random
import re
import resource
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import needs_root
from serving import TOOLED, WRAP, Closed, peak_bytes, wait_until

KILLS = 5 if WRAP else 40
TURNS = 3 if TOOLED else 10
MANY = 500 if TOOLED else 2000


def test_all_is_there_after_a_restart(service, process):
    tree = process()
    scope = tree.tell("open", {"task_id": "T-1", "traceparent": "odd", "tags": 'a=",b=\\'})["scope"]
    with service.connect() as peer:
        peer.op("open", scope={"name": "named"}, context={"mode": "größer"})
        peer.op("set", scope={"default": True}, context={"user_id": "ada"})
        peer.op("set", scope={"name": scope}, context={"task_id": "T-2"})
        peer.op("unset", scope={"name": "named"}, fields=["mode"])
        before = peer.op("list")
        context = peer.op("get", scope={"name": scope})
    for end in (service.kill, service.stop):
        end()
        service.start()
        with service.connect() as peer:
            assert peer.op("list")["scopes"] == before["scopes"]
            after = peer.op("get", scope={"name": scope})
            assert after.pop("revision") >= before["revision"]
            assert after == {key: value for key, value in context.items() if key != "revision"}
    assert tree.context()["task_id"] == "T-2"
    assert service.errors() == ""


def test_a_revision_never_goes_back(service):
    revisions = []
    for _ in range(3):
        with service.connect() as peer:
            peer.op("open", scope={"name": "x"})
            revisions.append(peer.op("close", scope={"name": "x"})["revision"])
        service.restart()
        with service.connect() as peer:
            revisions.append(peer.op("ping")["revision"])
    assert revisions == sorted(revisions)


class Setter(threading.Thread):
    """Counts up in one scope, and knows how far the service answered. With a large value beside the
    number the file is soon due to be written anew."""

    def __init__(self, service, name):
        super().__init__(daemon=True)
        self.service, self.name, self.asked, self.answered = service, name, 0, 0
        self.more = {"tags": "k=" + "x" * 8000}

    def run(self):
        try:
            with self.service.connect() as peer:
                peer.op("open", scope={"name": self.name})
                while True:
                    self.asked += 1
                    context = {"task_id": str(self.asked), **self.more}
                    peer.op("set", scope={"name": self.name}, context=context)
                    self.answered = self.asked
        except (OSError, Closed):
            pass


def test_kill_loses_no_answered_set(cold):
    service, chance, known = cold, random.Random(3), {}
    sets = 0
    for turn in range(KILLS):
        service.start()
        with service.connect() as peer:
            rows = {row["scope"]: row["context"] for row in peer.scopes()}
        for name, (answered, asked) in known.items():
            assert answered <= int(rows[name].get("task_id", 0)) <= asked, f"{name} in turn {turn}"
        setters = [Setter(service, f"{turn}.{i}") for i in range(3)]
        for setter in setters:
            setter.start()
        time.sleep(chance.uniform(0, 0.5 if WRAP else 0.1))
        service.kill()
        for setter in setters:
            setter.join()
            # "open" may not have been answered either: then the scope may be missing.
            if setter.answered:
                known[setter.name] = setter.answered, setter.asked
            sets += setter.answered
    assert sets > KILLS, "the service was always killed before it did anything"
    assert service.errors() == ""


def test_kill_while_the_file_is_rewritten(cold):
    """Values so large that it is rewritten all the time."""
    service = cold
    last = 0
    for turn in range(TURNS):
        service.start()
        with service.connect() as peer:
            if turn:
                assert peer.context()["task_id"] == str(last)
            for _ in range(random.Random(turn).randrange(20, 60)):
                last += 1
                big = "x" * 8000 + str(last)
                peer.op("set", context={"task_id": str(last), "baggage": big, "tags": "k=" + big})
        service.kill()
    assert service.journal.stat().st_size < 2 << 20


def test_changes_while_the_file_is_renewed(cold):
    """It is put together in pieces, between which scopes come, change and go."""
    service, chance, expected, born = cold, random.Random(5), {}, 0
    for _ in range(3):
        service.start()
        with service.connect() as peer:
            found = peer.scopes()[1:]
            assert {row["scope"]: row["context"] for row in found} == expected
            for _ in range(TURNS):
                requests = []
                for _ in range(1000):
                    kind = chance.random()
                    name = chance.choice(list(expected)) if expected and kind > 0.4 else f"s{born}"
                    scope = {"name": name}
                    if name not in expected or kind < 0.95:
                        op = "set" if name in expected else "open"
                        born += op == "open"
                        context = {"task_id": str(chance.random()), "tags": "x" * 400}
                        expected[name] = context
                        requests.append({"v": 1, "op": op, "scope": scope, "context": context})
                    else:
                        del expected[name]
                        requests.append({"v": 1, "op": "close", "scope": scope})
                peer.send(b"".join(json.dumps(each).encode() + b"\n" for each in requests))
                for _ in requests:
                    assert peer.reply()["ok"]
        service.kill()
    assert service.errors() == ""


def test_the_file_does_not_grow_without_end(service):
    with service.connect() as peer:
        for i in range(MANY):
            peer.send({"v": 1, "op": "set", "context": {"baggage": "x" * 1000 + str(i)}})
            peer.reply()
    assert service.journal.stat().st_size < 1.5 * (1 << 20)


def test_many_sets_are_made_safe_together(service):
    """Group commit: far fewer writes than sets, when they come together."""
    with service.connect() as peer:
        request = {"v": 1, "op": "set"}
        peer.send(
            b"".join(
                json.dumps(request | {"context": {"task_id": str(i)}}).encode() + b"\n"
                for i in range(MANY)
            )
        )
        assert [peer.reply()["revision"] for _ in range(MANY)] == list(range(1, MANY + 1))
    assert len(service.rows()) < MANY / 4


def test_the_file_is_bounded_however_fast_changes_come(service):
    """A renewal keeps pace with them: the old file and the new one have at most what is alive and
    as much again."""
    scopes, rounds, peers = (2_000, 10, 10) if TOOLED else (20_000, 25, 50)
    share = scopes // peers
    sizes = []

    def lines(op, number, value):
        line = '{"v":1,"op":"%s","scope":{"name":"%d-%d"},"context":{"tags":"t=%s%d"}}\n'
        return "".join(line % (op, number, i, "x" * 200, value) for i in range(share)).encode()

    def setter(number):
        with service.connect() as peer:
            for turn in range(rounds):
                peer.send(lines("set" if turn else "open", number, turn))
                for _ in range(share):
                    assert peer.reply()["ok"]
                sizes.append(service.journal.stat().st_size)

    with ThreadPoolExecutor(peers) as pool:
        list(pool.map(setter, range(peers)))
    service.kill()
    service.start()
    with service.connect() as peer:
        for number in range(peers):
            tags = peer.context(scope={"name": f"{number}-{share - 1}"})["tags"]
            assert tags == "t=" + "x" * 200 + str(rounds - 1)
    assert any(after < before for before, after in zip(sizes, sizes[1:])), "it was never renewed"
    alive = scopes * len(json.dumps(service.rows()[-1]))
    assert max(sizes) < 3 * alive + (2 << 20)


def test_a_large_file_is_read_in_pieces(cold):
    service = cold
    rows = 100 * TURNS if TOOLED else 8_000
    service.state.mkdir(parents=True, mode=0o700)
    with open(service.journal, "w") as journal:
        journal.write('{"kind":"tagalong state","v":1,"boot":"x"}\n')
        for i in range(rows):
            row = {"revision": i + 1, "scope": f"s{i % 10}", "context": {"tags": f"k={i}" + "x" * 8000}}
            journal.write(json.dumps(row) + "\n")
    assert TOOLED or service.journal.stat().st_size > 60 << 20
    service.start()
    assert TOOLED or peak_bytes(service.process.pid) < 16 << 20
    with service.connect() as peer:
        assert peer.context(scope={"name": "s9"})["tags"] == f"k={rows - 1}" + "x" * 8000
        assert peer.op("ping")["revision"] == rows


@contextmanager
def hanging_disk(service):
    """Stops the service's thread that writes, as a disk that does not answer would (ptrace(2))."""
    seize, interrupt, detach, all_children = 0x4206, 0x4207, 17, 0x40000000
    trace = ctypes.CDLL(None, use_errno=True).ptrace
    trace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    tasks = Path(f"/proc/{service.process.pid}/task")
    (writer,) = [int(task.name) for task in tasks.iterdir() if (task / "comm").read_text() == "disk\n"]
    for call in (seize, interrupt):
        assert trace(call, writer, None, None) == 0, os.strerror(ctypes.get_errno())
    os.waitpid(writer, all_children)
    try:
        yield
    finally:
        assert trace(detach, writer, None, None) == 0


def test_a_disk_that_hangs_delays_changes_only(service):
    """Questions are answered, changes wait, and a scope that changes meanwhile is written once."""
    many = 500
    with service.connect() as setter, service.connect() as other:
        setter.op("open", scope={"name": "s"})
        written = len(service.rows())
        with hanging_disk(service):
            for i in range(many):
                context = {"task_id": str(i), "tags": "k=" + "x" * 5000}
                setter.send({"v": 1, "op": "set", "scope": {"name": "s"}, "context": context})
            wait_until(lambda: other.context(scope={"name": "s"}).get("task_id") == str(many - 1))
            assert setter.is_silent(0.2)
        for _ in range(many):
            assert setter.reply()["ok"]
    # One that was under way when it stopped, and the last.
    assert [row["context"]["task_id"] for row in service.rows()[written:]][-1] == str(many - 1)
    assert len(service.rows()) <= written + 2


def test_an_unfinished_line_is_dropped(service):
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-1"})
    service.kill()
    with open(service.journal, "a") as journal:
        journal.write('{"revision":2,"scope":"default","context":{"task_id":"T-')
    service.start()
    with service.connect() as peer:
        assert peer.context() == {"task_id": "T-1"}
    assert service.errors() == ""


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: lines[:2] + [b"\0" * 100] + lines[2:],
        lambda lines: [b"garbage"] + lines[1:],
        lambda lines: lines[:2] + [lines[2][:20] + b"\xff\xfe" + lines[2][20:]] + lines[2:],
        lambda lines: lines[:2] + [b'{"scope":7}', b"[]", b""] + lines[2:],
        # Longer than any line: what a power cut may leave.
        lambda lines: lines[:2] + [b"\0" * 200_000] + lines[2:],
        lambda lines: lines + [b"\0" * 200_000],
    ],
)
def test_a_damaged_file_is_moved_aside(service, damage):
    with service.connect() as peer:
        peer.op("open", scope={"name": "one"}, context={"task_id": "1"})
        peer.op("open", scope={"name": "two"}, context={"task_id": "2"})
        peer.op("set", context={"user_id": "ada"})
        before = peer.op("list")["scopes"]
    service.kill()
    damaged = b"\n".join(damage(service.journal.read_bytes().splitlines())) + b"\n"
    service.journal.write_bytes(damaged)
    service.start()
    with service.connect() as peer:
        assert peer.op("list")["scopes"] == before
    aside = list(service.state.glob("context.journal.damaged-*"))
    assert [path.read_bytes() for path in aside] == [damaged]
    assert re.search(r"line \d+ cannot be read.*kept as context.journal.damaged-", service.errors())


def test_values_of_the_file_are_held_to_the_rules(service):
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-1", "user_id": "ada"})
    service.kill()
    text = service.journal.read_text()
    service.journal.write_text(text.replace("T-1", "T\\r\\n1"))
    service.start()
    with service.connect() as peer:
        assert peer.context() == {"user_id": "ada"}


def test_a_full_disk(cold):
    """No file may grow beyond a size; then it may again."""
    service = cold.start()
    pid = service.process.pid
    value = "x" * 5000
    with service.connect() as peer:
        peer.op("set", context={"task_id": "before"})
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
        peer.op("set", context={"task_id": "full", "baggage": value})
        peer.op("set", context={"mode": "plan"})
        assert peer.context()["task_id"] == "full"
        wait_until(lambda: "going on in memory" in service.errors())
        assert "File too large" in service.errors()
        assert not any("baggage" in row.get("context", {}) for row in service.rows())
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        wait_until(lambda: "is written again" in service.errors(), 15)
    assert len(service.errors().splitlines()) == 2
    service.kill()
    service.start()
    with service.connect() as peer:
        assert peer.context() == {"task_id": "full", "mode": "plan", "baggage": value}


@needs_root
def test_a_full_file_system(cold):
    service = cold
    service.state.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", service.state]
    if subprocess.run(mount).returncode:
        pytest.skip("no right to mount")
    try:
        service.start()
        with service.connect() as peer:
            for i in range(20):
                peer.op("open", scope={"name": f"s{i}"}, context={"baggage": "x" * 8000})
            assert len(peer.op("list")["scopes"]) > 1
        assert "No space left on device" in service.errors()
        assert service.stop() == 0
        service.start()  # with what fitted before
    finally:
        service.kill()
        subprocess.run(["umount", service.state], check=True)


def as_nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def test_a_folder_that_cannot_be_written(cold):
    service = cold
    service.state.mkdir(parents=True, mode=0o755)
    service.journal.write_text(
        '{"kind":"tagalong state","v":1,"boot":"x"}\n'
        '{"revision":3,"scope":"default","context":{"task_id":"T-1"}}\n'
    )
    service.state.chmod(0o555)
    how = {}
    if os.geteuid() == 0:  # root may write anywhere
        service.folder.chmod(0o711)
        os.chown(service.runtime, 65534, 65534)
        service.state.parent.chmod(0o755)
        service.journal.chmod(0o644)
        how["preexec_fn"] = as_nobody
    service.start(**how)
    with service.connect() as peer:
        assert peer.context() == {"task_id": "T-1"}
        peer.op("set", context={"task_id": "T-2"})
        assert peer.context() == {"task_id": "T-2"}
    wait_until(lambda: "Permission denied; going on in memory" in service.errors())
    assert service.errors().count("\n") == 1
    assert service.stop() == 0


def test_no_folder_at_all(cold):
    service = cold.start(env={"XDG_STATE_HOME": "", "HOME": ""})
    assert "where to keep the state" in service.errors()
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-1"})
        assert peer.context() == {"task_id": "T-1"}
    assert service.stop() == 0


def test_two_services_do_not_share_a_state(service, tmp_path):
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-1"})
    other = service.launch("--socket", str(service.runtime / "other.sock"))
    try:
        wait_until(lambda: "another service keeps its state" in service.errors())
        with service.connect() as peer:
            assert peer.context() == {"task_id": "T-1"}
    finally:
        other.terminate()
        assert other.wait() == 0


def test_modes(service):
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-1"})
    modes = [path.stat().st_mode & 0o777 for path in (service.state, service.journal)]
    assert modes == [0o700, 0o600]
