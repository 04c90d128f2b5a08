#!/bin/sh
# A strategy for llrun, in shell without further tools: programs start here; when this node has three or more
# processes to run, the first one it may move goes to the first peer that takes guests.
#
#     strategy = exec:/usr/share/doc/llrun/examples/strategies/never-at-start.sh
#
# One question a line on standard input, one answer a line on standard output: see docs/strategies.md. A line is one
# JSON object whose keys come in alphabetical order, without blanks; cutting at known keys is enough here. A real
# strategy is better written with jq or in a language that reads JSON.

# after KEY TEXT: what follows the first "KEY": in TEXT.
after() { printf '%s' "${2#*\"$1\":}"; }
# number TEXT: the digits TEXT begins with.
number() { printf '%s' "${1%%[!0-9]*}"; }

while IFS= read -r question; do
  id=$(number "$(after id "$question")")
  moves=
  case $question in
  *'"question":"decide"'*)
    self=$(after self "$question")
    run_queue=$(number "$(after run_queue "$self")")
    peers=$(after peers "$question")
    peers=${peers%%\"place_s\":*}
    processes=$(after processes "$question")
    processes=${processes%%\"question\":*}
    peer=$(after name "$peers")
    peer=${peer#\"}
    peer=${peer%%\"*}
    case $peers in *'"accepts":true'*) ;; *) peer= ;; esac
    case $processes in
    *'"pinned":true'*) ;; # one of them may not move: leave them alone
    *'"id":'*)
      process=$(number "$(after id "$processes")")
      if [ -n "$peer" ] && [ "$run_queue" -ge 3 ]; then
        moves="{\"process\":$process,\"to\":\"$peer\",\"reason\":\"three run here\"}"
      fi
      ;;
    esac
    ;;
  esac
  printf '{"id":%s,"moves":[%s],"to":null}\n' "$id" "$moves"
done
