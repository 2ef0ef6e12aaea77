#!/usr/bin/env bash
# Installs what the build needs and this machine lacks; says what and why.
#
#   install-tools.sh           for the program
#   install-tools.sh web       for the pages as well: Node.js and npm
#   install-tools.sh browser   for their tests as well: Chromium
set -euo pipefail

if ! command -v cargo >/dev/null; then
    if [ -x "$HOME/.cargo/bin/cargo" ]; then
        echo "cargo is installed but not on the PATH: run 'source \$HOME/.cargo/env' and try again." >&2
    else
        echo "The Rust toolchain is missing: install it (rustup, Rust 1.88 or newer) and try again." >&2
    fi
    exit 1
fi

what=${1:-}
missing=()
why=()
command -v cmake >/dev/null || missing+=(cmake)
command -v g++ >/dev/null || missing+=(g++)
command -v make >/dev/null || missing+=(make)
[ ${#missing[@]} -eq 0 ] || why+=("whisper.cpp, the speech recogniser inside ruhepol, is C++ and is built from source")
if [ "$what" = web ] || [ "$what" = browser ]; then
    pages=${#missing[@]}
    command -v node >/dev/null || missing+=(nodejs)
    command -v npm >/dev/null || missing+=(npm)
    [ ${#missing[@]} -eq "$pages" ] || why+=("the board and the panel are built with Node.js")
fi
if [ "$what" = browser ] && [ -z "${CHROMIUM:-}" ] && ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
    if grep -qs '^ID=ubuntu' /etc/os-release; then
        echo "The browser tests need Chromium or Chrome, which Ubuntu does not package for programs: install one and name it in CHROMIUM." >&2
        exit 1
    fi
    missing+=(chromium)
    why+=("the pages are tested in a real browser")
fi
node_is_new() {
    [ -z "$what" ] || [ "$(node -p 'parseInt(process.versions.node)')" -ge 18 ] || {
        echo "Node.js $(node --version) is too old for the pages: install 18 or newer and try again." >&2
        return 1
    }
}
if [ ${#missing[@]} -eq 0 ]; then
    node_is_new
    exit
fi

printf 'Installing %s:' "${missing[*]}"
printf ' %s.' "${why[@]}"
echo
if ! command -v apt-get >/dev/null; then
    echo "This machine has no apt-get: install ${missing[*]} by its own means and try again." >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Neither root nor sudo: ask somebody who is to run 'apt-get install ${missing[*]}'." >&2
        exit 1
    fi
    as_root=(sudo)
fi
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
node_is_new
