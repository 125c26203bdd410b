# SPDX-License-Identifier: MIT
"""What this machine grants: containers and chroots often refuse namespaces, mounts, descriptors, name servers.

    @pytest.mark.skipif(**grants.pid_namespace)
    grants.descriptors(5000)            skips by that name

A reason that begins with REFUSED is no failure with CI=true (tests/run.py): the machine refuses it to root as well.
"""

import errno
import os
import resource
import socket
import subprocess

import pytest

REFUSED = "not granted here"
# Nor one that begins so: a gigabyte of programs, whose results are a table in docs/agents.md.
BY_HAND = "by hand alone"


# Namespaces of one's own: a user who is not root has them where he is root of a namespace of users.
UNSHARE = ["unshare"] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
CHROOT = [*(UNSHARE if os.geteuid() else []), "/usr/sbin/chroot"]


def granted(what, *command, to_root=True):
    """Arguments of skipif: whether the command goes well, and to_root, which only root may do."""
    if to_root and os.geteuid() != 0:
        return {"condition": True, "reason": f"only root has {what}"}
    try:
        refused = subprocess.run(command, capture_output=True, timeout=20).returncode != 0
    except (OSError, subprocess.TimeoutExpired):
        refused = True
    return {"condition": refused, "reason": f"{REFUSED}: {what}"}


pid_namespace = granted("pid namespaces", *UNSHARE, "--pid", "--fork", "--mount-proc", "true", to_root=False)
own_mounts = granted("mounts of one's own", *UNSHARE, "--mount", "mount", "-t", "tmpfs", "none", "/mnt", to_root=False)
chroot = granted("chroot", *CHROOT, "/", "true", to_root=False)
own_network = granted("networks of one's own", *UNSHARE, "--mount", "--net", "ip", "link", "set", "lo", "up", to_root=False)
networks = granted("network namespaces with a cable between them", *UNSHARE, "--net",
                   "ip", "link", "add", "cable0", "type", "veth", "peer", "name", "cable1", to_root=False)
mounts = granted("mounts", "unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt")
other_users = granted("other users", "setpriv", "--reuid", "65534", "--clear-groups", "true")
process_numbers = granted("process numbers of its choice", "sh", "-c", "echo $$ >/proc/sys/kernel/ns_last_pid")


def format_of(program, what):
    """A kernel may be built or started without 32-bit programs."""
    try:
        subprocess.run([program], capture_output=True, timeout=20)
    except OSError as error:
        if error.errno == errno.ENOEXEC:
            pytest.skip(f"{REFUSED}: {what}")


def descriptors(wanted):
    """Raises the limit as far as that goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))  # root may
            return
        except (OSError, ValueError):
            pytest.skip(f"{REFUSED}: {wanted} descriptors, only {hard}")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def name_server():
    """Whether somebody says that a name is unknown."""
    try:
        socket.getaddrinfo("a.invalid", 80)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            pytest.skip(f"{REFUSED}: a name server")
