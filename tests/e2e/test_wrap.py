# SPDX-License-Identifier: MIT
"""tagalong wrap and unwrap: a launcher in front of a program, and exactly that taken back."""

import shutil
import subprocess
from pathlib import Path

import pytest

from commands import BODY, CHAT
from conftest import ROOT, clean_environment

TAGALONG = ROOT / "build" / "tagalong"


class Home:
    """A home folder; PATH has its .local/bin ahead, then a folder of made programs, then the system's."""

    def __init__(self, folder):
        self.folder = folder
        self.bin = folder / ".local" / "bin"
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.path = f"{self.bin}:{self.programs}:/usr/bin:/bin"

    def run(self, *command, **variables):
        environment = clean_environment(self.folder) | {"PATH": self.path} | variables
        return subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=self.folder,
                              env=environment, timeout=30)

    def tagalong(self, *arguments, **variables):
        return self.run(TAGALONG, *arguments, **variables)

    def wrap(self, *arguments, **variables):
        done = self.tagalong("wrap", "--no-service", *arguments, **variables)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def program(self, name, text, folder=None):
        path = (folder or self.programs) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def files(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if not path.is_dir())


SHOW = '#!/bin/sh\nprintf "%s|" "$TAGALONG_TASK_ID" "${LD_PRELOAD##*/}" "$0" "$@"\n'
TAGGED = "T-1|libtagalong.so|"


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def test_a_request_is_tagged(home, relay):
    out = home.wrap("--task", "T 42", "--preset", "generic", "--relay", f"http://127.0.0.1:{relay.port}", "curl")
    assert f"launcher: {home.bin}/curl\n" in out and "PATH" not in out
    relay.reset()
    done = home.run("sh", "-c", 'curl -sS "$1" -d "$2"', "sh", relay.url + CHAT, BODY)
    assert done.returncode == 0 and done.stderr == ""
    assert relay.requests[0].value("X-Task-Id") == "T 42"
    assert relay.requests[0].body == BODY.encode()
    assert home.tagalong("unwrap", "curl").stdout == f"removed {home.bin}/curl\n"
    assert home.files() == []


def test_a_launcher_is_readable(home):
    home.program("client", SHOW)
    home.wrap("client")
    text = (home.bin / "client").read_text()
    assert len(text.splitlines()) < 40 and max(map(len, text.splitlines())) < 100
    assert text.splitlines()[-1] == 'exec "$tw_tagalong" run --no-service -- "$tw_real" "$@"'
    assert subprocess.run(["sh", "-n", home.bin / "client"]).returncode == 0
    assert subprocess.run(["shellcheck", "-S", "warning", home.bin / "client"]).returncode in (0, 127) \
        if shutil.which("shellcheck") else True
    assert (home.bin / "client").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_arguments_and_values_of_any_text(home, shell):
    program = home.program("client", SHOW)
    home.wrap("--task", "it's; $(touch evil) \"x\" \\", "--set", "user_id=`id` *", "client")
    arguments = ["a b", "", "it's", '"', "$HOME", "*", "-x", "--", "ä"]
    done = home.run(shell, home.bin / "client", *arguments)
    assert done.stdout == "it's; $(touch evil) \"x\" \\|libtagalong.so|" + "|".join([str(program), *arguments]) + "|"
    assert not (home.folder / "evil").exists()


def test_the_environment_is_the_programs(home):
    """The launcher's own variables do not get through, those of the user are as they were."""
    home.program("client", "#!/bin/sh\nenv\n")
    home.wrap("--task", "T-1", "client")
    given = {"name": "n", "real": "r", "file": "f", "rest": "", "line": "l", "folder": "x", "IFS": ",", "tagalong": "t"}

    def seen(command):
        lines = set(home.run(command, **given).stdout.splitlines())
        ours = ("_=", "LD_PRELOAD=", "NODE_OPTIONS=", "PYTHONPATH=", "BUN_OPTIONS=", "ASAN_OPTIONS=", "TAGALONG_")
        return {line for line in lines if not line.startswith(ours)}

    assert seen("client") == seen(home.programs / "client")


@pytest.mark.parametrize("name", ["with space", "it's", "a$b", "back\\slash", "ünï", "-dash", "star*"])
def test_odd_names(home, name):
    program = home.program(name, SHOW)
    home.wrap("--task", "T-1", "--", name)
    assert home.run(home.bin / name, "x").stdout == f"{TAGGED}{program}|x|"
    assert home.tagalong("unwrap", "--", name).returncode == 0
    assert home.files() == [f"programs/{name}"]


def test_a_program_of_a_path(home):
    """Not in PATH: the file is written down, and another of the name in PATH serves when it is gone."""
    program = home.program("client", SHOW, home.folder / "opt" / "odd path's")
    for asked in (program, program.relative_to(home.folder)):
        home.wrap("--task", "T-1", asked)
        assert home.run("client", "x").stdout == f"{TAGGED}{program}|x|"
    other = home.program("client", SHOW)
    assert home.run("client").stdout == f"{TAGGED}{program}|"
    program.unlink()
    assert home.run("client").stdout == f"{TAGGED}{other}|"
    other.unlink()
    done = home.run("client")
    assert done.returncode == 127 and done.stderr == "client: no such program in PATH\n"


def test_after_an_upgrade(home):
    home.program("client", SHOW)
    home.wrap("--task", "T-1", "client")
    moved = home.program("client", SHOW, home.folder / "newer")
    (home.programs / "client").unlink()
    home.path = f"{home.bin}:/nonexistent::{home.programs}:{home.folder}/newer:/usr/bin:/bin"
    assert home.run("client").stdout == f"{TAGGED}{moved}|"


def test_without_tagalong_it_is_the_program(home):
    program = home.program("client", SHOW)
    copy = home.folder / "copy" / "tagalong"
    copy.parent.mkdir()
    shutil.copy(TAGALONG, copy)
    shutil.copy(ROOT / "build" / "tagalong-tools", copy.parent)
    done = home.run(copy, "wrap", "--no-service", "--task", "T-1", "client", TAGALONG_LIB=str(ROOT / "build" / "libtagalong.so"))
    assert done.returncode == 0
    copy.unlink()
    assert home.run("client", "a b").stdout == f"||{program}|a b|"
    # Another installation serves as well.
    home.program("tagalong", f'#!/bin/sh\nexec {TAGALONG} "$@"\n')
    assert home.run("client").stdout.startswith("T-1|libtagalong.so|")


def test_wrapped_twice(home):
    """Again with other options, and into two folders: neither launcher starts the other."""
    program = home.program("client", SHOW)
    home.wrap("--task", "T-0", "client")
    home.wrap("--task", "T-1", "client")
    second = home.folder / "second bin"
    home.wrap("--task", "T-2", "--bin-dir", second, "client")
    home.path = f"{home.bin}:{second}:{home.bin}:{home.programs}:/usr/bin:/bin"
    assert home.run("client").stdout == f"{TAGGED}{program}|"
    home.path = f"{second}:{home.bin}:{second}:{home.programs}:/usr/bin:/bin"
    assert home.run("client").stdout == f"T-2|libtagalong.so|{program}|"
    home.wrap("--task", "T-3", home.bin / "client")
    assert home.run(home.bin / "client").stdout == f"T-3|libtagalong.so|{program}|"
    assert home.tagalong("unwrap", "--bin-dir", second, "client").returncode == 0
    assert home.run("client").stdout == f"T-3|libtagalong.so|{program}|"


def test_a_multi_call_program_keeps_its_name(home):
    """busybox, coreutils --coreutils-prog, and the alternatives system go by argv[0]."""
    busybox = home.programs / "busybox"
    shutil.copy("/bin/busybox", busybox)
    for applet in ("echo", "basename"):
        (home.programs / applet).symlink_to("busybox")
    home.path = f"{home.bin}:{home.programs}"
    for applet, arguments, output in (("echo", ["a b", "-n"], "a b -n\n"), ("basename", ["/x/y"], "y\n")):
        home.wrap("--task", "T-1", applet)
        assert home.run("/bin/sh", "-c", f'{applet} "$@"', "sh", *arguments).stdout == output
    link = home.folder / "elsewhere" / "basename"
    link.parent.mkdir()
    link.symlink_to(busybox)
    home.wrap(link)
    assert home.run(home.bin / "basename", "/x/z").stdout == "z\n"


def test_scripts(home):
    """Another interpreter, none at all (the shell's own rule), and no right to read."""
    home.program("python", "#!/usr/bin/python3\nimport os, sys\nprint(os.environ['TAGALONG_TASK_ID'], sys.argv[1:])\n")
    home.program("plain", 'echo "$TAGALONG_TASK_ID" "$@"\n')
    for name, output in (("python", "T-1 ['a b']\n"), ("plain", "T-1 a b\n")):
        home.wrap("--task", "T-1", name)
        assert home.run(name, "a b").stdout == output
    shutil.copy("/bin/true", home.programs / "secret")
    (home.programs / "secret").chmod(0o111)
    home.wrap("secret")
    assert home.run("secret").returncode == 0


def test_exit_codes_and_signals_are_the_programs(home):
    home.program("client", '#!/bin/sh\n[ "$1" ] && exit "$1"\nkill -TERM $$\n')
    home.wrap("client")
    assert home.run("client", "42").returncode == 42 and home.run("client").returncode == -15


def test_an_appimage_is_told_apart(home):
    image = home.programs / "client"
    data = bytearray(Path("/bin/true").read_bytes())
    data[8:11] = b"AI\x02"
    image.write_bytes(data)
    image.chmod(0o755)
    done = home.tagalong("wrap", "client")
    assert done.returncode == 1 and "is an AppImage" in done.stderr and "--appimage-extract" in done.stderr
    assert home.files() == ["programs/client"]


def foreign(kind, home):
    place = home.bin / "client"
    home.bin.mkdir(parents=True)
    if kind == "file":
        place.write_text("mine")
    elif kind == "program":
        home.program("client", SHOW, home.bin)
    elif kind == "folder":
        place.mkdir()
    elif kind == "dangling symlink":
        place.symlink_to("nowhere")
    elif kind == "symlink to a launcher":
        home.wrap("--bin-dir", home.folder / "other", "client")
        place.symlink_to(home.folder / "other" / "client")
    elif kind == "text that names it":
        place.write_text("# Launcher made by tagalong wrap\n")
    return place


@pytest.mark.parametrize("kind", ["file", "program", "folder", "dangling symlink", "symlink to a launcher", "text that names it"])
def test_nothing_foreign_is_overwritten_or_removed(home, kind):
    home.program("client", SHOW)
    place = foreign(kind, home)
    before = home.files(), place.is_symlink(), place.read_bytes() if place.is_file() else b""
    done = home.tagalong("wrap", "client")
    assert done.returncode == 1 and str(place) in done.stderr
    done = home.tagalong("unwrap", "client")
    assert done.returncode == 1 and "is not a launcher" in done.stderr
    assert before == (home.files(), place.is_symlink(), place.read_bytes() if place.is_file() else b"")


def test_path_is_told(home):
    program = home.program("client", SHOW)
    home.path = f"{home.programs}:{home.bin}:/usr/bin:/bin"
    out = home.wrap("client")
    assert f'{home.bin} does not come first in PATH: "client" still starts {program}' in out
    assert f'export PATH="{home.bin}:$PATH"' in out


def test_list(home):
    assert home.tagalong("wrap", "--list").stdout == ""
    home.program("client", SHOW)
    gone = home.program("gone", SHOW)
    home.wrap("--task", "a b", "--relay", "https://relay.example.com", "client")
    home.wrap(gone)
    gone.unlink()
    (home.bin / "mine").write_text("mine")
    rows = home.tagalong("wrap", "--list").stdout.splitlines()
    assert [row.split(maxsplit=1)[0] for row in rows] == ["client", "gone"]
    assert f"{home.programs}/client" in rows[0]
    assert rows[0].endswith("--no-service --task 'a b' --relay 'https://relay.example.com' ")
    assert "(missing)" in rows[1]


ENTRY = """[Desktop Entry]
Type=Application
Name=Client
Exec={exec} --flag "two words" %U
TryExec=client
DBusActivatable=true
Icon=client
Categories=Utility;
Actions=new;

[Desktop Action new]
Name=New
Exec={exec} --new
"""


@pytest.mark.parametrize("bin_dir", ["bin", "my $bin 100%"])
def test_desktop_entry(home, bin_dir):
    program = home.program("client", SHOW)
    share = home.folder / "share" / "applications"
    share.mkdir(parents=True)
    for name, what in (("client", "client"), ("path", program), ("quoted", f'"{program}"'), ("other", "client2")):
        (share / f"org.{name}.desktop").write_text(ENTRY.format(exec=what))
    own = home.folder / ".local" / "share" / "applications"
    own.mkdir(parents=True)
    (own / "org.path.desktop").write_text("[Desktop Entry]\n# my own\n")
    before = home.files()
    folder = home.folder / bin_dir
    variables = {"XDG_DATA_DIRS": f"{share.parent}:relative"}
    done = home.tagalong("wrap", "--no-service", "--task", "T-1", "--bin-dir", folder, "client", **variables)
    assert done.returncode == 0 and "org.path.desktop was not changed" in done.stderr
    assert sorted(path.name for path in own.iterdir()) == ["org.client.desktop", "org.path.desktop", "org.quoted.desktop"]
    for name in ("org.client.desktop", "org.quoted.desktop"):
        copy = own / name
        text = copy.read_text()
        assert "DBusActivatable" not in text and "TryExec=client" in text and 'two words" %U' in text
        check = subprocess.run(["desktop-file-validate", copy], capture_output=True, text=True)
        assert (check.returncode, check.stdout) == (0, ""), check
        place = str(folder).replace("$", "\\\\$").replace("%", "%%") + "/client"
        assert len([line for line in text.splitlines() if line.startswith("Exec=") and place in line]) == 2
    # As the specification has it: unescape the string, then take the quotes off.
    (line,) = [line for line in (own / "org.client.desktop").read_text().splitlines() if line.endswith("%U")]
    done = home.run("sh", "-c", line.removeprefix("Exec=").replace("\\\\", "\\").replace("%%", "%"))
    assert done.stdout == f"{TAGGED}{program}|--flag|two words|%U|"
    home.tagalong("wrap", "--no-service", "--bin-dir", folder, "client", **variables)  # again: its own is written anew
    assert home.tagalong("unwrap", "--bin-dir", folder, "client", **variables).returncode == 0
    assert home.files() == before


def test_bad_calls(home):
    home.program("client", SHOW)
    for call in (["wrap"], ["wrap", "client", "x"], ["wrap", "--list", "client"], ["wrap", "--nonsense", "client"],
                 ["wrap", "--task", "a\nb", "client"], ["wrap", "--preset", "nonsense", "client"], ["wrap", "a\nb"],
                 ["wrap", "client/"], ["wrap", "--bin-dir"], ["unwrap"], ["unwrap", "a", "b"], ["unwrap", "--list"]):
        done = home.tagalong(*call)
        assert done.returncode == 2 and done.stderr and not done.stdout, call
    for name in ("no-such-program", "./client", "tagalong"):
        done = home.tagalong("wrap", name, PATH=f"{home.path}:{TAGALONG.parent}")
        assert done.returncode == 1 and done.stderr, name
    assert home.tagalong("wrap", "client", HOME="relative").returncode == 2
    assert home.files() == ["programs/client"]
