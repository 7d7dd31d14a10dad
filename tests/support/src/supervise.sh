# Run as `sh -c … DIR INSIDE ENTER…`: the processes of one node, tied to the process that holds the other end of
# standard input. Carries out orders, one a line, and answers each with a line; when the input ends, because the owner
# let go or died, it ends what it started and removes DIR. INSIDE is DIR as seen behind ENTER.
dir=$1 inside=$2
shift 2
epmd= node=
while read -r order; do
  case $order in
  epmd)
    "$@" /bin/sh "$inside/epmd.sh" </dev/null >"$dir/log/epmd" 2>&1 &
    epmd=$!
    echo "$epmd"
    ;;
  start)
    "$@" /bin/sh "$inside/node.sh" </dev/null >>"$dir/log/stdout" 2>>"$dir/log/stderr" &
    node=$!
    echo "$node"
    ;;
  KILL | TERM)
    kill -s "$order" "$node"
    wait "$node"
    echo gone
    ;;
  STOP | CONT)
    kill -s "$order" "$node"
    echo sent
    ;;
  esac
done
for pid in $node $epmd; do kill -s KILL "$pid" && wait "$pid"; done 2>/dev/null
# the node's helpers (its port programs) end a moment after it and may still write
for _ in 1 2 3 4 5; do rm -rf "$dir" 2>/dev/null && exit; sleep 0.1; done
