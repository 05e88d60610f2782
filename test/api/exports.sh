#!/usr/bin/env bash
# exports.sh LIBRARY LIST: the library exports the symbols of the list and nothing else.
#
# A symbol that appears is API from then on: adding one means adding a line here, on purpose.
set -euo pipefail
export LC_ALL=C

nm -D --defined-only -- "$1" | sed -n 's/^[0-9a-f]* [A-Z] \(.*@@.*\)$/\1/p; t; s/^/unversioned: /p' |
    grep -v '^unversioned: [0-9a-f]* A RTSPREC_0' | sort |
    diff -u --label "$2" --label exported "$2" -
