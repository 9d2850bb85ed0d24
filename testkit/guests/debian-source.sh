#!/bin/sh
# Fetches files of a Debian source package into the current folder: debian-source.sh [APT_OPTION...] PACKAGE
# They come from the archives that this machine has for packages, without touching its own configuration of apt.
set -e
folder=$(pwd)
mkdir -p apt/lists/partial
cat /dev/null /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -n 's/^deb /deb-src /p' >apt/source.list
cat /dev/null /etc/apt/sources.list.d/debian.sources 2>/dev/null | sed 's/^Types: deb$/Types: deb-src/' >apt/source.sources
apt="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$folder/apt -o Dir::State::lists=$folder/apt/lists -o APT::Sandbox::User=root"
apt-get -qq $apt update
apt-get -qq $apt source --download-only "$@"
