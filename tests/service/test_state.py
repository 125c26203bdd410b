# SPDX-License-Identifier: MIT
"""What outlives the service: kill -9 at any moment, damaged files, disks that refuse."""

import json
import os
import random
import resource
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import grants
from conftest import needs_other_users
from serving import TOOLED, WRAP, Closed, wait_until

KILLS = int(os.environ.get("STATE_KILLS", 5 if WRAP else 40))  # 200 by hand
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


def test_a_scope_whose_outer_one_has_ended(service, peer):
    """It is in the next one outwards, after a restart as well."""
    outer, middle, inner = (peer.op("open", context={"task_id": str(i)})["scope"] for i in range(3))
    peer.op("close", scope={"name": middle})
    service.kill()
    service.start()
    with service.connect() as again:
        rows = {row["scope"]: row.get("parent") for row in again.scopes()}
    assert rows == {"default": None, outer: None, inner: outer}


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


def file_bytes(service):
    return sum(path.stat().st_size for path in service.state.glob("context.db*"))


def test_kill_at_a_checkpoint(cold):
    """Values so large that the write-ahead log goes into the file again and again."""
    service = cold
    last = 0
    for turn in range(TURNS):
        service.start()
        with service.connect() as peer:
            if turn:
                assert peer.context()["task_id"] == str(last)
            for _ in range(random.Random(turn).randrange(200, 600)):
                last += 1
                big = "x" * 8000 + str(last)
                peer.op("set", context={"task_id": str(last), "baggage": big, "tags": "k=" + big})
        service.kill()
    assert file_bytes(service) < 8 << 20
    assert service.errors() == ""


def test_scopes_that_come_change_and_go(cold):
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
    assert file_bytes(service) < 6 << 20


def test_many_sets_that_come_together(service):
    with service.connect() as peer:
        request = {"v": 1, "op": "set"}
        peer.send(
            b"".join(
                json.dumps(request | {"context": {"task_id": str(i)}}).encode() + b"\n"
                for i in range(MANY)
            )
        )
        assert [peer.reply()["revision"] for _ in range(MANY)] == list(range(1, MANY + 1))
    assert service.query("SELECT value FROM meta WHERE key = 'revision'") == [(MANY,)]


def test_the_file_is_bounded_however_fast_changes_come(service):
    scopes, rounds, peers = (2_000, 10, 10) if TOOLED else (20_000, 15, 50)
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
                sizes.append(file_bytes(service))

    with ThreadPoolExecutor(peers) as pool:
        list(pool.map(setter, range(peers)))
    service.kill()
    service.start()
    with service.connect() as peer:
        for number in range(peers):
            tags = peer.context(scope={"name": f"{number}-{share - 1}"})["tags"]
            assert tags == "t=" + "x" * 200 + str(rounds - 1)
    alive = sum(len(json.dumps(row)) for row in service.rows().values())
    assert max(sizes) < 4 * alive + (8 << 20)


def zero_a_page(path):
    with open(path, "r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\0" * 4096)


@pytest.mark.parametrize(
    "damage, survives",
    [
        (lambda path: path.write_bytes(b"garbage" * 1000), 0),
        (lambda path: path.write_bytes(path.read_bytes()[: 20 * 4096]), 10),
        (zero_a_page, 0),
    ],
)
def test_a_damaged_database_is_moved_aside(service, damage, survives):
    with service.connect() as peer:
        for i in range(200):
            peer.op("open", scope={"name": f"s{i}"}, context={"task_id": str(i), "tags": "x=" + "y" * 2000})
    assert service.stop() == 0  # so that all is in one file
    damage(service.database)
    damaged = service.database.read_bytes()
    service.start()
    with service.connect() as peer:
        rows = peer.scopes()
        assert len(rows) > survives
        assert all(row["context"]["task_id"] == row["scope"][1:] for row in rows[1:])
        peer.op("set", context={"task_id": "after"})
    aside = list(service.state.glob("context.db.damaged-*"))
    assert [path.read_bytes() for path in aside] == [damaged]
    assert "is now context.db.damaged-" in service.errors()
    service.kill()
    service.start()
    with service.connect() as peer:
        assert peer.context()["task_id"] == "after"
        assert len(peer.scopes()) == len(rows)


@pytest.mark.parametrize("row", ["garbage", "{}", '{"scope":7}', '{"scope":"s","context":{"task_id":7}}', ""])
def test_a_row_that_is_none(service, row):
    with service.connect() as peer:
        peer.op("open", scope={"name": "one"}, context={"task_id": "1"})
    service.kill()
    service.query("INSERT INTO scope VALUES (99, ?)", row)
    service.start()
    with service.connect() as peer:
        assert peer.context(scope={"name": "one"}) == {"task_id": "1"}
    assert "a row cannot be read; the readable part is taken over" in service.errors()


def test_values_of_the_file_are_held_to_the_rules(service):
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-1", "user_id": "ada"})
    service.kill()
    service.query("UPDATE scope SET row = replace(row, 'T-1', 'T\\r\\n1')")
    service.start()
    with service.connect() as peer:
        assert peer.context() == {"user_id": "ada"}


def test_a_full_disk(cold):
    """No file may grow beyond a size; then it may again."""
    service = cold.start()
    pid = service.process.pid
    value = "x" * 8000
    with service.connect() as peer:
        peer.op("set", context={"task_id": "before"})
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
        peer.op("set", context={"task_id": "full", "baggage": value})
        for i in range(20):
            peer.op("set", context={"task_id": "full", "baggage": value, "app": str(i)})
        peer.op("unset", fields=["app"])
        peer.op("set", context={"mode": "plan"})
        assert peer.context()["task_id"] == "full"
        wait_until(lambda: "going on in memory" in service.errors())
        assert "File too large" in service.errors()
        assert not any("baggage" in row["context"] for row in service.rows().values())
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        wait_until(lambda: "works again" in service.errors(), 15)
    assert len(service.errors().splitlines()) == 2
    service.kill()
    service.start()
    with service.connect() as peer:
        assert peer.context() == {"task_id": "full", "mode": "plan", "baggage": value}


@pytest.mark.skipif(**grants.mounts)
def test_a_full_file_system(cold):
    service = cold
    service.state.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", service.state]
    subprocess.run(mount, check=True)
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


def test_a_folder_that_cannot_be_written(cold, request):
    service = cold
    service.state.mkdir(parents=True, mode=0o755)
    service.state.chmod(0o500)  # a folder of one's own is nobody else's
    how = {}
    if os.geteuid() == 0:  # root may write anywhere, so that it is another user and root's folder
        service.state.chmod(0o755)
        if grants.other_users["condition"]:
            pytest.skip(grants.other_users["reason"])
        service.folder.chmod(0o711)
        os.chown(service.runtime, 65534, 65534)
        service.state.parent.chmod(0o755)
        how = {"preexec_fn": as_nobody, "program": request.getfixturevalue("everybodys")}
    service.start(**how)
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-2"})
        assert peer.context() == {"task_id": "T-2"}
    wait_until(lambda: "Permission denied; going on in memory" in service.errors())
    assert service.errors().count("\n") == 1
    assert service.stop() == 0


def test_no_folder_at_all(cold):
    service = cold.start(env={"XDG_STATE_HOME": "", "HOME": ""})
    assert "neither XDG_STATE_HOME nor HOME is set" in service.errors()
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-1"})
        assert peer.context() == {"task_id": "T-1"}
    assert service.stop() == 0


def test_two_services_do_not_share_a_state(service, tmp_path):
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-1"})
    other = service.launch("--socket", str(service.runtime / "other.sock"))
    try:
        wait_until(lambda: "another service has it; going on in memory" in service.errors())
        with service.connect() as peer:
            assert peer.context() == {"task_id": "T-1"}
    finally:
        other.terminate()
        assert other.wait() == 0


def test_modes(service):
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-1"})
    modes = [path.stat().st_mode & 0o777 for path in (service.state, service.database)]
    assert modes == [0o700, 0o600]


def test_a_state_file_by_url(cold):
    """As given on the command line."""
    path = cold.folder / "elsewhere" / "scopes.db"
    cold.start("--store", f"file:{path}")
    with cold.connect() as peer:
        peer.op("set", context={"task_id": "T-1"})
    cold.kill()
    assert path.exists() and not cold.database.exists()
    cold.start(env={"TAGALONG_STORE": f"file:{path}"})
    with cold.connect() as peer:
        assert peer.context() == {"task_id": "T-1"}


def test_a_store_in_memory(cold):
    cold.start("--store", "memory:")
    with cold.connect() as peer:
        peer.op("set", context={"task_id": "T-1"})
    cold.kill()
    assert not cold.state.exists()
    cold.start("--store", "memory:")
    with cold.connect() as peer:
        assert peer.context() == {}
    assert cold.errors() == ""


@pytest.mark.parametrize("url", ["", "file:relative", "file:/folder/", "memory:x", "http://x", "file"])
def test_a_url_of_no_store(cold, url):
    assert cold.launch("--store", url).wait(10) == 2
    assert "is not the URL of a store" in cold.errors()


def set_mode(path):
    path.chmod(0o777)


def give_away(path):
    os.chown(path, 65534, 65534)


@pytest.mark.parametrize(
    "harm, what, fault",
    [
        (set_mode, "state", "its folder is open to other users"),
        pytest.param(give_away, "state", "its folder belongs to another user", marks=needs_other_users),
        pytest.param(give_away, "database", "it belongs to another user", marks=needs_other_users),
    ],
)
def test_a_state_that_cannot_be_trusted(service, harm, what, fault):
    """It is not loaded, and not written."""
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-1"})
    service.kill()
    harm(getattr(service, what))
    before = service.database.read_bytes()
    service.start()
    with service.connect() as peer:
        assert peer.context() == {}
        peer.op("set", context={"task_id": "T-2"})
    assert f"{fault}; going on in memory" in service.errors()
    assert service.database.read_bytes() == before
