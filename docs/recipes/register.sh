#!/bin/sh
# Runs a command and keeps its metrics endpoint registered with Lagkeeper while it runs. Needs curl, and Linux for
# LAGKEEPER_PORTS. `lagkeeper register` does the same and more, where Node.js is there.
#
#   LAGKEEPER_URL=http://lagkeeper:10390 LAGKEEPER_ID=payments/orders/taskmanager/tm-1 \
#   LAGKEEPER_PORTS=9250-9260 ./register.sh bin/taskmanager.sh start-foreground
#
# LAGKEEPER_URL          where Lagkeeper is
# LAGKEEPER_ID           namespace/app/role/instance; each part as in a URL (a blank is %20)
# LAGKEEPER_PORTS        ports of which the command takes one, such as 9250-9260 or 9249
# LAGKEEPER_HOST         the host before that port (default: the name of this host)
# LAGKEEPER_ADDRESS      host:port, in place of both
# LAGKEEPER_LABELS       labels, such as: team=payments tier=1
# LAGKEEPER_FIELDS       more fields with texts, such as: kind=flink-tm zone=eu-1 metrics_path=/actuator/prometheus
# LAGKEEPER_MORE         all other fields as JSON members, such as: "lease_seconds":60,"params":{"module":"jvm"}
# LAGKEEPER_INCARNATION  number that grows with every start (default: a new word every start)
# LAGKEEPER_TOKEN_FILE   file with the token for Lagkeeper
#
# In a container of YARN, LAGKEEPER_ID may be left out: the identity is LAGKEEPER_NAMESPACE (default yarn),
# LAGKEEPER_APP, LAGKEEPER_ROLE and the id of the container; the host is the one by which YARN calls it.
#
# The command starts at once and its exit code is passed on, whatever becomes of the registration.

: "${LAGKEEPER_ID:=${LAGKEEPER_NAMESPACE:-yarn}/${LAGKEEPER_APP:-app}/${LAGKEEPER_ROLE:-process}/${CONTAINER_ID:-$(hostname)-$$}}"
: "${LAGKEEPER_HOST:=${NM_HOST:-$(hostname)}}"

say() { printf 'register.sh: %s\n' "$*" >&2; }

# ask METHOD PATH [BODY]: the answer into $answer, its status into $status; 000 when nobody answered.
ask() {
  answer=$(
    if [ -n "$LAGKEEPER_TOKEN_FILE" ]; then
      # Not as an argument: everybody may see those.
      printf 'header = "Authorization: Bearer %s"\n' "$(cat "$LAGKEEPER_TOKEN_FILE")"
    fi | curl -sS -K - -X "$1" ${3:+-H 'Content-Type: application/json' -d "$3"} --max-time 5 -w '\n%{http_code}' \
      "${LAGKEEPER_URL%/}/v1/registrations/$LAGKEEPER_ID$2" 2>&1
  )
  status=${answer##*
}
  answer=$(printf '%s' "${answer%
*}" | tr '\n' ' ')
}

# The port of the range on which the process listens.
port_of() {
  inodes=$(ls -l "/proc/$1/fd" 2>/dev/null | sed -n 's/.*socket:\[\([0-9]*\)\]$/ \1 /p')
  cat "/proc/$1/net/tcp" "/proc/$1/net/tcp6" 2>/dev/null | while read -r _ local _ state _ _ _ _ _ inode _; do
    [ "$state" = 0A ] || continue
    case "$inodes" in *" $inode "*) ;; *) continue ;; esac
    port=$((0x${local##*:}))
    [ "$port" -ge "${LAGKEEPER_PORTS%-*}" ] && [ "$port" -le "${LAGKEEPER_PORTS#*-}" ] && echo "$port"
  done | sort -n | head -n 1
}

# A command that is a script has the process that listens below it.
family_of() {
  echo "$1"
  for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do family_of "$child"; done
}

find_address() {
  for process in $(family_of "$1"); do
    port=$(port_of "$process")
    [ -n "$port" ] && echo "$LAGKEEPER_HOST:$port" && return
  done
}

# pause SECONDS: holds no pipe open when we are ended meanwhile.
pause() { sleep "$1" </dev/null >/dev/null 2>&1; }

# members NAME=VALUE…: as members of a JSON object.
members() {
  comma=''
  for one in "$@"; do
    printf '%s"%s":"%s"' "$comma" "${one%%=*}" "${one#*=}"
    comma=,
  done
}

# body ADDRESS: the registration as JSON.
body() {
  # Words, so without quotes.
  set -- "$(members "address=$1" "incarnation=$life" $LAGKEEPER_FIELDS)" "$(members $LAGKEEPER_LABELS)"
  printf '{%s%s%s}' "$1" "${2:+,\"labels\":{$2\}}" "${LAGKEEPER_MORE:+,$LAGKEEPER_MORE}"
}

# Registered while the process lives.
keep() {
  interval=''
  told=''
  address=$LAGKEEPER_ADDRESS
  while kill -0 "$1" 2>/dev/null; do
    if [ -z "$address" ]; then
      address=$(find_address "$1")
      [ -n "$address" ] || { pause 1; continue; }
    fi
    if [ -n "$interval" ]; then
      ask POST "/heartbeat?incarnation=$life"
      case $status in
        204) pause "$interval"; continue ;;
      esac
    fi
    # It may be forgotten, or something is in trouble: registering again is right in both cases.
    interval=''
    ask PUT '' "$(body "$address")"
    case $status in
      200)
        say "registered as $LAGKEEPER_ID at $address"
        told=''
        interval=$(printf '%s\n' "$answer" | sed -n 's/.*"heartbeat_interval_seconds":\([0-9]*\).*/\1/p')
        : "${interval:=10}"
        pause "$interval"
        ;;
      400 | 413 | 415 | 422) say "$status ${answer% }; giving up"; return ;;
      *)
        why="$status ${answer% }"
        if [ "$status" = 409 ]; then
          # A newer life of ours, or somebody else at our address, which may become free?
          ask GET ''
          [ "$status" = 200 ] && say "$why; giving up" && return
        fi
        [ -n "$told" ] || say "$why; trying again"
        told=yes
        pause 5
        ;;
    esac
  done
  # We have been killed and the command has ended by itself.
  ask DELETE "?incarnation=$life"
}

life=${LAGKEEPER_INCARNATION:-$(cat /proc/sys/kernel/random/uuid 2>/dev/null || echo "$$-$(date +%s)")}
"$@" <&0 &
command=$!
keep "$command" &
keeper=$!
trap 'kill -TERM "$command" 2>/dev/null' TERM INT
trap 'kill -HUP "$command" 2>/dev/null' HUP

wait "$command"
code=$?
# A signal to us ends the wait, not the command.
while kill -0 "$command" 2>/dev/null; do
  wait "$command"
  code=$?
done
kill "$keeper" 2>/dev/null
wait "$keeper" 2>/dev/null
[ -n "$LAGKEEPER_URL" ] && ask DELETE "?incarnation=$life"
exit "$code"
