# SPDX-License-Identifier: MIT
for body in 1 2 3; do curl -sS "$1" -d "@$body.json"; done
