# SPDX-License-Identifier: MIT
"""Live context: what the service says when a request starts is what the request carries.

The programs are started by `tagalong run` with a socket of the test's own; the service starts by
itself, as it does for a user, and is stopped at the end.
"""

import shlex
import sys

import pytest

import grants
from live import service_pid, tasks
from tags import trace_id

needs_namespace = pytest.mark.skipif(**grants.pid_namespace)


def test_a_change_is_seen_by_the_next_request(live):
    result = live("CHAT; tagalong context set task_id=T-2; CHAT; tagalong context unset task_id; CHAT")
    assert tasks(result) == ["T-1", "T-2", None]
    # One trace for the scope, whichever process asks.
    assert len({trace_id(request) for request in result.requests}) == 1


AN_EDITOR = """
for turn in 1 2 3; do
    tagalong context set task_id=%(name)s-$turn
    for i in $(seq 50); do
        (exec curl -sS -o /dev/null -H "X-Tree: %(name)s-$turn" %(url)s -d '{}') &
    done
    wait
done
"""


def test_two_trees_side_by_side(live, relay):
    """Fifty requests at once from each, and the task of each changes: never a mix-up."""
    url = relay.url + "/v1/chat/completions"
    one, two = (AN_EDITOR % {"name": name, "url": url} for name in ("A", "B"))
    tree = "tagalong run --task start -- sh -ec '{}' &"
    trees = [tree.format(each.replace("'", "'\\''")) for each in (one, two)]
    result = live("\n".join(trees) + "\nwait")
    assert result.rc == 0, result.stderr
    pairs = sorted((r.value("X-Tree"), r.value("X-Task-Id")) for r in result.requests)
    names = [f"{tree}-{turn}" for tree in "AB" for turn in (1, 2, 3)]
    assert pairs == [(name, name) for name in names for _ in range(50)]


def test_nested_runs_merge_from_the_outside_in(live):
    nested = "tagalong run --set mode=code --task inner -- sh -ec \"CHAT\"; CHAT"
    result = live(nested, "--conversation", "C-1")
    assert tasks(result) == ["inner", "T-1"]
    assert [r.value("X-Conversation-Id") for r in result.requests] == ["C-1", "C-1"]


DOUBLE_FORK = """
import os, subprocess, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
while os.getppid() == int(sys.argv[1]):
    pass  # until it was handed to another parent
for command in sys.argv[2:]:
    subprocess.run(command, shell=True, check=True)
open("done", "w").close()
"""


def daemon(*commands):
    words = " ".join(f"'{each}'" for each in commands)
    wait = "while ! [ -e done ]; do sleep 0.02; done"
    return f"CHAT; cat >d.py <<'EOF'\n{DOUBLE_FORK}\nEOF\n{sys.executable} d.py $$ {words}; {wait}"


def chat(relay):
    return f'curl -sS -o /dev/null {relay.url}/v1/chat/completions -d "{{}}"'


def test_a_grandchild_after_double_fork(live, relay):
    """Its ancestors no longer lead to the scope, its environment does. It changes the task, too."""
    command = chat(relay)
    change = "tagalong context set task_id=T-2"
    assert tasks(live(daemon(command, change, command) + "; CHAT")) == ["T-1", "T-1", "T-2", "T-2"]


def test_a_run_in_a_daemon_is_inside(live, relay):
    command = f"tagalong run --set mode=plan -- {chat(relay)}"
    result = live(daemon(command), "--conversation", "C-1")
    assert tasks(result) == ["T-1", "T-1"]
    assert [r.value("X-Conversation-Id") for r in result.requests] == ["C-1", "C-1"]


@needs_namespace
@pytest.mark.parametrize("proc", ["", "--mount-proc"])
def test_in_a_container(live, relay, proc):
    """Another pid namespace, the same socket: what was opened outside holds inside, a run inside has a
    scope of its own, and no number is mistaken."""
    inside = f"tagalong context set task_id=T-2; {chat(relay)}; tagalong run --task T-3 -- {chat(relay)}"
    result = live(f"CHAT; {' '.join(grants.UNSHARE)} --pid --fork {proc} sh -ec '{inside}'; CHAT")
    assert tasks(result) == ["T-1", "T-2", "T-3", "T-2"]


# In a script: the service is killed, and is gone; one is started, and answers.
SERVICE_PID = (
    "import os,socket,struct; s=socket.socket(socket.AF_UNIX); "
    's.connect(os.environ["XDG_RUNTIME_DIR"]+"/tagalong/context.sock"); '
    'print(struct.unpack("3i",s.getsockopt(1,17,12))[0])'
)
ANSWERS = "tagalong context list >/dev/null 2>&1"
KILL = (
    f"kill -KILL $({sys.executable} -c '{SERVICE_PID}'); "
    f"while {ANSWERS}; do sleep 0.02; done; sleep 0.1"
)
START = f"tagalong serve & SERVICE=$!; until {ANSWERS}; do sleep 0.02; done"


def test_a_reused_pid(live, place, relay):
    """The process of a scope ended while no service looked: whoever has its number next is not in
    that scope. (The kernel's numbers are turned in tests/service; here the start is.)"""
    other_start = (
        "import os, sqlite3; file = os.environ['XDG_STATE_HOME'] + '/tagalong/context.db'; "
        "sqlite3.connect(file, isolation_level=None)"
        ".execute('UPDATE scope SET row = json_set(row, \"$.start\", 7) WHERE row LIKE \"%start%\"')"
    )
    script = (
        f"CHAT; {KILL}; /usr/bin/python3 -c {shlex.quote(other_start)}; "
        f"{START}; unset TAGALONG_SCOPE; CHAT; kill $SERVICE; wait"
    )
    assert tasks(live(script)) == ["T-1", None]


def test_environment_wins_and_set_says_so(live):
    result = live("export TAGALONG_TASK_ID=near; tagalong context set task_id=far; CHAT")
    assert tasks(result) == ["near"]
    assert b"TAGALONG_TASK_ID" in result.stderr


def test_no_service(live, place):
    result = live("echo \"$TAGALONG_TASK_ID/$TAGALONG_SCOPE\"; CHAT", "--no-service")
    assert tasks(result) == ["T-1"] and result.stdout == b"T-1/\n"
    assert service_pid(place) is None


def test_run_leaves_no_process_behind(live):
    # The command has run's pid, and no child that it did not make.
    result = live("echo $$; ps -o pid= --ppid $$ | wc -l")
    assert result.rc == 0
    assert int(result.stdout.split()[1]) <= 2  # ps and wc themselves


NEST = """
[ "$1" -le 64 ] || { echo "$TAGALONG_MODE"; exit; }
exec tagalong run $2 --set mode=$1 -- sh nest.sh $(($1 + 1)) $2
"""


@pytest.mark.parametrize("option, complaint", [("", b""), ("--debug", b"64 in each other")])
def test_a_service_that_refuses(live, option, complaint):
    """The 65th run in another does without, quietly, and says why when it is asked to."""
    result = live(f"cat >nest.sh <<'EOF'\n{NEST}\nEOF\nsh nest.sh 1 {option}")
    assert (result.rc, result.stdout) == (0, b"64\n")
    assert complaint in result.stderr if complaint else result.stderr == b""
