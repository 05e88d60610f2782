#!/usr/bin/env bash
# installed.sh: an installed copy, moved to another place, serves programs of a separate project:
# through find_package() and through pkg-config, in C and in C++, and the examples as they are.
#
# Environment: CMAKE, BUILD_DIRECTORY, SOURCE_DIRECTORY, LIBDIR (relative), CC, CXX, VERSION, and
# SANITIZE, which is empty or what the library was built with.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

"$CMAKE" --install "$BUILD_DIRECTORY" --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/prefix"
prefix=$work/prefix
flags=()
[[ -z ${SANITIZE-} ]] || flags=("-fsanitize=$SANITIZE")
export CFLAGS="${flags[*]}" CXXFLAGS="${flags[*]}" LDFLAGS="${flags[*]}"

echo '-- find_package'
consumer=$SOURCE_DIRECTORY/test/api/consumer
"$CMAKE" -S "$consumer" -B "$work/consumer" -G Ninja -DWANTED="$VERSION" \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" >/dev/null
"$CMAKE" --build "$work/consumer" >/dev/null
"$work/consumer/consumer_c" "$VERSION"
"$work/consumer/consumer_cxx" "$VERSION"
if "$CMAKE" -S "$consumer" -B "$work/newer" -G Ninja -DWANTED=0.999 \
    -DCMAKE_PREFIX_PATH="$prefix" >/dev/null 2>&1; then
    echo 'find_package accepted a version that this one cannot serve' >&2
    exit 1
fi

echo '-- pkg-config'
# No other directory is searched: a requirement on FFmpeg's development files would fail here.
export PKG_CONFIG_LIBDIR=$prefix/$LIBDIR/pkgconfig
[[ $(pkg-config --modversion rtsprec) == "$VERSION" ]]
read -ra found < <(pkg-config --cflags --libs rtsprec)
export LD_LIBRARY_PATH=$prefix/$LIBDIR
strict=(-Wall -Wextra -Werror -pedantic "${flags[@]}")
"$CC" -std=c11 "${strict[@]}" "$consumer/consumer.c" "${found[@]}" -o "$work/c"
"$CXX" -std=c++17 "${strict[@]}" "$consumer/consumer.cpp" "${found[@]}" -o "$work/cxx"
"$work/c" "$VERSION"
"$work/cxx" "$VERSION"

echo '-- examples'
for example in "$prefix"/share/doc/rtsprec/examples/*.c; do
    "$CC" -std=c11 "${strict[@]}" "$example" "${found[@]}" -pthread -o "$work/example"
    status=0
    "$work/example" 2>"$work/usage" || status=$?
    ((status == 64)) && grep -q '^usage: ' "$work/usage"
done

echo '-- daemon'
unset LD_LIBRARY_PATH
"$prefix/bin/rtsprecd" --version
