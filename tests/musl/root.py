# SPDX-License-Identifier: MIT
"""A folder that is a small system with musl as its libc: busybox and curl from Debian's sources, by musl-gcc.

Made once, in build/musl (some minutes; nothing of it is shipped). curl has plain HTTP alone. What cannot
be had (no musl-gcc, no sources, no right to chroot) is a skip that says so.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import grants

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests" / "packages"))

from chroot import Impossible, mirror, release as distribution  # noqa: E402

WORK = ROOT / "build" / "musl"
LIBRARY = Path(os.environ.get("TAGALONG_BUILD", ROOT / "build")) / "libtagalong.so"
LOADER = Path(f"/lib/ld-musl-{os.uname().machine}.so.1")
APPLETS = "ASH SH_IS_ASH CAT ECHO ENV LS SEQ SLEEP SORT TRUE WC FEATURE_SH_MATH ASH_ECHO ASH_TEST".split()
CURL = """--prefix=/usr --enable-shared --disable-static --without-ssl --without-zlib --without-brotli --without-zstd
    --without-libpsl --without-nghttp2 --without-libidn2 --without-librtmp --disable-ldap --disable-manual --disable-ftp
    --disable-file --disable-dict --disable-telnet --disable-tftp --disable-pop3 --disable-imap --disable-smb
    --disable-smtp --disable-gopher --disable-mqtt --disable-rtsp""".split()


def shell(script, folder, what="curl and busybox by musl-gcc"):
    with open(folder / "log", "a") as log:
        done = subprocess.run(["sh", "-ec", script], cwd=folder, stdout=log, stderr=log, check=False)
    if done.returncode:
        pytest.skip(f"cannot be had here: {what}, see {folder}/log")


def apt(kind, folder, *options, release=None):
    """apt with lists of its own, in this folder: "deb" for packages, "deb-src" for sources."""
    keys = f"/usr/share/keyrings/{distribution()[0]}-archive-keyring.gpg"
    codename, archive, components, _ = mirror()
    codename = release or codename
    for name in ("lists", "cache/archives"):
        (folder / name / "partial").mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(f"{kind} [signed-by={keys}] {archive} {codename} {' '.join(components)}\n")
    places = {"Etc::SourceList": "sources.list", "State::Lists": "lists", "Cache": "cache", "State::status": "status"}
    return " ".join(["apt-get -o APT::Sandbox::User=root -o Dir::Etc::SourceParts=/dev/null", *options,
                     *(f"-o Dir::{name}={folder}/{place}" for name, place in places.items())])


def fetch():
    """Unpacks the sources of both."""
    sources = apt("deb-src", WORK)
    shell(f"{sources} update; {sources} source --download-only --tar-only curl busybox", WORK,
          "the sources of curl and busybox by this machine's mirror")
    for name in ("curl", "busybox"):
        (WORK / name).mkdir()
        shell(f"tar xf $(ls ../{name}_*.orig.tar.*) --strip-components=1", WORK / name)


def build():
    shell(f"./configure -q CC=musl-gcc {' '.join(CURL)} && make -j2", WORK / "curl")
    switches = "; ".join(f"sed -i 's/# CONFIG_{name} is not set/CONFIG_{name}=y/' .config" for name in APPLETS)
    shell(f"make allnoconfig; {switches}; yes '' | make oldconfig; make -j2 CC=musl-gcc", WORK / "busybox")


def make_root():
    """The root's folder; one worker makes it, the others wait."""
    WORK.parent.mkdir(exist_ok=True)
    with open(WORK.parent / "musl.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return make_root_alone()
        except Impossible as reason:
            pytest.skip(str(reason))


def make_root_alone():
    for program in ("musl-gcc", "apt-get"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    if grants.chroot["condition"]:
        pytest.skip(grants.chroot["reason"])
    root = WORK / "root"
    if not (root / "bin" / "curl").exists():
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        fetch()
        build()
        for folder in ("bin", "lib", "usr/lib", "tmp", "run", "dev"):
            (root / folder).mkdir(parents=True)
        shutil.copy(LOADER.resolve(), root / "lib" / LOADER.name)
        shutil.copy(WORK / "curl/lib/.libs/libcurl.so.4", root / "usr/lib/libcurl.so.4")
        shutil.copy(WORK / "busybox/busybox", root / "bin/busybox")
        for applet in ("sh", "cat", "env", "ls", "seq", "sleep", "sort", "true", "wc"):
            (root / "bin" / applet).symlink_to("busybox")
        shutil.copy(WORK / "curl/src/.libs/curl", root / "bin/curl")
    # Under its name at once: another worker may be running programs with it.
    shutil.copy(LIBRARY, root / "lib/libtagalong.so.new")
    (root / "lib/libtagalong.so.new").rename(root / "lib/libtagalong.so")
    return root


def compile_host(root, name, source, *options):
    """Its path in the root; two workers may make and run the same."""
    own = root / "tmp" / f"{name}-{os.getpid()}"
    path = own.with_name(own.name + ".c")
    path.write_text(source)
    include = f"-I{WORK}/curl/include"
    subprocess.run(["musl-gcc", "-O1", "-w", include, "-o", own, path, *options], check=True)
    own.rename(root / "tmp" / name)
    return f"/tmp/{name}"


def foreign(architecture, triplet, release=None):
    """musl of another machine, or another release's, unpacked: the folder, and in it (not of bullseye) specs by which
    that machine's gcc compiles for it."""
    root = WORK.parent / f"musl-{architecture}-{release or 'own'}"
    root.mkdir(parents=True, exist_ok=True)
    with open(root / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (root / "unpacked").exists():
            return root
        try:
            architectures = f"-o APT::Architecture={architecture} -o APT::Architectures={architecture}"
            packages = apt("deb", root, architectures, release=release)
        except Impossible as reason:
            pytest.skip(str(reason))
        below = f"usr/lib/{triplet}"
        shell(f"""{packages} update; {packages} download musl musl-dev
              for package in *.deb; do dpkg -x $package .; done
              [ -e lib ] || ln -s usr/lib lib # with a merged /usr
              [ -e {below}/libc.so ] || cp lib/{triplet}/libc.so {below}
              for specs in $(find usr/lib -name musl-gcc.specs); do sed 's,/usr/,{root}/usr/,g' $specs > specs; done
              touch unpacked""", root, "musl of another release or machine by this machine's mirror")
    return root
