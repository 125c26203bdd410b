# SPDX-License-Identifier: MIT
"""The recipes of docs/recipes.md for many machines, run as far as one machine can: the commands of the jobs as
they stand there, the server's own configuration, the unit by systemd's own check."""

import json
import re
import subprocess
import time

import pytest
import yaml

from machines import Chat
from redis_server import PROGRAM, Server, acl_line, make_certificates
from serving import BUILD, LIBRARY, ROOT, TOOLED, wait_until

BLOCKS = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", (ROOT / "docs/recipes.md").read_text(), re.M | re.S))


untooled = pytest.mark.skipif(TOOLED, reason="a job's own tagalong has the preload before the sanitizer's runtime")


def run_step(service, step, **env):
    """A job's shell line on a machine of its own."""
    (service.folder / "evaluate").write_text('#!/bin/sh\nexec tagalong context get --json\n')
    (service.folder / "evaluate").chmod(0o755)
    environment = service.environment(TAGALONG_LIB=LIBRARY, TAGALONG_STORE=service.url, **env)
    environment["PATH"] = f"{BUILD}:{environment['PATH']}"
    done = subprocess.run(["sh", "-ec", step], cwd=service.folder, env=environment, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def stop_service(service):
    """What `tagalong run` has started there."""
    with service.connect() as peer:
        peer.op("ping")
        pid = peer.service_pid()
    subprocess.run(["kill", str(pid)], check=True)
    wait_until(lambda: not service.socket.exists())


@untooled
def test_github(server, make):
    workflow = yaml.safe_load(BLOCKS["github"])
    assert workflow["env"]["TAGALONG_SCOPE"] == "gh-${{ github.run_id }}"
    env = {"TAGALONG_SCOPE": "gh-7", "GITHUB_SHA": "abc", "GITHUB_REPOSITORY": "ada/letters"}
    machines = [make(server, start=False) for _ in range(3)]
    run_step(machines[0], workflow["jobs"]["open"]["steps"][0]["run"], **env)
    step = workflow["jobs"]["evaluate"]["steps"][0]["run"]
    for shard, machine in enumerate(machines[1:], 1):
        out = run_step(machine, step.replace("${{ matrix.shard }}", str(shard)), **env)
        context = json.loads(out)["context"]
        assert context["task_id"] == "abc" and context["project_id"] == "ada/letters"
        assert context["feature"] == f"shard-{shard}"
    assert 0 < int(server.cli("pttl", "tagalong:scope:gh-7")) <= 6 * 3600 * 1000
    for machine in machines:
        stop_service(machine)


@untooled
def test_gitlab(server, make):
    job = yaml.safe_load(BLOCKS["gitlab"])
    assert job["variables"]["TAGALONG_SCOPE"] == "gl-$CI_PIPELINE_ID"
    machine = make(server, start=False)
    env = {"TAGALONG_SCOPE": "gl-9", "CI_PIPELINE_ID": "9", "CI_NODE_INDEX": "3"}
    context = json.loads(run_step(machine, job["evaluate"]["script"][0], **env))["context"]
    assert context["task_id"] == "9" and context["feature"] == "node-3"
    assert server.cli("exists", "tagalong:scope:gl-9") == "1"
    stop_service(machine)


@untooled
def test_kubernetes(server, make):
    """The commands and variables of the pod, its volume being a folder here."""
    pod = yaml.safe_load(BLOCKS["kubernetes-shared"])
    (init,), (context, agent) = pod["spec"]["initContainers"], pod["spec"]["containers"]
    machine = make(server, start=False)
    (machine.folder / "store-url").write_text(server.url)
    inside = {"/context": str(machine.folder), "/secrets": str(machine.folder), "/usr/local/lib/tagalong": str(BUILD)}

    def here(text):
        return re.sub("^@?(" + "|".join(inside) + ")(?=/)", lambda found: found[0].replace(found[1], inside[found[1]]), text)

    for container in (init, context, agent):
        assert {"name": "context", "mountPath": "/context"} in container["volumeMounts"]
    subprocess.run([here(word) for word in init["command"]], check=True)
    assert context["command"][:2] == ["tagalong", "serve"]
    machine.socket = machine.folder / "tagalong" / "context.sock"
    machine.start(*map(here, context["command"][2:]), env={each["name"]: here(each["value"]) for each in context["env"]})
    own = {each["name"]: here(each["value"]) for each in agent["env"]}
    assert own["TAGALONG_SOCKET"] == str(machine.socket)
    del own["TAGALONG_RELAYS"]  # so that the one on loopback is
    with machine.connect() as peer:
        peer.op("open", scope={"name": "job-4711"}, context={"task_id": "T"})
    assert server.cli("hget", "tagalong:scope:job-4711", "task_id") == "T"
    chat = Chat(machine, pause=0.01, **own)
    assert chat.latest(time.monotonic())[2] == "T"
    chat.end()


def test_the_server_with_tls_and_acl(make):
    server = Server()
    make_certificates(server.folder)
    text = BLOCKS["valkey-conf"].replace("/etc/valkey", str(server.folder)).replace("6379", str(server.port))
    (server.folder / "server.conf").write_text(text)
    (server.folder / "users.acl").write_text("user default off\n" + acl_line(BLOCKS["valkey-acl"]).replace("PASSWORD", "p%w"))
    with open(server.folder / "log", "ab") as log:
        server.process = subprocess.Popen(
            [PROGRAM, str(server.folder / "server.conf"), "--dir", str(server.folder)],
            stdout=log, stderr=log,
        )
    try:
        url = f"rediss://tagalong:p%25w@localhost:{server.port}/0?cacert={server.folder}/ca.pem"
        one, two = make(url), make(url)
        with one.connect() as peer, two.connect() as there:
            peer.op("open", scope={"name": "x"}, context={"task_id": "T"}, ttl=60)
            assert there.context(scope={"name": "x"}) == {"task_id": "T"}
    finally:
        server.release()


def test_systemd(tmp_path):
    unit = tmp_path / "tagalong.service"
    text = (ROOT / "scripts/systemd/tagalong.service").read_text().replace("@BINDIR@/tagalong", "/bin/true")
    text = text.replace("Requires=tagalong.socket\n", "").replace("After=tagalong.socket\n", "")
    unit.write_text(text)
    (tmp_path / "tagalong.service.d").mkdir()
    (tmp_path / "tagalong.service.d" / "store.conf").write_text(BLOCKS["systemd-store"])
    try:
        done = subprocess.run(["systemd-analyze", "--user", "--man=no", "verify", unit], capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)})
    except FileNotFoundError:
        pytest.skip("there is no systemd-analyze")
    if re.search("Failed to resolve specifiers in .*%d", done.stderr):
        pytest.skip("this systemd has no %d, which came with 250")
    said = [line for line in done.stderr.splitlines() if "tagalong.service" in line]
    assert done.returncode == 0 and not said, done.stderr


def test_what_systemd_gives_the_unit(server, make):
    """The URL in a file that the service's user may read, by the variable of the drop-in: %d is the credentials' folder."""
    machine = make(server, start=False)
    credentials = machine.folder / "credentials"
    credentials.mkdir(mode=0o700)
    (credentials / "store").write_text(server.url + "\n")
    (credentials / "store").chmod(0o400)
    ((name, value),) = re.findall(r"^Environment=(\w+)=(.*)$", BLOCKS["systemd-store"], re.M)
    machine.start(env={name: value.replace("%d", str(credentials))})
    with machine.connect() as peer:
        peer.op("open", scope={"name": "ci-1"}, context={"task_id": "T"})
    assert server.cli("hget", "tagalong:scope:ci-1", "task_id") == "T"
