#!/bin/sh
# SPDX-License-Identifier: MIT
# by_order.sh PROGRAM URL: three requests at once; what it prints is sorted, as they end in any order.
set -eu
"$1" "$2?1" "$2?2" "$2?3" >said 2>&1
sort said
cat 1.download 2.download 3.download
