# SPDX-License-Identifier: MIT
"""A clean system of this machine's own release, by debootstrap from the mirror that apt uses here.

    with Chroot() as system:
        system.run("apt-get", "install", "-y", "curl")
        host = system.start("curl", "...")       # Popen; it ends with the system

    with Chroot(older) as system:                # the release with glibc 2.31, with what OLDER_HAS

What debootstrap makes is kept in build/packages, and so is what apt has downloaded; each Chroot is a copy.
Every command has mounts and process ids of its own, which go with it, whatever happens to the tests.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import grants

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("TAGALONG_BUILD", ROOT / "build")) / "packages"
ARCHIVES = BUILD / "archives"
SECONDS = 120  # of one command; a download may be slow
DEBOOTSTRAP_SECONDS = 600
OLDER = {"debian": "bullseye", "ubuntu": "focal"}  # the releases with glibc 2.31
OLDER_HAS = "curl,python3-pycurl"
# $0 is the folder of the system. The downloads are mounted into it; apt keeps them where it always does.
ENTER = """
mount --make-rprivate / && mount -t proc proc "$0/proc" &&
mount --bind {archives} "$0/var/cache/apt/archives" && exec chroot "$0" "$@"
"""
ALONE = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"]


class Impossible(Exception):
    """No clean system can be had here; the text says why."""


def obstacle():
    if grants.mounts["condition"]:
        return grants.mounts["reason"]
    for tool in ("debootstrap", "apt-get"):
        if not shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            return f"there is no {tool}: scripts/install-deps packages"
    return None


def release():
    """(distribution, codename)"""
    rows = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return rows["ID"].strip('"'), rows["VERSION_CODENAME"].strip('"')


def mirror():
    """(codename, URI, components, architecture): what apt has of this release's own archive."""
    _, codename = release()
    form = "$(CODENAME) $(REPO_URI) $(COMPONENT)"
    told = subprocess.run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"],
                          capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in told.splitlines() if line.startswith(codename + " ")]
    # Others may have a suite of that name; only the release's own has all that is essential.
    own = [row for row in rows if row[2] == "main"]
    if not own:
        raise Impossible(f"apt knows no archive of {codename}")
    components = sorted({row[2] for row in rows if row[1] == own[0][1]} & {"main", "universe"})
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    return codename, own[0][1], components, architecture.stdout.strip()


def environment():
    """Of apt and debootstrap; the proxy that apt is configured with counts for both."""
    told = subprocess.run(["apt-config", "shell", "proxy", "Acquire::http::Proxy"], capture_output=True, text=True)
    proxy = told.stdout.partition("=")[2].strip().strip("'")
    kept = {name: os.environ[name] for name in ("http_proxy", "https_proxy", "no_proxy") if name in os.environ}
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        **({"http_proxy": proxy} if proxy else {}),
        **kept,
    }


def base():
    """The folder of the system as debootstrap leaves it, less what it has downloaded."""
    codename, uri, components, architecture = mirror()
    whole = BUILD / f"base-{codename}-{architecture}"
    if whole.is_dir():
        return whole
    partial = BUILD / "base.partial"
    shutil.rmtree(partial, ignore_errors=True)
    debootstrap(f"--components={','.join(components)}", codename, partial, uri)
    for package in (partial / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()
    partial.rename(whole)
    return whole


def debootstrap(*words):
    command = [*ALONE, "debootstrap", "--variant=minbase", *words]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=DEBOOTSTRAP_SECONDS)
    if done.returncode != 0:
        raise Impossible(f"debootstrap: {done.stdout[-1000:]}{done.stderr[-1000:]}")


def older():
    """The folder of an older system: unpacked and not configured, which curl and Python do without."""
    codename = OLDER.get(release()[0])
    if not codename:
        raise Impossible("it is not known which release of this system has glibc 2.31")
    _, uri, _, architecture = mirror()
    whole, partial = BUILD / f"older-{codename}-{architecture}", BUILD / "older.partial"
    if whole.is_dir():
        return whole
    shutil.rmtree(partial, ignore_errors=True)
    debootstrap("--download-only", f"--include={OLDER_HAS}", codename, partial, uri)
    for package in (partial / "var/cache/apt/archives").glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, partial], check=True)
        package.unlink()
    partial.rename(whole)
    return whole


class Chroot:
    def __init__(self, make=base):
        self._make = make

    def __enter__(self):
        ARCHIVES.mkdir(parents=True, exist_ok=True)
        self._started = []
        with open(BUILD / f"{self._make.__name__}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            whole = self._make()
        self.root = Path(tempfile.mkdtemp(prefix="system-", dir=BUILD))
        self.root.chmod(0o755)
        try:
            subprocess.run(["cp", "-a", f"{whole}/.", self.root], check=True)
            shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self._started:
            process.kill()
            process.communicate()
        shutil.rmtree(self.root)

    def _command(self, words):
        return [*ALONE, "sh", "-c", ENTER.format(archives=ARCHIVES), self.root, *words]

    def run(self, *words, check=True, **variables):
        done = subprocess.run(self._command(words), env=environment() | variables, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=SECONDS)
        assert not check or done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-2000:])
        return done

    def start(self, *words, **variables):
        command = ["setpriv", "--pdeathsig", "KILL", *self._command(words)]
        process = subprocess.Popen(command, env=environment() | variables, text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._started.append(process)
        return process

    def apt(self, *words, **how):
        """One at a time: of several systems, each locks the downloads that they share, and none waits."""
        with open(BUILD / "archives.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self.run("apt-get", "-y", *words, **how)

    def install(self, *packages):
        """By apt, which may know of packages that the mirror has replaced since."""
        command = ["install", "--no-install-recommends", *packages]
        if self.apt(*command, check=False).returncode != 0:
            self.apt("update")
            self.apt(*command)

    def files(self):
        """All that is there, less what apt and dpkg keep for themselves."""
        own = ("proc/", "var/lib/apt", "var/lib/dpkg", "var/cache/apt", "var/cache/debconf", "var/log/apt",
               "var/log/dpkg.log", "var/cache/ldconfig")
        found = {str(path.relative_to(self.root)) for path in self.root.rglob("*")}
        return {path for path in found if not path.startswith(own)}


def main_process(process):
    """What a Popen of start() has become: the only child of unshare."""
    (pid,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(pid)
