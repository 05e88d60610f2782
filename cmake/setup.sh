# shellcheck shell=bash
# What ./start and ./check share. Sourced in the top directory with `program` set.
: "${program:?}"

# die STATUS TEXT: one line, then the end.
die() {
    printf '%s: %s\n' "$program" "$2" >&2
    exit "$1"
}

# logged LOG COMMAND...: runs quietly; shows what was said only when the command fails.
logged() {
    local log=$1 status=0
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if ((status != 0)); then
        tail -n 60 "$log" >&2
        printf '%s: failed (%d): %s; the whole output is in %s\n' \
            "$program" "$status" "$*" "$log" >&2
    fi
    return "$status"
}

# packages_of SECTION...: the packages of these sections of packages.txt, one a line.
packages_of() {
    local line section=
    while read -r line; do
        case $line in
        '' | '#'*) ;;
        '['*']')
            section=${line#'['}
            section=${section%']'}
            ;;
        *) [[ " $* " != *" $section "* ]] || printf '%s\n' "$line" ;;
        esac
    done <cmake/packages.txt
}

# packages_install PACKAGE...: package lists are fetched only when the installation fails without,
# be it because there are none yet or because they are out of date.
packages_install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=120)
    ((EUID == 0)) || apt=(sudo "${apt[@]}")
    "${apt[@]}" install --no-install-recommends "$@" && return
    "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "$@"
}

# packages_require SECTION...: installs what is missing of these sections, or says so and ends.
packages_require() {
    local all missing=() name manual
    mapfile -t all < <(packages_of "$@")
    if ! command -v dpkg-query >/dev/null; then
        echo "$program: not a Debian system; it must have the equivalents of: ${all[*]}" >&2
        return
    fi
    for name in "${all[@]}"; do
        [[ $(dpkg-query -W -f '${db:Status-Status} ' "$name" 2>/dev/null) == *'installed '* ]] ||
            missing+=("$name")
    done
    ((${#missing[@]} > 0)) || return 0

    manual="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    ((EUID == 0)) || command -v sudo >/dev/null ||
        die 1 "packages are missing; as root: $manual"
    echo "$program: installing ${missing[*]}"
    mkdir -p build
    logged build/packages.log packages_install "${missing[@]}" ||
        die 1 "packages could not be installed; as root: $manual"
}

# build PRESET [CMAKE-ARGUMENT...] [-- TARGET...]: configures and builds, quietly; all targets when
# none is named.
build() {
    local preset=$1 configure=() targets=()
    shift
    while (($# > 0)) && [[ $1 != -- ]]; do
        configure+=("$1")
        shift
    done
    (($# < 2)) || targets=(--target "${@:2}")
    mkdir -p "build/$preset"
    logged "build/$preset/configure.log" cmake --preset "$preset" "${configure[@]}" &&
        logged "build/$preset/build.log" cmake --build --preset "$preset" "${targets[@]}"
}
