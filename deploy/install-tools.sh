#!/usr/bin/env bash
# Installs what the build needs and this machine lacks; says what and why.
set -euo pipefail

if ! command -v cargo >/dev/null; then
    if [ -x "$HOME/.cargo/bin/cargo" ]; then
        echo "cargo is installed but not on the PATH: run 'source \$HOME/.cargo/env' and try again." >&2
    else
        echo "The Rust toolchain is missing: install it (rustup, Rust 1.88 or newer) and try again." >&2
    fi
    exit 1
fi

missing=()
command -v cmake >/dev/null || missing+=(cmake)
command -v g++ >/dev/null || missing+=(g++)
command -v make >/dev/null || missing+=(make)
[ ${#missing[@]} -eq 0 ] && exit 0

echo "Installing ${missing[*]}: whisper.cpp, the speech recogniser inside ruhepol, is C++ and is built from source."
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
