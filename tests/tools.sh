# Read by tests/run and examples/run: sees to the tools a build needs. Installs what is missing with apt where that is
# allowed; elsewhere prints the one command that does it, and stops.

have() { command -v "$1" >/dev/null 2>&1; }

stop() {
    printf '%s\n' "$*" >&2
    exit 1
}

# need_missing [cmocka]: sets missing to what is not there (words of this file, not package names)
need_missing() {
    missing=
    compiler=${CC:-cc}
    have "${compiler%% *}" || have cc || have gcc || have clang || missing="$missing compiler"
    have meson || missing="$missing meson"
    have ninja || have ninja-build || missing="$missing ninja"
    have pkg-config || have pkgconf || missing="$missing pkg-config"
    case " $* " in *" cmocka "*)
        { have pkg-config && pkg-config --exists cmocka; } || { have pkgconf && pkgconf --exists cmocka; } ||
            missing="$missing cmocka" ;;
    esac
}

# package manager word...: the packages that bring these
packages() {
    manager=$1
    shift
    for word; do
        case $manager:$word in
        apt:compiler) printf ' gcc libc6-dev' ;;
        apt:ninja | dnf:ninja) printf ' ninja-build' ;;
        apt:cmocka) printf ' libcmocka-dev' ;;
        dnf:cmocka) printf ' libcmocka-devel' ;;
        dnf:pkg-config) printf ' pkgconf-pkg-config' ;;
        pacman:pkg-config | brew:pkg-config) printf ' pkgconf' ;;
        brew:compiler) printf ' llvm' ;;
        *:compiler) printf ' gcc' ;;
        *) printf ' %s' "$word" ;;
        esac
    done
}

apt_install() {
    run=
    [ "$(id -u)" = 0 ] || run="sudo -n"
    [ -z "$run" ] || sudo -n true 2>/dev/null || return 1
    echo "installing with apt:$*"
    # env: sudo drops the environment. The lists may be stale or absent, so they are fetched only when needed.
    $run env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1 && return
    $run apt-get update -q >/dev/null &&
        $run env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null
}

need_tools() {
    need_missing "$@"
    # shellcheck disable=SC2046,SC2086
    if [ -n "$missing" ] && have apt-get; then
        apt_install $(packages apt $missing) || echo "apt could not install them" >&2
        need_missing "$@"
    fi
    [ -z "$missing" ] || stop "missing:$missing
install with one of
    apt:     sudo apt-get install -y$(packages apt $missing)
    dnf:     sudo dnf install -y$(packages dnf $missing)
    pacman:  sudo pacman -S --needed$(packages pacman $missing)
    brew:    brew install$(packages brew $missing)
and run this again"
    version=$(meson --version)
    case $version in
    0.[0-9] | 0.[0-9].* | 0.[1-4][0-9]* | 0.5[0-5]*) stop "meson 0.56 or newer is needed, found $version: pip install --user meson" ;;
    esac
}

# configure DIR OPTION...: a build directory with exactly these options; reconfigured only when they changed
configure() {
    directory=$1
    shift
    wanted="$PWD CC=${CC-} CXX=${CXX-} CFLAGS=${CFLAGS-} $*"
    [ -f "$directory/build.ninja" ] && [ "$(cat "$directory/.wanted" 2>/dev/null)" = "$wanted" ] && return
    if [ -d "$directory/meson-private" ]; then
        rm -f "$directory/.wanted"
        rm -rf "$directory/meson-private" "$directory/meson-info" "$directory/build.ninja"
    fi
    mkdir -p "$directory"
    meson setup "$directory" "$@" >"$directory/setup.log" 2>&1 || {
        cat "$directory/setup.log" >&2
        return 1
    }
    printf '%s\n' "$wanted" >"$directory/.wanted"
}

build() {
    if have ninja; then ninja "$@"; else ninja-build "$@"; fi
}
