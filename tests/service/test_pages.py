# SPDX-License-Identifier: MIT
"""Shared pages (docs/protocol.md): what a process reads instead of asking."""

import array
import fcntl
import json
import mmap
import os
import signal
import socket
import struct

import pytest

from serving import TOOLED, Closed, wait_until

PAGE_BYTES = 65536
TOPOLOGY_AT = 64
OWNER_DIED, OWNER_MASK = 0x40000000, 0x3FFFFFFF
F_OFD_GETLK = 36
F_GET_SEALS, SEAL_SHRINK, SEAL_GROW, SEAL_FUTURE_WRITE = 1034, 2, 4, 16


class Pages:
    """What came with one answer: the line and the two mappings."""

    def __init__(self, peer, **members):
        peer.send({"v": 1, "op": "get", "page": True, **members})
        self.reply, self.fds = receive(peer)
        self.topology = self.reply.get("page", {}).get("topology")
        self.maps = [mmap.mmap(fd, PAGE_BYTES, mmap.MAP_SHARED, mmap.PROT_READ) for fd in self.fds]

    def close(self):
        for each in self.maps:
            each.close()
        for fd in self.fds:
            os.close(fd)

    @property
    def sequence(self):
        return struct.unpack_from("I", self.maps[0])[0]

    @property
    def text(self):
        return self.maps[0][8 : 8 + struct.unpack_from("I", self.maps[0], 4)[0]]

    @property
    def owner(self):
        return struct.unpack_from("I", self.maps[1])[0]

    def context(self):
        """None when the page, or the service, holds no more."""
        topology = struct.unpack_from("I", self.maps[1], TOPOLOGY_AT)[0]
        if not self.owner & OWNER_MASK or self.owner & OWNER_DIED or topology != self.topology:
            return None
        return None if self.sequence & 1 else fields(self.text)


def fields(text):
    """Of the first part: up to an empty name."""
    words = text.decode().split("\0")
    end = words[::2].index("")
    return dict(zip(words[: 2 * end : 2], words[1 : 2 * end : 2]))


def receive(peer):
    """A line, and the descriptors that came with it."""
    fds = array.array("i")
    while b"\n" not in peer.pending:
        more, control, flags, _ = peer.socket.recvmsg(1 << 17, socket.CMSG_SPACE(16))
        assert not flags & socket.MSG_CTRUNC
        if not more:
            raise Closed
        peer.pending += more
        for level, kind, data in control:
            assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
            fds.frombytes(data)
    return json.loads(peer.line()), list(fds)


@pytest.fixture
def pages(peer):
    """pages(scope=...): asks for a page."""
    made = []

    def ask(connection=peer, **members):
        made.append(Pages(connection, **members))
        return made[-1]

    yield ask
    for each in made:
        each.close()


def test_it_is_what_the_answer_says(peer, pages):
    peer.op("set", context={"task_id": "T-1", "tags": "a=b"})
    page = pages()
    assert len(page.fds) == 2
    assert page.context() == page.reply["context"] == {"task_id": "T-1", "tags": "a=b"}


def test_opened_with_comes_second(peer, pages):
    peer.op("open", scope={"name": "ci"}, context={"traceparent": "00-x", "mode": "m"})
    page = pages(scope={"name": "ci"})
    assert page.text == b"mode\0m\0traceparent\0" b"00-x\0\0traceparent\0" b"00-x\0"


def test_only_when_asked_for(peer):
    peer.send({"v": 1, "op": "get", "page": False})
    reply, fds = receive(peer)
    assert "page" not in reply and not fds
    assert peer.refusal("get", page=1) == "bad_value"
    assert "page" not in peer.op("watch", page=True)


def test_nobody_can_write_to_it_or_shrink_it(pages):
    for fd in pages().fds:
        seals = SEAL_SHRINK | SEAL_GROW | SEAL_FUTURE_WRITE
        assert fcntl.fcntl(fd, F_GET_SEALS) & seals == seals
        assert os.fstat(fd).st_size == PAGE_BYTES
        with pytest.raises(PermissionError):
            mmap.mmap(fd, PAGE_BYTES, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        for change in (lambda: os.ftruncate(fd, 0), lambda: os.pwrite(fd, b"x", 0)):
            with pytest.raises(PermissionError):
                change()


@pytest.mark.parametrize("rounds", [200 if TOOLED else 2000])
def test_an_answered_change_is_on_it(service, peer, pages, rounds):
    peer.op("open", scope={"name": "inner"}, context={"mode": "m"})
    default, inner = pages(), pages(scope={"name": "inner"})
    with service.connect() as other:
        for i in range(rounds):
            other.op("set", scope={"default": True}, context={"task_id": f"T-{i}" + "x" * (i % 300)})
            task = f"T-{i}" + "x" * (i % 300)
            assert default.context() == {"task_id": task}
            assert inner.context()["task_id"] == task, "what it inherits, too"
            other.op("unset", scope={"default": True}, fields=["task_id"])
            assert default.context() == {}


def test_the_largest_context(peer, pages):
    page = pages()
    names = ["task_id", "parent_task_id", "conversation_id", "session_id", "project_id", "user_id", "mode"]
    for name in names:
        peer.op("set", context={name: name[0] * 1024})
    for name in ("tags", "tracestate", "baggage"):
        peer.op("set", context={name: "x" * 8192})
    assert page.context() == peer.context()


def test_a_scope_that_opens_or_ends(peer, pages):
    before = pages()
    assert before.context() == {}
    peer.op("open", scope={"name": "a"})
    assert before.context() is None, "the asking process may be in another scope now"
    page = pages(scope={"name": "a"})
    assert page.context() == {}
    peer.op("close", scope={"name": "a"})
    assert page.context() is None and page.sequence & 1


@pytest.mark.parametrize("number, mark", [(signal.SIGKILL, OWNER_DIED), (signal.SIGTERM, 0)])
def test_the_end_of_the_service(service, peer, pages, number, mark):
    page = pages()
    assert page.context() == {}
    service.process.send_signal(number)
    service.process.wait()
    assert page.owner & OWNER_DIED == mark and page.context() is None
    service.start()
    with service.connect() as again:
        assert pages(again).context() == {}


def test_with_the_first_byte_of_its_line(service):
    """Of requests that come together the first has a page; the others are answered without."""
    with service.connect() as peer:
        peer.send(b'{"v":1,"op":"get","page":true}\n' * 3)
        first, fds = receive(peer)
        assert len(fds) == 2 and "page" in first
        for _ in range(2):
            reply, more = receive(peer)
            assert reply["ok"] and "page" not in reply and not more
        for fd in fds:
            os.close(fd)


def test_one_page_a_scope(service, peer, pages):
    for _ in range(50):
        pages()

    def files():
        folder = f"/proc/{service.process.pid}/fd"
        targets = [os.readlink(f"{folder}/{name}") for name in os.listdir(folder)]
        return sum("memfd:tagalong" in target for target in targets)

    # The scope's and its own, once the copy that it sent is closed.
    wait_until(lambda: files() == 2)


def test_more_scopes_than_pages(cold):
    """The 1,025th is answered without, and nothing of the others is lost."""
    with cold.start().connect() as peer:
        got = []
        for i in range(1030):
            peer.op("open", scope={"name": f"s{i}"}, context={"task_id": f"T-{i}"})
            peer.send({"v": 1, "op": "get", "page": True, "scope": {"name": f"s{i}"}})
            reply, fds = receive(peer)
            assert reply["context"] == {"task_id": f"T-{i}"}
            got.append(len(fds))
            for fd in fds:
                os.close(fd)
        assert got == [2] * 1024 + [0] * 6
        peer.op("close", scope={"name": "s0"})
        page = Pages(peer, scope={"name": "s1029"})
        assert page.context() == {"task_id": "T-1029"}
        page.close()


@pytest.mark.parametrize("descriptors, pages", [(1024, 0), (2112, 0), (2132, 5), (2152, 10)])
def test_few_descriptors(cold, descriptors, pages):
    """Connections go first: what is left makes some pages or none, and every answer is whole."""
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    cold.start(preexec_fn=limit)
    got = []
    with cold.connect() as peer:
        for i in range(12):
            peer.op("open", scope={"name": f"s{i}"}, context={"task_id": f"T-{i}"})
            peer.send({"v": 1, "op": "get", "page": True, "scope": {"name": f"s{i}"}})
            reply, fds = receive(peer)
            assert reply["context"] == {"task_id": f"T-{i}"}
            assert ("page" in reply) == bool(fds)
            got.append(len(fds))
            for fd in fds:
                os.close(fd)
    assert got == [2] * pages + [0] * (12 - pages)


def test_no_pages(cold):
    cold.start("--no-pages")
    with cold.connect() as peer:
        peer.send({"v": 1, "op": "get", "page": True})
        reply, fds = receive(peer)
        assert reply["ok"] and "page" not in reply and not fds
    assert cold.errors() == ""


def test_a_reader_that_is_gone(service, peer):
    """It asked, and closed: what was on its way to it is given back."""

    def files():
        return len(os.listdir(f"/proc/{service.process.pid}/fd"))

    peer.op("ping")
    before = files() + 2  # the page, and the service's own, which was there
    for _ in range(100):
        with service.connect() as other:
            other.send({"v": 1, "op": "get", "page": True})
    wait_until(lambda: files() <= before)
    assert peer.op("ping")["ok"]


def file_of(service, name="default"):
    """What a new process reads (docs/protocol.md): the fields, or None when the file says nothing."""
    try:
        with open(f"{service.socket}.pages/{name.replace('/', '%')}", "rb") as file:
            status = os.fstat(file.fileno())
            assert (status.st_mode & 0o777, status.st_uid) == (0o600, os.geteuid())
            lock = fcntl.fcntl(file, F_OFD_GETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0))
            return fields(file.read()) if struct.unpack_from("h", lock)[0] == fcntl.F_WRLCK else None
    except FileNotFoundError:
        return None


@pytest.fixture
def filed(service):
    if not os.path.isdir(f"{service.socket}.pages"):
        pytest.skip("the run-time folder is not on tmpfs")
    return service


def test_a_file_once_somebody_asked(filed, peer, pages):
    peer.op("set", context={"task_id": "T-1"})
    assert file_of(filed) is None
    pages()
    assert file_of(filed) == {"task_id": "T-1"}
    for i in range(50):
        peer.op("set", context={"task_id": f"T-{i}" + "x" * (i % 30)})
        assert file_of(filed) == {"task_id": f"T-{i}" + "x" * (i % 30)}, "an answered change is in it"
    assert os.listdir(f"{filed.socket}.pages") == ["default"]


@pytest.mark.parametrize("name", ["a", "git@host:a/b", ".."])
def test_the_file_of_a_name(filed, peer, pages, name):
    peer.op("open", scope={"name": name}, context={"task_id": "T-1"})
    pages(scope={"name": name})
    assert name == ".." or file_of(filed, name) == {"task_id": "T-1"}
    peer.op("close", scope={"name": name})
    assert os.listdir(f"{filed.socket}.pages") == []


def test_no_file_where_the_process_counts(filed, peer, pages):
    """A scope of a process: whoever has no token may be in it, and whoever has the token of one may be in one
    inside it."""
    pages(), peer.op("open", scope={"name": "ci"}), pages(scope={"name": "ci"})
    assert file_of(filed) == {}
    outer = peer.op("open", context={"task_id": "outer"})["scope"]
    assert file_of(filed) is None and file_of(filed, "ci") == {}, "a named one is meant by its name"
    pages(scope={"name": outer})
    assert file_of(filed, outer)["task_id"] == "outer"
    inner = peer.op("open", context={"task_id": "inner"})["scope"]
    assert file_of(filed, outer) is None
    peer.op("close", scope={"name": inner})
    assert file_of(filed, outer)["task_id"] == "outer"
    peer.op("close", scope={"name": outer})
    assert file_of(filed) == {}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_files_end_with_the_service(filed, peer, pages, number):
    peer.op("set", context={"task_id": "T-1"})
    pages()
    assert file_of(filed) == {"task_id": "T-1"}
    filed.process.send_signal(number)
    filed.process.wait()
    assert file_of(filed) is None
    filed.start()
    assert os.listdir(f"{filed.socket}.pages") == []


def test_a_folder_that_is_no_folder(filed, peer, pages, tmp_path):
    """Nothing is taken away behind a symlink, and pages come without files."""
    filed.process.terminate()
    filed.process.wait()
    (tmp_path / "mine").touch()
    os.symlink(tmp_path, f"{filed.socket}.pages")
    filed.start()
    with filed.connect() as again:
        assert pages(again).context() == {}
    assert os.listdir(tmp_path) == ["mine"]
