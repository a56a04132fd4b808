#!/bin/sh
# Runs ocbroker with the Node that is among its packages: the machine's own may be too old.
root=$(dirname "$(dirname "$(readlink -f "$0")")")
for node in "$root/node_modules/.bin/node" "$root/../.bin/node"; do
  if [ -x "$node" ]; then exec "$node" "$root/src/main.js" "$@"; fi
done
exec node "$root/src/main.js" "$@"
