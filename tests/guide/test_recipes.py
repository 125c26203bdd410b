# SPDX-License-Identifier: MIT
"""The recipes of docs/recipes.md, as they stand there: what they say is what arrived at the relay.
Those of its last section are in test_live_recipes.py."""

import json
import os
import pwd
import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from conftest import COMMAND_SECONDS, ROOT, clean_environment, need
from fastcgi import visit
from test_live_recipes import NAMES
from guide import blocks, machine, page, prefix, seen, settings  # noqa: F401

PHP_FPM = next(iter(sorted(Path("/usr/sbin").glob("php-fpm[0-9].[0-9]"))), "php-fpm")
# Run by tests/store/test_recipes.py.
SHARED = ["valkey-acl", "valkey-conf", "github", "gitlab", "kubernetes-shared", "systemd-store"]
ANSWER = "Tagalong says hello through the test relay."
RECIPES = [
    "relay", "script", "cron", "systemd", "wrap-emacs", "emacs", "wrap-neovim", "neovim", "php-fpm-unit",
    "php-fpm-pool", "page", "R", "rsession", "kernel", "cell", "docker", "alpine", "kubernetes",
]


def test_all_of_them():
    assert list(blocks("recipes.md")) == RECIPES + SHARED + NAMES


def test_script(machine):
    script = machine.write("ask", machine.block("script"), 0o755)
    letters = [machine.write(f"{name}.txt", f"Dear {name}") for name in ("anna", "bert")]
    result = machine.run(script, *letters)
    assert result.stdout.decode() == f"{ANSWER}\n" * 2
    assert seen(result.requests, "Task", "Project") == [("anna", "letters"), ("bert", "letters")]
    assert [json.loads(r.body)["messages"][0]["content"] for r in result.requests] == ["Dear anna", "Dear bert"]
    assert [r.value("Authorization") for r in result.requests] == ["Bearer sk-test"] * 2


def curl_with(machine, **own):
    """What arrives; and at a relay that is not named, nothing of ours does, though loopback would do."""
    machine.relay.reset()
    env = {"PATH": "/usr/bin:/bin"} | own
    for relay in (machine.relay.other, machine.relay.url):
        url = relay + "/v1/chat/completions"
        told = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-d", "{}", url], check=True, capture_output=True,
                              timeout=COMMAND_SECONDS, env=env | {"TAGALONG_DEBUG": "stderr"}).stderr
        assert (b"the host is not a configured relay" in told) == (relay == machine.relay.other), told
    return machine.relay.requests


# cron.

# In a mount namespace of its own, cron sees these crontabs and no others, and a run-time folder that says
# that the machine has just been started.
CRON = """
mount --bind "$1/empty" /etc/cron.d && mount --bind "$1/empty-file" /etc/crontab &&
mount --bind "$1/spool" /var/spool/cron && mount --bind "$1/empty" /run || exit 1
cron -f -L 0 & cron=$!
for try in $(seq 200); do sleep 0.05; [ ! -e "$1/done" ] || break; done
kill "$cron"; [ -e "$1/done" ]
"""


def own_mounts():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


def test_cron(machine, relay, tmp_path):
    table = machine.block("cron")
    (path,) = re.findall(r"^PATH=(.*)$", table, re.M)
    (command,) = re.findall(r"^0 3 \* \* \* (.*)$", table, re.M)
    machine.chat("bin/report")
    relay.reset()
    own = {"HOME": str(tmp_path), "LOGNAME": "ada", "SHELL": "/bin/sh", "PATH": path}  # as crontab(5) has it
    # Else a service would start at this machine's own place, and stay for minutes.
    runtime = machine.environment["XDG_RUNTIME_DIR"]
    own["XDG_RUNTIME_DIR"] = runtime
    subprocess.run(["/bin/sh", "-c", command], env=own, cwd=tmp_path, check=True, timeout=COMMAND_SECONDS)
    if own_mounts():
        for folder in ("empty", "spool/crontabs"):
            (tmp_path / folder).mkdir(parents=True)
        machine.write("empty-file", "")
        user = pwd.getpwuid(os.geteuid()).pw_name
        soon = table.replace("0 3 * * * ", "@reboot ").replace(command, f"{command}; touch done")
        machine.write(f"spool/crontabs/{user}", f"HOME={tmp_path}\nXDG_RUNTIME_DIR={runtime}\n{soon}", 0o600)
        subprocess.run(["unshare", "-m", "sh", "-c", CRON, "sh", tmp_path], check=True, timeout=COMMAND_SECONDS)
    assert seen(relay.requests, "Task") == ["nightly"] * (2 if own_mounts() else 1)


# systemd.

UNIT = "[Service]\nExecStart=/usr/bin/curl -sS -o /dev/null %s/v1/chat/completions -d {}\n"


def verify(tmp_path, relay, text):
    """What systemd-analyze says of a service with this drop-in."""
    (tmp_path / "report.service").write_text(UNIT % relay.url)
    (tmp_path / "report.service.d").mkdir(exist_ok=True)
    (tmp_path / "report.service.d" / "tagalong.conf").write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", tmp_path / "report.service"]
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environment(tmp_path))
    return [line for line in done.stderr.splitlines() if "tagalong.conf" in line]


def test_systemd(machine, relay, tmp_path):
    text = machine.block("systemd")
    assert verify(tmp_path, relay, text) == []
    assert verify(tmp_path, relay, text.replace("Environment=LD", "Enviroment=LD")) != []
    own = {name: value.replace("%p", "report") for name, value in settings(text).items()}
    assert seen(curl_with(machine, **own), "Task", "Project") == [("report", "ops")]


# Editors.

# gptel itself where it is: a package of Debian 13 and newer; its packages may also be unpacked (dpkg -x)
# into build/gptel. Else what gptel 0.9.9.6 gives to curl: options on standard input, and behind an empty
# line the body.
GPTEL_FILES = ROOT / "build" / "gptel" / "usr" / "share" / "emacs" / "site-lisp" / "elpa-src"
GPTEL = """
(defun ask-by-gptel (question)
  (let* ((url (url-generic-parse-url (getenv "OPENAI_BASE_URL")))
         (gptel-backend (gptel-make-openai "relay" :protocol (url-type url)
                                           :host (format "%s:%d" (url-host url) (url-port url))
                                           :endpoint (concat (url-filename url) "/chat/completions")
                                           :key "sk-test" :models '(m)))
         (gptel-model 'm)
         done)
    (gptel-request question :system nil :callback (lambda (answer info) (setq done (or answer 'failed))))
    (while (not done) (accept-process-output nil 0.1))
    (when (eq done 'failed) (kill-emacs 9))))

(defun ask-in-its-form (question)
  (let ((data (json-encode `((model . "m") (messages . [((role . "user") (content . ,question))]))))
        (process (make-process :name "gptel-curl" :buffer (generate-new-buffer "*gptel-curl*")
                               :connection-type 'pipe
                               :command '("curl" "--disable" "--location" "--silent" "--compressed" "-XPOST" "-y7200"
                                          "-Y1" "-N" "-D-" "--config" "-"))))
    (process-send-string process (concat "header = \\"Content-Type: application/json\\"\n"
                                         "header = \\"Authorization: Bearer sk-test\\"\n"
                                         "url = \\"" (getenv "OPENAI_BASE_URL") "/chat/completions\\"\n"
                                         "write-out = \\"(token . %{size_header})\\"\ndata-binary = @-\n\n" data))
    (process-send-eof process)
    (while (process-live-p process) (accept-process-output process 0.1))
    (unless (zerop (process-exit-status process)) (kill-emacs 9))))

(defun ask-as-gptel (question)
  (if (and (require 'gptel nil t) (require 'gptel-openai nil t)) (ask-by-gptel question) (ask-in-its-form question)))
"""
EMACS = """
(package-initialize)
(require 'json)
(require 'plz)
(ask-as-gptel "One")
(my-task "T-43")
(ask-as-gptel "Two")
(ask-as-gptel "One")
(plz 'post (concat (getenv "OPENAI_BASE_URL") "/chat/completions") :body "{}")
(let ((url-request-method "POST") (url-request-data "{}"))
  (url-retrieve-synchronously (concat (getenv "OPENAI_BASE_URL") "/chat/completions")))
"""


def test_emacs(machine, tmp_path):
    need("emacs", emacs=["plz"])
    if GPTEL_FILES.is_dir():
        (tmp_path / ".emacs.d").mkdir()
        (tmp_path / ".emacs.d" / "elpa").symlink_to(GPTEL_FILES)
    machine.run("sh", "-c", machine.block("wrap-emacs"))
    machine.write("init.el", machine.block("emacs"))
    machine.write("ask.el", GPTEL + EMACS)
    launcher = tmp_path / ".local/bin/emacs"
    result = machine.run(launcher, "--batch", "-l", tmp_path / "init.el", "-l", tmp_path / "ask.el")
    assert seen(result.requests, "Task", "Project") == [(None, "ada"), *[("T-43", "ada")] * 3, (None, None)]
    one, two, again, plain, _ = seen(result.requests, "Conversation")
    assert one and two and one == again != two and plain not in (one, two)  # "derive", as the page has it


NVIM = """
local function ask()
  -- As plenary.curl and its plenary.job do.
  local dump, body = vim.fn.tempname(), vim.fn.tempname()
  vim.fn.writefile({ vim.fn.json_encode({ model = "m", messages = { { role = "user", content = "Hello" } } }) }, body)
  local code
  vim.loop.spawn("curl", {
    args = {
      "-sSL", "-D", dump, "--compressed", "-X", "POST", "-H", "Content-Type: application/json",
      "-H", "Authorization: Bearer sk-test", "-d", "@" .. body, "--tcp-nodelay", "--no-buffer",
      vim.env.OPENAI_BASE_URL .. "/chat/completions",
    },
    stdio = { nil, vim.loop.new_pipe(false), vim.loop.new_pipe(false) },
  }, function(exit) code = exit end)
  vim.wait(20000, function() return code end, 10)
  assert(code == 0)
end
ask()
vim.cmd("Task T-43")
ask()
vim.cmd("qa!")
"""


def test_neovim(machine, tmp_path):
    need("nvim")
    ask = "lua io.stdout:write(tostring(vim.api.nvim_create_user_command))"
    if subprocess.run(["nvim", "--headless", "-u", "NONE", "-c", ask, "-c", "qa"], capture_output=True).stdout == b"nil":
        pytest.skip("Neovim before 0.7 has no commands in Lua")
    machine.run("sh", "-c", machine.block("wrap-neovim"))
    machine.write("init.lua", machine.block("neovim"))
    machine.write("ask.lua", NVIM)
    result = machine.run(tmp_path / ".local/bin/nvim", "--headless", "-u", "init.lua", "-c", "luafile ask.lua")
    assert seen(result.requests, "Task", "Project") == [(None, "ada"), ("T-43", "ada")]


# Languages.


def test_php_fpm(machine, relay, other_relay, tmp_path):
    shop = machine.write("page.php", machine.block("page"))
    root = os.geteuid() == 0
    user = "user = root\ngroup = root\n" if root else ""
    machine.write("fpm.conf", (
        f"[global]\ndaemonize = no\nerror_log = {tmp_path}/fpm.log\n[www]\nlisten = {tmp_path}/fpm.sock\n"
        f"pm = static\npm.max_children = 1\n{user}" + machine.block("php-fpm-pool")))
    environment = clean_environment(tmp_path) | settings(machine.block("php-fpm-unit"))
    environment["TAGALONG_TASK_ID"] = "of-the-unit"  # "variables in the unit would not do"
    command = [PHP_FPM, *(["-R"] if root else []), "-y", "fpm.conf"]
    relay.reset()
    other_relay.reset()
    with subprocess.Popen(command, env=environment | {"PATH": "/usr/sbin:/usr/bin:/bin"}, cwd=tmp_path) as fpm:
        try:
            deadline = time.monotonic() + COMMAND_SECONDS
            while not (tmp_path / "fpm.sock").exists():
                assert fpm.poll() is None and time.monotonic() < deadline, (tmp_path / "fpm.log").read_text()
                time.sleep(0.02)
            next_page = machine.write("next.php", shop.read_text().replace("putenv", "strlen"))
            other = f"'{relay.other}/v1'"
            elsewhere = machine.write("elsewhere.php", shop.read_text().replace("getenv('OPENAI_BASE_URL')", other))
            for script, query in ((shop, "order=7"), (shop, "order=8"), (next_page, "order=9"), (elsewhere, "order=1")):
                assert ANSWER.encode() in visit(tmp_path / "fpm.sock", script, query)
        finally:
            fpm.terminate()
    assert seen(relay.requests, "Task", "Project") == [("order-7", "shop"), ("order-8", "shop"), (None, "shop")]
    assert seen(other_relay.requests, "Task", "Project") == [(None, None)]


def test_r(machine):
    need("Rscript", r=["httr2"])
    script = machine.write("ask.R", machine.block("R"))
    result = machine.run("tagalong", "run", "--task", "T-42", "--", "Rscript", "--vanilla", script)
    assert seen(result.requests, "Task") == ["T-42", "T-43"]


def test_rsession(machine):
    need("Rscript", r=["httr2"])
    script = machine.block("rsession").replace("/usr/lib/rstudio-server/bin/rsession", "/usr/bin/Rscript")
    ask = machine.write("ask.R", machine.block("R"))
    result = machine.run(machine.write("rsession-tagged", script, 0o755), "--vanilla", ask)
    assert seen(result.requests, "Task", "Project") == [(None, "ada"), ("T-43", "ada")]


JUPYTER = """
import sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="tagged", startup_timeout=25)
try:
    for code in open(sys.argv[1]).read(), "!curl -sS -o /dev/null -d '{}' $OPENAI_BASE_URL/chat/completions":
        reply = client.execute_interactive(code, timeout=20)
        assert reply["content"]["status"] == "ok", reply
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""


def test_jupyter(machine):
    machine.write(".local/share/jupyter/kernels/tagged/kernel.json", machine.block("kernel"))
    cell = machine.write("cell", machine.block("cell"))
    result = machine.run("/usr/bin/python3", "-c", JUPYTER, cell)
    assert ANSWER in result.stdout.decode()
    assert seen(result.requests, "Task", "Project") == [("T-42", "notebooks")] * 2


# Containers: what they set, and nothing else, is what a curl runs with.


def test_docker(machine):
    text = re.sub(r"\\\n\s*", "", machine.block("docker"))
    instructions = [line.split(" ", 1) for line in text.splitlines()]
    assert [name for name, _ in instructions] == ["FROM", "RUN", "COPY", "ENV"]
    own = dict(word.split("=", 1) for name, rest in instructions if name == "ENV" for word in rest.split())
    (copied,) = [rest.split() for name, rest in instructions if name == "COPY"]
    assert own["LD_PRELOAD"] == copied[1] + copied[0] == str(machine.library)
    (given,) = re.findall(r"`docker run -e (\w+=\S+) IMAGE`", page("recipes.md"))
    assert seen(curl_with(machine, **own, **dict([given.split("=")])), "Task") == ["T-42"]


def field(metadata, path):
    """What the downward API has for a fieldPath."""
    labels = re.fullmatch(r"metadata\.labels\['(.*)'\]", path)
    return metadata["labels"][labels[1]] if labels else metadata[path.removeprefix("metadata.")]


def test_kubernetes(machine, tmp_path):
    pod = yaml.safe_load(machine.block("kubernetes"))
    (init,), (agent,) = pod["spec"]["initContainers"], pod["spec"]["containers"]
    (volume,) = pod["spec"]["volumes"]
    for container in (init, agent):
        assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": "/tagalong"}]
    (tmp_path / "volume").mkdir()
    inside = lambda path: re.sub(r"^/tagalong/", f"{tmp_path}/volume/", path)  # noqa: E731
    subprocess.run(list(map(inside, init["command"])), check=True)
    own = {}
    for variable in agent["env"]:
        source = variable.get("valueFrom")
        own[variable["name"]] = (
            field(pod["metadata"], source["fieldRef"]["fieldPath"]) if source else inside(variable["value"]))
    requests = curl_with(machine, **own)
    assert seen(requests, "Task", "Project", "Session") == [("T-42", "billing", "agent-7")]
