# SPDX-License-Identifier: MIT
"""What the packages of the commands have below their prefix. {lib} is the folder of the library."""

COMMANDS = {
    "bin/tagalong",
    "bin/tagalong-run",
    "{lib}/tagalong/tagalong-tools",
    "{lib}/tagalong/hooks/kilo/tagalong.js",
    "{lib}/tagalong/hooks/node/tagalong.cjs",
    "{lib}/tagalong/hooks/python/hook.py",
    "{lib}/tagalong/hooks/python/sitecustomize.py",
    "lib/systemd/user/tagalong.service",
    "lib/systemd/user/tagalong.socket",
    "share/bash-completion/completions/tagalong",
    "{zsh}/_tagalong",
    "share/fish/vendor_completions.d/tagalong.fish",
    "share/man/man1/tagalong.1{gz}",
    "share/man/man1/tagalong-run.1{gz}",
    "share/man/man5/tagalong.json.5{gz}",
    "share/man/man7/libtagalong.7{gz}",
    "share/man/man7/tagalong-protocol.7{gz}",
}


def commands(lib, zsh, gz=""):
    return {name.format(lib=lib, zsh=zsh, gz=gz) for name in COMMANDS}


def library(lib):
    return {f"{lib}/tagalong/libtagalong.so"}


def mode(name):
    """As ls has it."""
    if "/tagalong-run.1" in name:
        return "lrwxrwxrwx"
    return "-rwxr-xr-x" if name.startswith("bin/") or name.endswith("/tagalong-tools") else "-rw-r--r--"
