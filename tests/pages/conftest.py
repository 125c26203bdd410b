# SPDX-License-Identifier: MIT
"""A context service with a scope in it, and the terminals of the shells."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "service"))

from serving import BUILD, Service  # noqa: E402
from terminal import COMPLETIONS, start  # noqa: E402


@pytest.fixture(scope="session")
def service():
    service = Service().start()
    with service.connect() as peer:
        peer.op("open", scope={"name": "night/build:7"})
    yield service
    service.release()


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A folder to complete in, with one file, one folder and one launcher; bash finds the completions in
    it by itself."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "requests.jsonl").touch()
    (folder / "launchers").mkdir()
    (folder / "d" / "bash-completion" / "completions").mkdir(parents=True)
    (folder / "d" / "bash-completion" / "completions" / "tagalong").symlink_to(COMPLETIONS / "tagalong.bash")
    launcher = folder / ".local" / "bin" / "wrapped-client"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    program = folder / "wrapped-client"
    shutil.copy("/bin/true", program)
    subprocess.run([BUILD / "tagalong", "wrap", program], env=environment, check=True, capture_output=True)
    program.unlink()
    assert launcher.exists()
    return folder


@pytest.fixture(scope="session")
def environment(service, home):
    """Nothing of the user's: fish makes its folders where it is told to."""
    config, data, cache = home / "c", home / "d", home / "k"
    return service.environment(PATH=f"{BUILD}:/usr/bin:/bin", HOME=str(home), ZDOTDIR=str(home), TERM="dumb",
                               XDG_CONFIG_HOME=str(config), XDG_DATA_HOME=str(data), XDG_CACHE_HOME=str(cache))


@pytest.fixture(scope="module")
def bash(environment, home):
    terminal = start("bash", environment, home)
    yield terminal.complete
    terminal.close()


@pytest.fixture(scope="module")
def zsh(environment, home):
    terminal = start("zsh", environment, home)
    yield terminal.complete
    terminal.close()


@pytest.fixture
def fish(environment, home):
    """The same by fish's own interface: the one candidate, put in the place of the last word."""

    def fish(line):
        script = 'source $argv[1]; complete -C "$argv[2]"'
        done = subprocess.run(["fish", "-N", "-c", script, COMPLETIONS / "tagalong.fish", line],
                              env=environment, cwd=home, capture_output=True, text=True, timeout=20)
        assert done.returncode == 0 and not done.stderr, done.stderr
        candidates = [row.split("\t")[0] for row in done.stdout.splitlines()]
        return candidates

    return fish


@pytest.fixture
def broken(tmp_path):
    """An environment in which tagalong is what `script` says."""

    def broken(environment, script):
        program = tmp_path / "tagalong"
        program.write_text(script)
        program.chmod(0o755)
        return environment | {"PATH": f"{tmp_path}:/usr/bin:/bin"}

    return broken
