# SPDX-License-Identifier: MIT
"""tagalong doctor: no wrong verdict, held against known answers, the client matrix, and the probe."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import grants
from conftest import ROOT, clean_environment, installed, need
from programs import CHILDREN, LINKED, NODE, NOT, PLUGIN, PROGRAMS, PYTHON

sys.path.append(str(ROOT / "tests" / "clients"))
import rows as matrix  # noqa: E402

TAGALONG = ROOT / "build" / "tagalong"
CLIENTS = ROOT / "tests" / "clients" / "programs"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
NOBODY = 65534


@pytest.fixture
def doctor(tmp_path):
    def doctor(*arguments, tagalong=TAGALONG, user=None, **variables):
        environment = clean_environment(tmp_path) | {"PATH": PATH} | variables
        return subprocess.run([tagalong, "doctor", *map(str, arguments)], capture_output=True, text=True,
                              env=environment, cwd="/" if user else tmp_path, timeout=60, user=user)

    return doctor


@pytest.fixture
def verdict(doctor):
    """Of a program, by name or path; (verdict, hook), and the whole report."""

    def verdict(program, *arguments, **how):
        if "/" not in str(program):
            installed(program, path=PATH)
        done = doctor("--json", program, *arguments, **how)
        assert done.returncode in (0, 1), done
        report = json.loads(done.stdout)
        return (report["verdict"], report.get("hook")), report

    return verdict


def test_the_table_is_long_enough():
    assert len(PROGRAMS) >= 120


@pytest.mark.parametrize("program", PROGRAMS)
def test_known_answers(doctor, verdict, program):
    answer, report = verdict(program)
    assert answer == PROGRAMS[program], report
    assert report["reason"] and report["binary"].startswith("/")
    assert not report.get("missing"), report
    assert (report.get("libcurl", []) != []) == (answer == LINKED), report
    done = doctor(program)
    assert done.returncode == (1 if answer == NOT else 0)
    assert done.stdout.startswith(f"{program}: ") and report["reason"] in done.stdout and not done.stderr


def links(program):
    """Whether ldd sees libcurl among its libraries."""
    return "libcurl" in subprocess.run(["ldd", program], capture_output=True, text=True).stdout


def programs_of_this_machine():
    """Those whose names say that they are linked with libcurl, and every fourth of the others."""
    found = [path for folder in ("/usr/bin", "/usr/sbin") for path in sorted(Path(folder).iterdir())
             if path.is_file() and os.access(path, os.X_OK)]
    return [str(path) for index, path in enumerate(found) if index % 4 == 0 or "curl" in path.name or "llvm-symbolizer" in path.name]


def test_every_program_that_is_linked_with_libcurl(verdict):
    """Held against ldd, with whatever is installed here; what is not linked is never called so."""
    for program in programs_of_this_machine():
        with open(program, "rb") as file:
            is_elf = file.read(4) == b"\x7fELF"
        answer, report = verdict(program)
        assert (answer == LINKED) == (is_elf and links(program)) or "elevated privileges" in report["reason"], report
        assert "binary" in report or report["reason"] == "its interpreter is missing", report


# Those that are compiled for the matrix have names of their own.
ROWS = [row for row in matrix.ROWS if not row.command[0].startswith("$")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_client_matrix(verdict, row):
    """Every client whose requests tests/clients sees tagged is one that doctor says is reached."""
    command = row.command[0]
    answer, report = verdict(command)
    if row.binds == matrix.LINKED and command != "sh":
        assert answer == LINKED, report
    elif row.binds == matrix.CHILD or command == "sh":
        assert answer == CHILDREN, report
    else:
        assert answer == (PYTHON if "python" in command else PLUGIN), report


@pytest.mark.parametrize("name", matrix.BYSTANDERS)
def test_bystanders_are_not_promised(verdict, name):
    """None is linked with libcurl: what is promised of a language is its plugin."""
    (answer, hook), report = verdict(matrix.BYSTANDERS[name][0])
    assert hook != "linked" and not report.get("libcurl")
    assert answer == {"java": "not", "ssh": "not", "bash": "children", "emacs": "children"}.get(name, "tagged")


# What really arrives: (command, requests that are tagged or not).
def client(*command, **variables):
    return list(command), variables


SENDS = {
    "curl": client("curl", "-sS", "-d", "{}", "{url}"),
    "php": client("php", CLIENTS / "php_exec.php", "{url}"),
    "php multi": client("php", CLIENTS / "php_multi.php", "{url}"),
    "python": client("/usr/bin/python3", CLIENTS / "pycurl_easy.py", "{url}"),
    "python urllib": client("/usr/bin/python3", "-c", "import sys, urllib.request as r; r.urlopen(sys.argv[1], b'{}')",
                            "{url}"),
    "R": client("R", "--vanilla", "--slave", "-f", CLIENTS / "RCurl.R", "--args", "{url}"),
    "Rscript": client("Rscript", "--vanilla", CLIENTS / "RCurl.R", "{url}"),
    "ruby": client("ruby", CLIENTS / "curb.rb", "{url}"),
    "ruby ethon": client("ruby", CLIENTS / "ethon.rb", "{url}"),
    "perl": client("perl", CLIENTS / "www_curl.pl", "{url}"),
    "lua": client("lua5.1", CLIENTS / "lua_curl.lua", "{url}"),
    "tcl": client("tclsh", CLIENTS / "tclcurl.tcl", "{url}"),
    "bash": client("bash", "-c", "curl -sS -d '{}' $OPENAI_BASE_URL/chat/completions"),
    "busybox": client("busybox", "sh", "-c", "curl -sS -d '{}' $OPENAI_BASE_URL/chat/completions"),
    "env": client("env", "A=1", "curl", "-sS", "-d", "{}", "{url}"),
    "timeout": client("timeout", "9", "curl", "-sS", "-d", "{}", "{url}"),
    "xargs": client("xargs", "-a", "/dev/null", "curl", "-sS", "-d", "{}", "{url}"),
    "find": client("find", "/dev/null", "-exec", "curl", "-sS", "-d", "{}", "{url}", ";"),
    "make": client("make", "-s", "--eval=all:;@curl -sS -d '{}' {url}", "all"),
    "git": client("git", "-c", "alias.ask=!curl -sS -d '{}' {url}", "ask"),
    "emacs": client("emacs", *matrix.NO_INIT, "--eval",
                    '(call-process "curl" nil nil nil "-d" "{}" (concat (getenv "OPENAI_BASE_URL") "/chat/completions"))'),
    "nvim": client("nvim", "--headless", "-u", "NONE", "-c", "call system(['curl', '-d', '{}', '{url}'])", "-c", "qa"),
    "direnv": client("direnv", "exec", "/", "curl", "-sS", "-d", "{}", "{url}"),
    "node": client("node", CLIENTS / "bystander.js", "{url}"),
}
# Of a language that is said to be tagged, what does not go by its plugin is not; the words say so.
OTHERWISE = {
    "php": (client("php", "-r", "file_get_contents($argv[1], false, stream_context_create(['http' => ['method' => 'POST', 'content' => '{}']]));", "{url}"), "streams are not"),
    "perl": (client("perl", "-MHTTP::Tiny", "-e", "HTTP::Tiny->new->post($ARGV[0], {content => '{}'})", "{url}"), "HTTP::Tiny are not"),
    "ruby": (client("ruby", "-rnet/http", "-e", "Net::HTTP.post(URI(ARGV[0]), '{}')", "{url}"), "Net::HTTP is not"),
}


@pytest.mark.parametrize("name", SENDS)
def test_the_probe_agrees(doctor, name):
    command, variables = SENDS[name]
    if name == "node":
        need("node")
    installed(command[0], "curl", path=PATH)
    done = doctor("--json", "--probe", *command, **variables)
    report = json.loads(done.stdout)
    probe = report["probe"]
    assert probe["requests"] > 0, done
    if report["verdict"] == "not":
        assert probe["tagged"] == 0 and done.returncode == 1, report
    else:
        assert probe["tagged"] == probe["requests"] and done.returncode == 0, report
        assert "X-Task-Id" in probe["headers"] and "traceparent" in probe["headers"]


@pytest.mark.parametrize("name", OTHERWISE)
def test_the_words_are_true_of_what_is_not(doctor, name):
    (command, variables), words = OTHERWISE[name]
    installed(command[0], path=PATH)
    done = doctor("--json", "--probe", *command, **variables)
    report = json.loads(done.stdout)
    assert words in report["reason"] and report["verdict"] == "tagged"
    assert report["probe"]["requests"] == 1 and report["probe"]["tagged"] == 0 and done.returncode == 1


def test_a_hook_that_is_not_wanted(verdict, doctor):
    answer, report = verdict("node", TAGALONG_HOOKS="libcurl,dl")
    assert answer == NOT and "TAGALONG_HOOKS" in report["advice"]
    done = doctor("--json", "--probe", *SENDS["node"][0], TAGALONG_HOOKS="libcurl,dl")
    probe = json.loads(done.stdout)["probe"]
    assert probe["requests"] > 0 and probe["tagged"] == 0 and done.returncode == 1


def test_python_without_its_hook(verdict, doctor):
    """pycurl is tagged all the same; what has its own HTTP is not, and the words say so."""
    answer, report = verdict("/usr/bin/python3", TAGALONG_HOOKS="libcurl,dl,node")
    assert answer == PLUGIN and "own HTTP" in report["reason"]
    for name, tagged in (("python", True), ("python urllib", False)):
        done = doctor("--json", "--probe", *SENDS[name][0], TAGALONG_HOOKS="libcurl,dl,node")
        assert (json.loads(done.stdout)["probe"]["tagged"] > 0) is tagged


def test_probe_manners(doctor):
    text = doctor("--probe", "curl", "-sS", "-d", "{}", "{url}").stdout
    assert "probe: 1 chat request arrived, 1 tagged; exit code 0" in text and "added      X-Task-Id" in text
    assert "conversation  without an id of its own" in text
    text = doctor("--probe", "curl", "-sS", "-d", "{}", "-H", "thread-id: t-1", "{url}").stdout
    assert "conversation  client: thread-id" in text
    silent = doctor("--probe", "true")
    assert silent.returncode == 1 and "0 chat requests arrived" in silent.stdout and "{url}" in silent.stdout
    other = json.loads(doctor("--json", "--probe", "curl", "-sS", "{url}").stdout)["probe"]
    assert (other["requests"], other["other"], other["exit_code"]) == (0, 1, 0)
    assert json.loads(doctor("--json", "--probe", "sh", "-c", "exit 7").stdout)["probe"]["exit_code"] == 7
    # What a command leaves behind is ended with it.
    mark = "97531.25"
    doctor("--probe", "sh", "-c", f"sleep {mark} & exit 0")
    assert mark not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


# Programs that are made for one thing each.


def compile_c(path, text, *options, compiler="gcc"):
    installed(compiler)
    source = path.with_suffix(".c")
    source.write_text(text)
    subprocess.run([compiler, "-o", path, source, *options], check=True)
    return path


MAIN = "int main(void) { return 0; }\n"


def test_static_musl_and_another_class(verdict, tmp_path):
    for name, compiler, options, words in (
        ("static", "gcc", ["-static"], "linked statically"),
        ("static-pie", "gcc", ["-static-pie"], "linked statically"),
        ("i386", "i686-linux-gnu-gcc", [], "another machine or class"),
        ("aarch64", "aarch64-linux-gnu-gcc", [], "another machine or class"),
    ):
        answer, report = verdict(compile_c(tmp_path / name, MAIN, *options, compiler=compiler))
        assert answer == NOT and words in report["reason"], report
    assert report["machine"] == "aarch64" and report["class"] == 64


def test_musl(verdict, tmp_path):
    """The library loads there, too; but not by $LIB, as Debian's package has it in LD_PRELOAD."""
    answer, report = verdict(compile_c(tmp_path / "bare", MAIN, compiler="musl-gcc"))
    assert answer == NOT and report["libc"] == "musl" and "does not use libcurl" in report["reason"]
    library = tmp_path / "libcurl.so.4"
    compile_c(library, "int curl_easy_init;\n", "-shared", "-fPIC", "-Wl,-soname,libcurl.so.4", compiler="musl-gcc")
    text = "extern int curl_easy_init;\nint main(void) { return curl_easy_init; }\n"
    program = compile_c(tmp_path / "linked", text, library, "-Wl,-rpath,$ORIGIN", compiler="musl-gcc")
    answer, report = verdict(program)
    assert answer == LINKED and report["libcurl"] == [str(library)], report
    multiarch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True).stdout.strip()
    folder = tmp_path / "usr" / "lib" / multiarch / "tagalong"
    folder.mkdir(parents=True)
    for name in ("tagalong-tools", "libtagalong.so"):
        shutil.copy(ROOT / "build" / name, folder)
    (tmp_path / "usr" / "bin").mkdir()
    shutil.copy(TAGALONG, tmp_path / "usr" / "bin")
    answer, report = verdict(program, tagalong=tmp_path / "usr" / "bin" / "tagalong")
    assert answer == NOT and "$LIB" in report["reason"] and "TAGALONG_LIB" in report["advice"]


def test_libcurl_built_in(verdict, tmp_path):
    """Linked with the archive of libcurl, as far as one function needs it."""
    text = '#include <curl/curl.h>\n#include <stdio.h>\nint main(void) { puts(curl_easy_strerror(43)); return 0; }\n'
    program = compile_c(tmp_path / "builtin", text, "-l:libcurl.a", "-Wl,--unresolved-symbols=ignore-all")
    answer, report = verdict(program)
    assert answer == NOT and report["builtin"] == "libcurl" and "built in" in report["reason"]


def test_libcurl_by_name_and_by_another_library(verdict, tmp_path):
    text = '#include <dlfcn.h>\nint main(void) { return !dlopen("libcurl.so.4", RTLD_NOW); }\n'
    assert verdict(compile_c(tmp_path / "byname", text))[0] == ("tagged", "dl")
    compile_c(tmp_path / "libmiddle.so", "#include <curl/curl.h>\nchar *middle(void) { return curl_version(); }\n",
              "-shared", "-fPIC", "-lcurl")
    text = "char *middle(void);\nint main(void) { return !middle(); }\n"
    options = [f"-L{tmp_path}", "-lmiddle", "-Wl,--no-as-needed"]
    answer, report = verdict(compile_c(tmp_path / "middle", text, *options, "-Wl,-rpath,$ORIGIN"))
    assert answer == LINKED and "libcurl.so.4" in report["libcurl"][0]
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "middle").symlink_to(tmp_path / "middle")
    assert verdict(tmp_path / "links" / "middle")[0] == LINKED
    answer, report = verdict(compile_c(tmp_path / "missing", text, *options))
    assert answer == NOT and report["missing"] == ["libmiddle.so"]


def test_scripts_are_followed(verdict, doctor, tmp_path):
    installed("node", "php", path=PATH)

    def script(name, text):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    php = script("php-script", "#!/usr/bin/php -q\n")
    for path, answer in (
        (php, PLUGIN),
        (script("by-env", "#!/usr/bin/env node\n"), NODE),
        (script("env-s", "#!/usr/bin/env -S A=1 php -q\n"), PLUGIN),
        (script("blanks", "#! \t/bin/bash -e\n"), CHILDREN),
        (script("plain", "curl x\n"), CHILDREN),
        (script("http", "#!/usr/bin/python3\n"), PYTHON),  # HTTPie
        (script("empty", ""), CHILDREN),
        (script("nested", f"#!{php}\n"), PLUGIN),
        (script("lost", "#!/nonexistent/php\n"), NOT),
        (script("loop", f"#!{tmp_path}/loop\n"), NOT),
    ):
        found, report = verdict(path)
        assert found == answer, report
        assert str(path) in report["scripts"]
    assert verdict(script("nested", f"#!{php}\n"))[1]["scripts"] == [str(tmp_path / "nested"), str(php)]
    (tmp_path / "mine").symlink_to("/usr/bin/php")
    assert verdict(tmp_path / "mine")[0] == PLUGIN


@pytest.mark.parametrize("line, isolated", [
    ("/usr/bin/python3 -Es", True), ("/usr/bin/python3 -I", True), ("/usr/bin/env -S python3 -u -S", True),
    ("/usr/bin/python3 -su", False), ("/usr/bin/python3 -Wignore::EncodingWarning", False), ("/usr/bin/python3", False),
])
def test_a_script_that_isolates_python(doctor, verdict, tmp_path, line, isolated):
    script = tmp_path / "ask"
    script.write_text(f"#!{line}\nimport sys, urllib.request as r\nr.urlopen(sys.argv[1], b'{{}}')\n")
    script.chmod(0o755)
    answer, report = verdict(script)
    assert (answer != PYTHON) == isolated == ("-E, -I or -S" in report["reason"])
    probe = json.loads(doctor("--json", "--probe", script, "{url}").stdout)["probe"]
    assert (probe["requests"], probe["tagged"]) == (1, int(not isolated))


@pytest.mark.parametrize("name, words", [("codex", "env_http_headers"), ("crush", "in the client")])
def test_a_node_script_that_starts_a_program(verdict, tmp_path, name, words):
    """From npm these are links to scripts, and it is not Node that sends."""
    installed("node", path=PATH)
    (tmp_path / "start.js").write_text("#!/usr/bin/env node\n")
    (tmp_path / "start.js").chmod(0o755)
    (tmp_path / name).symlink_to("start.js")
    assert verdict(tmp_path / "start.js")[0] == NODE
    answer, report = verdict(tmp_path / name)
    assert answer == NOT and words in report["advice"]


@pytest.mark.parametrize("where", ["agent-linux-x64/bin", "@acme/agent-linux-x64", "@acme/agent-linux-x64/vendor/x/bin"])
@pytest.mark.parametrize("nested", [True, False])
def test_a_node_script_that_starts_its_native_program(verdict, tmp_path, where, nested):
    """npm puts the package for the system beside the script's, or, where that is global, into it."""
    installed("node", path=PATH)
    package = tmp_path / "lib/node_modules/@acme/agent"
    native = (package if nested else tmp_path / "lib") / "node_modules" / where / "agent"
    native.parent.mkdir(parents=True)
    (package / "bin").mkdir(parents=True)
    (package / "bin/start.js").write_text("#!/usr/bin/env node\n")
    (package / "bin/start.js").chmod(0o755)
    (tmp_path / "agent").symlink_to(package / "bin/start.js")
    assert verdict(tmp_path / "agent")[0] == NODE
    native.write_text("not a program")
    assert verdict(tmp_path / "agent")[0] == NODE
    shutil.copy("/usr/bin/curl", native)
    answer, report = verdict(tmp_path / "agent")
    assert answer == LINKED and report["binary"] == str(native)


def test_sandboxes_and_appimages(verdict, tmp_path):
    data = bytearray(Path("/bin/true").read_bytes())
    data[8:11] = b"AI\x02"
    image = tmp_path / "image"
    image.write_bytes(data)
    image.chmod(0o755)
    exported = tmp_path / "flatpak" / "exports" / "bin" / "app"
    exported.parent.mkdir(parents=True)
    exported.write_text("#!/bin/sh\nexec flatpak run app\n")
    exported.chmod(0o755)
    snap = tmp_path / "snap"
    shutil.copy("/bin/true", snap)
    (tmp_path / "app").symlink_to(snap)
    docker = tmp_path / "docker"
    shutil.copy("/bin/true", docker)
    for path, words in ((image, "AppImage"), (exported, "sandbox"), (tmp_path / "app", "sandbox"), (docker, "container")):
        answer, report = verdict(path)
        assert answer == NOT and words in report["reason"] and report["advice"], report


def test_raised_rights(verdict, doctor):
    """As a user who is not root. The probe shows that it is so: the request arrives, and untagged."""
    folder = Path(tempfile.mkdtemp(prefix="tagalong-doctor-"))
    try:
        folder.chmod(0o755)
        for name in ("tagalong", "tagalong-tools", "libtagalong.so"):
            shutil.copy(ROOT / "build" / name, folder)
        shutil.copy("/usr/bin/curl", folder / "setuid")
        shutil.copy("/usr/bin/curl", folder / "capable")
        how = {"tagalong": folder / "tagalong", "user": NOBODY if os.geteuid() == 0 else None}
        _, report = verdict("passwd", **how)
        assert report["setuid"] and "elevated privileges" in report["reason"]
        if os.geteuid() != 0:
            return
        (folder / "setuid").chmod(0o4755)
        # struct vfs_cap_data, revision 2 with the effective bit: cap_net_bind_service.
        os.setxattr(folder / "capable", "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))
        for name in ("setuid", "capable"):
            done = doctor("--json", "--probe", folder / name, "-sS", "-d", "{}", "{url}", **how)
            report = json.loads(done.stdout)
            assert report["verdict"] == "not" and "elevated privileges" in report["reason"], report
            assert (report["probe"]["requests"], report["probe"]["tagged"]) == (1, 0), report
        # For root they raise nothing.
        assert verdict(folder / "setuid", tagalong=folder / "tagalong")[0] == LINKED
    finally:
        shutil.rmtree(folder)


def test_a_launcher_of_wrap_is_looked_through(verdict, tmp_path):
    environment = clean_environment(tmp_path) | {"PATH": PATH}
    subprocess.run([TAGALONG, "wrap", "curl"], env=environment, check=True, capture_output=True)
    answer, report = verdict("curl", PATH=f"{tmp_path}/.local/bin:{PATH}")
    assert answer == LINKED and report["path"] == "/usr/bin/curl"


# The installation.


def state(doctor, **variables):
    done = doctor("--json", **variables)
    rows = {row["name"]: row for row in json.loads(done.stdout)["rows"]}
    return done.returncode, rows


def test_all_is_well(doctor, tmp_path):
    code, rows = state(doctor, XDG_RUNTIME_DIR=str(tmp_path))
    assert code == 0 and not [row for row in rows.values() if "fault" in row]
    assert rows["library"]["value"].startswith(str(ROOT / "build" / "libtagalong.so") + " (")
    assert rows["program"]["value"] == str(TAGALONG) and rows["glibc"]["value"].startswith("2.")
    assert rows["configuration"]["value"].startswith("none") and rows["relay"]["value"].startswith("loopback only")
    assert rows["socket"]["value"] == f"{tmp_path}/tagalong/context.sock" and rows["service"]["value"].startswith("not running")
    text = doctor(XDG_RUNTIME_DIR=str(tmp_path)).stdout
    assert all(name in text for name in rows)


def test_libraries_of_several_classes(verdict, doctor, tmp_path):
    """As Debian's packages install them; tests/packages has a system where the second class runs."""
    multiarch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True).stdout.strip()
    if not multiarch:
        pytest.skip("this system has no multiarch folders")
    usr = tmp_path / "usr"
    (usr / "bin").mkdir(parents=True)
    shutil.copy(TAGALONG, usr / "bin")
    library = usr / "lib" / multiarch / "tagalong" / "libtagalong.so"
    other = usr / "lib" / "i386-linux-gnu" / "tagalong" / "libtagalong.so"
    third = usr / "lib" / "none-linux-gnu" / "tagalong" / "libtagalong.so"
    for path in (library, other, third):
        path.parent.mkdir(parents=True)
    shutil.copy(ROOT / "build" / "libtagalong.so", library)
    shutil.copy(ROOT / "build" / "tagalong-tools", library.parent)

    def rows(**variables):
        done = doctor("--json", tagalong=usr / "bin" / "tagalong", XDG_RUNTIME_DIR=str(tmp_path), **variables)
        return [(row["name"], row["value"], row.get("fault")) for row in json.loads(done.stdout)["rows"]]

    alone = rows()
    assert [row[1].split(" (")[0] for row in alone if "library" in row[0]] == [str(library)]
    assert ("32-bit programs" in [row[0] for row in alone]) == Path("/lib/ld-linux.so.2").exists()
    compile_c(other, "int nothing;\n", "-shared", "-nostdlib", compiler="i686-linux-gnu-gcc")
    both = rows(LD_PRELOAD=f"{usr}/$LIB/tagalong/libtagalong.so")
    assert ("another library", f"{other} (i386, 32 bit)", None) in both
    assert "32-bit programs" not in [row[0] for row in both] and not [row for row in both if row[2]]
    third.write_text("")
    assert ("another library", str(third), "it is not an ELF library") in rows()


def test_what_is_set_is_told(doctor, tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{ "relays": [ { "match": ["https://*.corp.example"] }, { "preset": "helicone" } ] }')
    variables = {"TAGALONG_CONFIG": str(config), "TAGALONG_TASK_ID": "T-42", "XDG_RUNTIME_DIR": str(tmp_path)}
    text = doctor(**variables).stdout
    assert f"{config}, 2 rules" in text and "https://*.corp.example" in text and "preset helicone" in text
    assert "TAGALONG_TASK_ID" in text and "T-42" in text
    assert "10.0.0.7" in doctor(TAGALONG_RELAYS="http://10.0.0.7:*", XDG_RUNTIME_DIR=str(tmp_path)).stdout


def test_names_of_relays(doctor, tmp_path):
    """Addresses and patterns have no name to ask for; RFC 6761 keeps .invalid unknown for good."""
    grants.name_server()
    config = tmp_path / "config.json"
    config.write_text('{ "relays": [ { "match": ["https://b.invalid:8443", "https://LOCALHOST:1"] } ] }')
    relays = "http://localhost:*,a.invalid,10.0.0.7,[::1]:80,*.corp.invalid,*"
    variables = {"TAGALONG_CONFIG": str(config), "TAGALONG_RELAYS": relays, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = doctor("--json", **variables)
    rows = {row["value"]: row for row in json.loads(done.stdout)["rows"] if row["name"] == "relay"}
    assert {value: row.get("resolves") for value, row in rows.items()} == {
        "https://b.invalid:8443": False, "https://LOCALHOST:1": True, "http://localhost:*": True,
        "a.invalid": False, "10.0.0.7": None, "[::1]:80": None, "*.corp.invalid": None, "*": None,
    }
    assert done.returncode == 1
    for value, row in rows.items():
        assert ("fault" in row) == (row.get("resolves") is False)
    assert "b.invalid" in rows["https://b.invalid:8443"]["fault"] and "8443" not in rows["https://b.invalid:8443"]["fault"]
    text = doctor(**variables).stdout
    assert "http://localhost:* (its name resolves)\n" in text and "^ " + rows["a.invalid"]["fault"] in text
    assert doctor(TAGALONG_RELAYS="http://localhost:*", XDG_RUNTIME_DIR=str(tmp_path)).returncode == 0


SILENT = """
import os, socket, sys
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))
silent.set_inheritable(True)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.skipif(**grants.own_network)
def test_a_resolver_that_is_silent(tmp_path):
    """In a network whose only server for names answers nothing: doctor does not wait for it."""
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")
    nss = tmp_path / "nsswitch.conf"
    nss.write_text("hosts: dns\n")
    script = (f"mount --bind {conf} /etc/resolv.conf && mount --bind {nss} /etc/nsswitch.conf && ip link set lo up && "
              'exec /usr/bin/python3 -c "$0" "$@"')
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path),
                   "TAGALONG_RELAYS": "https://relay.invalid"}
    command = [*grants.UNSHARE, "--mount", "--net", "sh", "-c", script, SILENT, TAGALONG, "doctor", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20)
    faults = [row["fault"] for row in json.loads(done.stdout)["rows"] if "fault" in row]
    assert faults == ["DNS lookup of relay.invalid timed out after 2 s"]


@pytest.mark.parametrize("name, variables, words", [
    ("TAGALONG_OFF", {"TAGALONG_OFF": "1"}, "no request is tagged"),
    ("TAGALONG_PRESET", {"TAGALONG_PRESET": "nonsense"}, "unknown preset"),
    ("TAGALONG_RELAYS", {"TAGALONG_RELAYS": "https://a.example/v1"}, "a pattern"),
    ("socket", {"TAGALONG_SOCKET": "relative"}, "not an absolute path"),
    ("library", {"TAGALONG_LIB": "/nonexistent.so"}, "was not found beside"),
    ("library", {"TAGALONG_LIB": "/etc/passwd"}, "not an ELF library"),
    ("LD_PRELOAD", {"LD_PRELOAD": "/nonexistent/libtagalong.so"}, "no such file"),
    ("configuration", {"TAGALONG_CONFIG": "/nonexistent.json"}, "no such file"),
])
def test_faults(doctor, tmp_path, name, variables, words):
    done = doctor("--json", XDG_RUNTIME_DIR=str(tmp_path), **variables)
    faults = [row["fault"] for row in json.loads(done.stdout)["rows"] if row["name"] == name and "fault" in row]
    assert done.returncode == 1 and words in faults[0]


def test_bad_calls(doctor):
    for call in (["--nonsense"], ["curl", "x"], ["--probe"]):
        done = doctor(*call)
        assert done.returncode == 2 and done.stderr.startswith("tagalong doctor: ") and not done.stdout, call
    done = doctor("no-such-program")
    assert done.returncode == 3 and "no such program: no-such-program" in done.stderr
