#!/bin/sh
# SPDX-License-Identifier: MIT
# git.sh URL: clone, commit, push and fetch over http. URL leads to this folder (git_server.py).
set -eu
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.com GIT_AUTHOR_DATE='2026-01-01T00:00:00Z'
export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.com GIT_COMMITTER_DATE='2026-01-01T00:00:00Z'

rm -rf origin.git clone
git init -q --bare -b main origin.git
git -C origin.git config http.receivepack true
git clone -q "$1/origin.git" clone 2>&1
cd clone
git commit -q --allow-empty -m one
git -c http.extraHeader='Authorization: Bearer sk-test' push -q origin HEAD:main
git fetch origin 2>&1
git ls-remote origin
