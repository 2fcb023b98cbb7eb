#!/bin/bash
# Installs the optional servers that some tests start copies of: RabbitMQ, PostgreSQL, Chromium, a Chinese font;
# and what two of the faults need: a wall clock that leaps, a disk that cannot flush.
# Debian and Ubuntu; elsewhere it says what to install. Run again it does nothing.
set -u

have() { # any of these programs, on the PATH or at a (globbed) path
  local name
  for name; do compgen -G "$name" > /dev/null || type -P "$name" > /dev/null && return; done
  return 1
}

missing() {
  have rabbitmq-server /usr/lib/rabbitmq/bin/rabbitmq-server || echo rabbitmq-server
  have initdb '/usr/lib/postgresql/*/bin/initdb' || echo postgresql
  have "/usr/lib/*/faketime/libfaketimeMT.so.1" || echo libfaketime
  have strace || echo strace
  have chromium chromium-browser google-chrome || echo chromium
  fc-list 2> /dev/null | grep -qi 'noto.*cjk' || echo fonts-noto-cjk
}

packages=$(missing)
[ -z "$packages" ] && exit 0
if ! type -P apt-get > /dev/null; then
  echo "Please install with your package manager:" $packages >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
as_root=(env)
[ "$(id -u)" = 0 ] || as_root=(sudo -E)
"${as_root[@]}" apt-get update -qq
# A package counts as installed when its programs are there: its own service may be forbidden to start
# (containers, policy-rc.d) and is not needed.
"${as_root[@]}" apt-get install -qq -y --no-install-recommends $packages fontconfig

packages=$(missing)
[ -z "$packages" ] || { echo "Could not install:" $packages >&2; exit 1; }
