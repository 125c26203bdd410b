# SPDX-License-Identifier: MIT
"""The socket itself: who has it, who may use it, how the service comes and goes."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import time

import pytest

from conftest import needs_other_users
from serving import LIBRARY, Closed, Peer, wait_until


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def test_it_is_the_users_alone(service):
    assert [mode(service.socket.parent), mode(service.socket)] == [0o700, 0o600]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_takes_its_socket_away(service, number):
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T-1"})
        assert service.stop(number) == 0
        assert peer.is_closed()
    assert not service.socket.exists()
    assert service.errors() == ""


def test_two_services_on_one_socket(service):
    other = service.launch()
    assert other.wait(10) == 3
    assert "another service has the socket" in service.errors()
    with service.connect() as peer:
        peer.op("ping")


def test_a_race_of_many_has_one_winner(cold):
    services = [cold.launch() for _ in range(8)]
    try:
        wait_until(lambda: sum(s.poll() is None for s in services) == 1, 20)
        wait_until(cold.is_listened_to)
        with cold.connect() as peer:
            peer.op("ping")
    finally:
        for each in services:
            each.kill()
            each.wait()


def test_a_stale_socket_is_replaced(service):
    service.kill()
    assert service.socket.exists()
    with pytest.raises(ConnectionRefusedError):
        service.connect()
    service.start()
    with service.connect() as peer:
        peer.op("ping")
    assert service.errors() == ""


def test_a_socket_that_somebody_else_serves_is_kept(cold):
    cold.socket.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(cold.socket))
        other.listen()
        assert cold.launch().wait(10) == 3
        assert "another process listens on" in cold.errors()
    assert cold.socket.exists()


def test_a_file_in_its_place_is_kept(cold):
    cold.socket.parent.mkdir(mode=0o700)
    cold.socket.write_text("precious")
    assert cold.launch().wait(10) == 3
    assert cold.socket.read_text() == "precious"


def test_another_socket_is_not_taken_away(service):
    """It was replaced behind the service's back."""
    service.socket.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(service.socket))
        assert service.stop() == 0
    assert service.socket.exists()


def open_to_others(folder):
    folder.chmod(0o777)


def symlinked(folder):
    elsewhere = folder.with_name("elsewhere")
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)


def of_another_user(folder):
    os.chown(folder, 65534, 65534)


@pytest.mark.parametrize(
    "harm, fault",
    [
        (open_to_others, "its folder is open to other users"),
        (symlinked, "its folder is a symlink"),
        pytest.param(of_another_user, "its folder belongs to another user", marks=needs_other_users),
    ],
)
def test_a_folder_that_cannot_be_trusted(service, harm, fault):
    harm(service.socket.parent)
    code, _, said = service.command("context", "get")
    assert (code, fault in said) == (3, True), said
    service.kill()
    assert service.launch().wait(10) == 3
    assert fault in service.errors()


@needs_other_users
def test_another_users_questions_are_refused(service):
    for path, open_mode in ((service.folder, 0o711), (service.runtime, 0o711),
                            (service.socket.parent, 0o711), (service.socket, 0o666)):
        path.chmod(open_mode)
    ask = f"""
import os, socket
os.setgroups([]); os.setgid(65534); os.setuid(65534)
connection = socket.socket(socket.AF_UNIX)
connection.connect({str(service.socket)!r})
print(connection.makefile().read(), end="")
"""
    command = ["/usr/bin/python3", "-c", ask]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert json.loads(done.stdout)["error"]["code"] == "forbidden", done.stderr
    with service.connect() as peer:
        peer.op("ping")


@needs_other_users
def test_another_users_service_is_not_believed(cold, everybodys):
    """Root's own command does not ask it; a question that comes from root is answered."""
    from test_state import as_nobody

    cold.folder.chmod(0o711)
    for path in (cold.runtime, cold.home):
        os.chown(path, 65534, 65534)
    cold.start(program=everybodys, preexec_fn=as_nobody)
    code, _, said = cold.command("context", "get")
    assert code == 3 and "belongs to another user" in said
    with cold.connect() as peer:
        peer.op("ping")


def test_a_socket_from_systemd(cold):
    """sd_listen_fds(3) and sd_notify(3), as systemd does it."""
    cold.socket.parent.mkdir(mode=0o700)
    with (
        socket.socket(socket.AF_UNIX) as listening,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices,
    ):
        listening.bind(str(cold.socket))
        listening.listen()
        notices.bind(str(cold.folder / "notify"))
        notices.settimeout(10)
        script = 'exec 3<&"$0"; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
        before = ["bash", "-c", script, str(listening.fileno())]
        with cold.connect() as early:  # before anybody accepts
            cold.process = cold.launch(
                before=before,
                env={"NOTIFY_SOCKET": str(cold.folder / "notify")},
                pass_fds=[listening.fileno()],
            )
            assert notices.recv(100) == b"READY=1"
            early.op("set", context={"task_id": "T-1"})
        assert cold.stop() == 0
        assert notices.recv(100) == b"STOPPING=1"
    assert cold.socket.exists(), "it is systemd's"
    assert cold.errors() == ""


def test_an_abstract_socket_from_systemd(cold):
    """It has no folder: nothing is made in the working folder either."""
    name = f"\0tagalong-abstract-{os.getpid()}"
    work = cold.folder / "work"
    work.mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(name)
        listening.listen()
        script = 'exec 3<&"$0"; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
        cold.process = cold.launch(
            before=["bash", "-c", script, str(listening.fileno())], pass_fds=[listening.fileno()], cwd=work
        )
        with Peer(name) as peer:
            peer.op("ping")
        assert list(work.iterdir()) == []
        assert cold.stop() == 0
    assert cold.errors() == ""


def test_an_abstract_notify_address(cold):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.bind(f"\0tagalong-{os.getpid()}")
        notices.settimeout(10)
        cold.start(env={"NOTIFY_SOCKET": f"@tagalong-{os.getpid()}"})
        assert notices.recv(100) == b"READY=1"


def test_idle_exit(cold):
    cold.start("--idle-exit", "1")
    start = time.monotonic()
    with cold.connect() as peer:
        peer.op("open", scope={"name": "x"})
    time.sleep(1.5)
    assert cold.process.poll() is None, "there is a scope"
    with cold.connect() as peer:
        peer.op("close", scope={"name": "x"})
    assert cold.process.wait(10) == 0
    assert time.monotonic() - start > 2.4
    assert not cold.socket.exists()


def test_the_path(cold, tmp_path):
    """--socket, then TAGALONG_SOCKET, then XDG_RUNTIME_DIR."""
    given, named = cold.folder / "a" / "given.sock", cold.folder / "b" / "named.sock"
    process = cold.launch("--socket", str(given), env={"TAGALONG_SOCKET": str(named)})
    wait_until(given.exists)
    process.terminate()
    assert process.wait() == 0
    process = cold.launch(env={"TAGALONG_SOCKET": str(named)})
    wait_until(named.exists)
    assert cold.command("context", "get", env={"TAGALONG_SOCKET": str(named)})[0] == 0
    process.terminate()
    assert process.wait() == 0
    for path in ("relative.sock", "/" + "x" * 107):
        assert cold.launch("--socket", path).wait() == 3
        assert cold.launch(env={"TAGALONG_SOCKET": path}).wait() == 3
        assert cold.command("context", "get", env={"TAGALONG_SOCKET": path})[0] == 3


def test_what_it_says(cold):
    """One line an event; no value is ever among them."""
    service = cold.start()
    with service.connect() as peer:
        peer.op("open", scope={"name": "x"}, context={"task_id": "secret"})
        peer.refusal("get", scope={"name": "y"})
        peer.op("close", scope={"name": "x"})
    service.stop()
    words = [line.split()[0] for line in service.event_lines()]
    assert words == ["start", "open", "refuse", "close", "stop"]
    assert "secret" not in service.events.read_text()
    assert f"open scope=x by={os.getpid()} fields=task_id" in service.event_lines()


def test_what_it_says_to_machines(cold):
    service = cold.start("--json")
    with service.connect() as peer:
        peer.op("set", context={"task_id": "secret"})
    service.launch("--json").wait()
    service.stop()
    events = [json.loads(line) for line in service.event_lines()]
    assert [event["event"] for event in events] == ["start", "set", "stop"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"]) for event in events)
    assert "another service" in json.loads(service.errors())["warning"]


@pytest.mark.parametrize("words", ["--idle-exit 0", "--idle-exit x", "more", "--port"])
def test_bad_calls(cold, words):
    assert cold.launch(*words.split()).wait(10) == 2
    assert "usage: tagalong serve" in cold.errors()


def test_it_ends_while_somebody_asks(service):
    """Whoever was not answered is told by the end of the connection, not by half a line."""
    peers = [service.connect() for _ in range(20)]
    for peer in peers:
        peer.send({"v": 1, "op": "get"})
    service.stop()
    for peer in peers:
        try:
            while peer.reply()["ok"]:
                pass
        except Closed:
            assert peer.pending == b""
        peer.close()
    with pytest.raises(OSError):
        Peer(service.socket)


def test_a_started_service_inherits_nothing(cold):
    """A lock of the script's ends with the script, and so does its pipe, while the service lives on."""
    lock = cold.folder / "lock"
    script = f'exec 9>{lock}; flock 9; exec 8>{cold.folder}/other; "$0" run true'
    from serving import TAGALONG

    env = cold.environment(TAGALONG_LIB=LIBRARY)
    done = subprocess.run(["bash", "-c", script, TAGALONG], env=env, capture_output=True, timeout=20)
    assert done.returncode == 0, done.stderr
    with cold.connect() as peer:
        peer.op("ping")
        pid = peer.service_pid()
        try:
            assert subprocess.run(["flock", "-n", lock, "true"]).returncode == 0
            folder = f"/proc/{pid}/fd"
            targets = {name: os.readlink(f"{folder}/{name}") for name in os.listdir(folder)}
            assert [targets[name] for name in "012"] == ["/dev/null"] * 3
            assert not [target for target in targets.values() if target.endswith(("/lock", "/other"))]
        finally:
            os.kill(pid, signal.SIGTERM)
