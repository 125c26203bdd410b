# SPDX-License-Identifier: MIT
"""tagalong run and scripts/tagalong-run: the same start, twice; and the other commands' manners."""

import json
import os
import shutil
import stat
import subprocess

import pytest

from conftest import ROOT
from tags import CONTEXT, GENERIC

BUILD = ROOT / "build"
LAUNCHERS = {"tagalong run": [str(BUILD / "tagalong"), "run"], "tagalong-run": [str(ROOT / "scripts" / "tagalong-run")]}
SHOW = ["sh", "-c", 'printf "%s|%s|%s" "$LD_PRELOAD" "$TAGALONG_TASK_ID" "$TAGALONG_RELAYS"']


@pytest.fixture(params=LAUNCHERS, ids=lambda name: name.replace(" ", "-"))
def launch(request, run, shim):
    def launch(arguments, env=None):
        library = {"TAGALONG_LIB": shim} if shim and "/" in shim and ":" not in shim else {}
        return run(LAUNCHERS[request.param] + arguments, shim=None, env=library | (env or {}))

    return launch


def shown(result):
    assert (result.rc, result.stderr) == (0, b"")
    return result.stdout.decode().split("|")


def test_tags_a_request(launch, relay):
    url = relay.url + "/v1/chat/completions"
    options = ["--task", "T-42", "--conversation", "C-7", "--project", "billing", "--no-service"]
    result = launch(options + ["--", "curl", "-sS", url, "-d", "{}"])
    assert result.rc == 0, result.stderr
    assert result.requests[0].value("X-Task-Id") == "T-42"
    assert result.requests[0].value("X-Conversation-Id") == "C-7"
    assert result.requests[0].value("X-Project-Id") == "billing"


def test_preload_is_appended_once(launch, shim):
    preload, task, _ = shown(launch(["--task", "T-1"] + SHOW))
    assert preload.endswith("/libtagalong.so") and task == "T-1"
    for before in ("libm.so.6", "libm.so.6:libc.so.6", "libm.so.6 libc.so.6"):
        assert shown(launch(SHOW, env={"LD_PRELOAD": before}))[0] == f"{before}:{preload}"
    for before in (preload, f"libm.so.6:{preload}", f"{preload} libm.so.6", "libtagalong.so"):
        result = launch(SHOW, env={"LD_PRELOAD": before})
        assert result.stdout.decode().split("|")[0] == before


def test_nested(launch, shim):
    nested = LAUNCHERS["tagalong run"] + ["--task", "inner"]
    preload, task, _ = shown(launch(["--task", "outer", "--"] + nested + SHOW))
    assert task == "inner" and preload.count("libtagalong.so") == 1


def test_relays_are_a_list(launch):
    options = ["--relay", "https://a.example", "--relay", "*.b.example:8443"]
    assert shown(launch(options + SHOW))[2] == "https://a.example,*.b.example:8443"
    assert shown(launch(options + SHOW, env={"TAGALONG_RELAYS": "x"}))[2].startswith("https://a")


def test_exit_codes(launch, tmp_path):
    not_executable = tmp_path / "plain"
    not_executable.write_text("")
    assert launch(["--", "sh", "-c", "exit 42"]).rc == 42
    assert launch(["--", "no-such-command"]).rc == 127
    assert launch(["--", str(not_executable)]).rc == 126
    for bad in ([], ["--nonsense"], ["--task"], ["--set", "task_id"], ["--set", "nonsense=1"], ["--"]):
        result = launch(bad)
        assert result.rc == 2 and result.stderr and not result.stdout, bad
    for help_option in ("--help", "-h"):
        result = launch([help_option])
        assert result.rc == 0 and b"usage:" in result.stdout
        assert result.stdout.count(b"\n") <= 24, "it fits a screen"


def test_signals_reach_the_command(launch):
    # No process is left in between: the command has the launcher's pid.
    assert launch(["sh", "-c", "kill -TERM $$"]).rc == -15


@pytest.mark.parametrize("folder", ["with space", "with:colon"])
def test_library_path_that_ld_preload_cannot_hold(launch, tmp_path, folder):
    place = tmp_path / folder
    place.mkdir()
    shutil.copy(BUILD / "libtagalong.so", place)
    result = launch(["true"], env={"TAGALONG_LIB": str(place / "libtagalong.so")})
    assert result.rc == 3 and b"space or a colon" in result.stderr


def test_library_that_is_not_there(launch):
    result = launch(["true"], env={"TAGALONG_LIB": "/nonexistent/libtagalong.so"})
    assert result.rc == 3 and b"libtagalong.so" in result.stderr and b"ld.so" not in result.stderr


def test_script_through_a_symlink(run, tmp_path):
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "tagalong-run"
    link.symlink_to(ROOT / "scripts" / "tagalong-run")
    assert shown(run([str(link)] + SHOW, shim=None, env={}))[0].endswith("/build/libtagalong.so")


MULTIARCH = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True).stdout.strip()
LAYOUTS = {"lib": "lib", "lib64": "lib64", "multiarch": f"lib/{MULTIARCH}"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_installed_layout(run, relay, tmp_path, layout):
    if layout == "multiarch" and not MULTIARCH:
        pytest.skip("this system has no multiarch folders")
    folder = tmp_path / "usr" / LAYOUTS[layout] / "tagalong"
    for target, source in ((tmp_path / "usr/bin/tagalong", BUILD / "tagalong"),
                           (tmp_path / "usr/bin/tagalong-run", ROOT / "scripts" / "tagalong-run"),
                           (folder / "libtagalong.so", BUILD / "libtagalong.so"),
                           (folder / "hooks/node/tagalong.cjs", ROOT / "shim/hooks/node/tagalong.cjs")):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        target.chmod(target.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "usr/lib/aa-linux-gnu/tagalong").mkdir(parents=True)
    library = str(folder / "libtagalong.so")
    preload = f"{tmp_path}/usr/$LIB/tagalong/libtagalong.so" if layout == "multiarch" else library
    for launcher in (["tagalong", "run", "--no-service"], ["tagalong-run"]):
        command = [str(tmp_path / "usr/bin" / launcher[0])] + launcher[1:]
        assert shown(run(command + SHOW, shim=None, env={}))[0] == preload
        # Who names the library gets that one, by that name; the one that is there already stays.
        assert shown(run(command + SHOW, shim=None, env={"TAGALONG_LIB": library}))[0] == library
        assert shown(run(command + SHOW, shim=None, env={"LD_PRELOAD": preload}))[0] == preload
        shown_options = run(command + ["sh", "-c", 'echo "$NODE_OPTIONS"'], shim=None, env={})
        assert shown_options.stdout.decode() == f"--require {folder}/hooks/node/tagalong.cjs\n"
        url = relay.url + "/v1/chat/completions"
        result = run(command + ["--task", "T-42", "--", "curl", "-sS", url, "-d", "{}"], shim=None, env={})
        assert (result.rc, result.stderr) == (0, b"")
        assert result.requests[0].value("X-Task-Id") == "T-42"


def test_two_classes(run, tmp_path):
    """Debian's place by $LIB: what is for another libc, whose loader by the whole path would end the
    program, starts as without us."""
    if not MULTIARCH or not shutil.which("musl-gcc"):
        pytest.skip("there is no musl-gcc, or this system has no multiarch folders")
    for name in ("aa-linux-gnu", MULTIARCH):
        (tmp_path / "lib" / name / "tagalong").mkdir(parents=True)
        shutil.copy(BUILD / "libtagalong.so", tmp_path / "lib" / name / "tagalong")
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "scripts" / "tagalong-run", tmp_path / "bin")
    shutil.copy(BUILD / "tagalong", tmp_path / "bin")
    (tmp_path / "musl.c").write_text('#include <stdio.h>\nint main(void) { puts("musl"); return 0; }\n')
    subprocess.run(["musl-gcc", "-o", tmp_path / "musl", tmp_path / "musl.c"], check=True)
    for launcher in (["tagalong", "run", "--no-service"], ["tagalong-run"]):
        command = [str(tmp_path / "bin" / launcher[0])] + launcher[1:]
        assert shown(run(command + SHOW, shim=None, env={}))[0] == f"{tmp_path}/$LIB/tagalong/libtagalong.so"
        result = run(command + [str(tmp_path / "musl")], shim=None, env={})
        assert (result.rc, result.stdout, result.stderr) == (0, b"musl\n", b"")


BAD_VALUES = ["--task=a\nb", "--task= a", "--task=" + "x" * 1025, "--set=traceparent=nonsense", "--set=tags=nothing",
              "--relay=https://a.example/v1", "--relay=a,b", "--preset=nonsense"]


@pytest.mark.parametrize("option", BAD_VALUES, ids=lambda text: repr(text[:24]))
def test_bad_values_are_told_now(run, option):
    result = run(LAUNCHERS["tagalong run"] + [option, "true"], shim=None, env={})
    assert result.rc == 2 and result.stderr.startswith(b"tagalong run: ")


def tagalong(run, *arguments, env=None):
    return run([str(BUILD / "tagalong"), *arguments], shim=None, env=env or {})


def test_explain(run, relay):
    url = relay.url + "/v1/chat/completions"
    result = tagalong(run, "explain", "--json", url, env=CONTEXT)
    report = json.loads(result.stdout)
    assert result.rc == 0 and report["tagged"] and report["preset"] == "generic"
    assert [h["name"] for h in report["headers"]] == list(GENERIC)
    task = report["headers"][0]
    assert task["value"] == "T-42"
    assert task["sources"] == [{"placeholder": "task_id", "origin": "environment", "detail": "TAGALONG_TASK_ID"}]
    assert {"name": "X-User-Id", "reason": "it has no value", "sources": []} in report["left_out"]
    text = tagalong(run, "explain", url, env=CONTEXT)
    assert text.rc == 0 and b"X-Task-Id: T-42\n      <- task_id (environment: TAGALONG_TASK_ID)" in text.stdout


NOT_TAGGED = {
    "the method is not POST": (["--method", "GET", "http://localhost/v1/chat/completions"], {}),
    "the host is not a configured relay": (["https://api.example/v1/chat/completions"], {}),
    "the path is not a chat endpoint": (["http://localhost/v1/models"], {}),
    "libcurl refuses the URL": (["http://[::/v1/messages"], {}),
    "TAGALONG_OFF is 1": (["http://localhost/v1/messages"], {"TAGALONG_OFF": "1"}),
    "unknown preset": (["http://localhost/v1/messages"], {"TAGALONG_PRESET": "x"}),
    "no header has a value": (["http://localhost/v1/messages"], {"TAGALONG_PRESET": "kong"}),
}


@pytest.mark.parametrize("reason", NOT_TAGGED)
def test_explain_tells_why_not(run, reason):
    arguments, env = NOT_TAGGED[reason]
    result = tagalong(run, "explain", *arguments, env=env)
    assert result.rc == 1 and f"not tagged: {reason}\n".encode() in result.stdout
    assert json.loads(tagalong(run, "explain", "--json", *arguments, env=env).stdout)["tagged"] is False


CONFIGURED = {
    # What the configuration says, and what explain has to say about it beside the headers.
    "literal": ({"headers": {"X-Team": "pay"}}, True, "X-Team: pay\n      <- literal text\n"),
    "required": ({"require": ["user_id"]}, False,
                 "refused: a field that the configuration requires has no value: user_id\n"),
    "derived": ({"conversation": "derive"}, True, "no conversation id from the body: "),
    "bad": ({"headers": {"Cookie": "x"}}, False, "not tagged: the configuration is invalid\n"),
}


@pytest.mark.parametrize("name", CONFIGURED)
def test_explain_of_a_configuration(run, tmp_path, name):
    keys, tagged, said = CONFIGURED[name]
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"relays": [{"match": ["http://localhost"], **keys}]}, indent=0))
    env = {"TAGALONG_CONFIG": str(path), "TAGALONG_TASK_ID": "T-42"}
    text = tagalong(run, "explain", "http://localhost/v1/chat/completions", env=env)
    assert (text.rc, said in text.stdout.decode()) == (0 if tagged else 1, True), text.stdout
    assert f"{path}:" in text.stdout.decode()
    report = json.loads(tagalong(run, "explain", "--json", "http://localhost/v1/chat/completions", env=env).stdout)
    assert report["tagged"] is tagged
    if name == "bad":
        assert report["fault"] in text.stdout.decode()


def test_explain_names_ignored_words(run):
    env = {"TAGALONG_RELAYS": "https://a.example/v1,b.example", "TAGALONG_ENDPOINTS": "chat,nonsense"}
    result = tagalong(run, "explain", "https://b.example/v1/messages", env=env)
    assert result.rc == 0
    assert b'ignoring "https://a.example/v1" in TAGALONG_RELAYS: a pattern' in result.stderr
    assert b'ignoring "nonsense" in TAGALONG_ENDPOINTS: ' in result.stderr


def test_presets(run):
    names = [line.split()[0] for line in tagalong(run, "presets").stdout.decode().splitlines()]
    files = sorted(path.stem for path in (ROOT / "shim" / "presets").glob("*.json"))
    assert names == files and "generic" in names
    for name in names:
        assert tagalong(run, "presets", name).rc == 0
    assert b"X-Task-Id" in tagalong(run, "presets", "generic").stdout
    assert tagalong(run, "presets", "nonsense").rc == 1


def test_help_of_every_command(run):
    overview = tagalong(run, "--help")
    assert overview.rc == 0
    commands = [line.split()[0] for line in overview.stdout.decode().splitlines() if line.startswith("  ")]
    for command in [name for name in commands if name != "tagalong"]:
        result = tagalong(run, command, "--help")
        assert result.rc == 0 and result.stdout.startswith(b"usage: tagalong " + command.encode())
        assert not result.stderr
    assert tagalong(run, "nonsense").rc == 2 and tagalong(run).rc == 2
    assert tagalong(run, "version").stdout.startswith(b"tagalong ")


def test_project_of_the_working_folder(run, relay, tmp_path):
    os.makedirs(tmp_path / ".git")
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\n\turl = git@host:team/billing.git\n')
    env = {"TAGALONG_TASK_ID": "T-42"}
    url = relay.url + "/v1/chat/completions"
    result = run(["curl", "-sS", url, "-d", "{}"], env=env)
    assert result.requests[0].value("X-Project-Id") == "billing"


def test_explain_and_headers_take_runs_options(run):
    """So that one can ask before running; they win over what is inherited."""
    options = ["--task", "T-9", "--set", "feature=cli", "--relay", "https://a.example", "--relay", "https://b.example",
               "--preset", "generic", "--project", "p", "--conversation", "c"]
    env = {"TAGALONG_TASK_ID": "T-old", "TAGALONG_RELAYS": "https://old.example"}
    for host, tagged in (("a", True), ("b", True), ("old", False)):
        url = f"https://{host}.example/v1/messages"
        lines = tagalong(run, "headers", *options, url, env=env).stdout.decode().splitlines()
        report = json.loads(tagalong(run, "explain", "--json", *options, url, env=env).stdout)
        assert ("X-Task-Id: T-9" in lines, report["tagged"]) == (tagged, tagged)
        assert not tagged or {"X-Project-Id: p", "X-Conversation-Id: c"} < set(lines)
    for command in "explain", "headers", "run":
        for bad, said in ((["--preset", "none"], b'unknown preset "none"'), (["--relay", "a/b"], b'relay "a/b": '),
                          (["--set", "x=1"], b'unknown field "x"'), (["--task", "a\nb"], b"the value of task_id")):
            done = tagalong(run, command, *bad, "http://localhost/v1/messages")
            assert done.rc == 2 and said in done.stderr, done.stderr


def test_explain_of_a_url_without_host(run):
    done = tagalong(run, "explain", "file:///v1/messages", env={"TAGALONG_ENDPOINTS": "all"})
    assert done.rc == 1 and b"not tagged: the URL has no host\n" in done.stdout


def test_options_errors_are_told_apart(run):
    for words, said in ((["run", "-xz", "true"], "unknown option -x"), (["log", "-fz"], "unknown option -z"),
                        (["run", "--nonsense=3"], "unknown option --nonsense"), (["run", "--pr", "x"], "ambiguous option --pr"),
                        (["run", "--task"], "option --task needs a value: ID"),
                        (["run", "--debug=3", "true"], "option --debug takes no value"),
                        (["log", "--help=3"], "option --help takes no value")):
        done = tagalong(run, *words)
        assert done.rc == 2 and done.stderr.decode().splitlines()[0] == f"tagalong {words[0]}: {said}"


def test_the_launcher_in_sh_and_cdpath(tmp_path):
    """With it, cd goes to another folder of that name, and prints which."""
    (tmp_path / "elsewhere" / "scripts").mkdir(parents=True)
    done = subprocess.run(["scripts/tagalong-run", "--task", "T-1", "--", "sh", "-c", "echo $LD_PRELOAD; echo $CDPATH"], cwd=ROOT,
                          env={"PATH": "/usr/bin:/bin", "CDPATH": str(tmp_path / "elsewhere")}, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{ROOT}/build/libtagalong.so\n{tmp_path}/elsewhere\n", "")


def test_explain_steers_no_terminal(tmp_path):
    """The name of a repository that somebody else has made, and the URL itself."""
    evil = "a\u202eb\u009bc"
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(f'[remote "origin"]\n\turl = git@host:team/{evil}.git\n')
    done = subprocess.run([BUILD / "tagalong", "explain", f"http://localhost/{evil}/v1/messages"], cwd=tmp_path, text=True,
                          capture_output=True, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    assert done.returncode == 0 and "a?b?c/v1/messages" in done.stdout and "X-Project-Id" in done.stdout
    assert "\u202e" not in done.stdout and "\u009b" not in done.stdout
