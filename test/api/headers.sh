#!/usr/bin/env bash
# headers.sh INCLUDE-DIRECTORY CC CXX: every public header compiles alone, in C11 and in C++17,
# and shows nothing of the libraries that the implementation uses.
set -euo pipefail

include=$1 cc=$2 cxx=$3
flags=(-I "$include" -pedantic -Wall -Wextra -Wshadow -Wundef -Werror -fsyntax-only)
status=0

for path in "$include"/rtsprec/*.h; do
    header=rtsprec/${path##*/}
    # Twice, for the include guard.
    text="#include <$header>"$'\n'"#include <$header>"$'\n'"int translation_unit;"
    "$cc" -std=c11 "${flags[@]}" -x c - <<<"$text" || status=1
    "$cxx" -std=c++17 "${flags[@]}" -x c++ - <<<"$text" || status=1

    if grep -nE '^ *# *include' "$path" |
        grep -vE '<(rtsprec/[a-z]+|stdbool|stddef|stdint|stdio|stdarg)\.h>'; then
        echo "$header: includes more than the standard library and the API" >&2
        status=1
    fi
    if grep -nE '\b(AV[A-Z][A-Za-z]+|av_[a-z]+|json_t|json_[a-z]+|sqlite3)\b' "$path" |
        grep -v 'av_log_set_callback'; then
        echo "$header: names something of another library" >&2
        status=1
    fi
done
exit "$status"
