# shellcheck shell=bash
# Brokers as processes: launch, wait, leave. Sourced by ../kafka.
# shellcheck disable=SC2154 # set by ../kafka and settings.sh: dir, libs, ports, timeout_s

# Prints the pid of broker I if it runs. A pid alone is not enough: it may be another's
# by now.
pid_of() {
  local pid
  pid=$(cat "$dir/pids/$1" 2>/dev/null) || return 1
  case $(ps -p "$pid" -o args= 2>/dev/null) in
    *"$dir/broker-$1/server.properties"*) echo "$pid" ;;
    *) return 1 ;;
  esac
}

# Whether the process just launched as broker I is there still. It may not have become
# a broker yet, so its name says nothing.
lives() {
  case $(ps -p "$(cat "$dir/pids/$1")" -o stat= 2>/dev/null) in
    "" | Z*) return 1 ;;
  esac
}

launch() {
  local i=$1
  mkdir -p "$dir/pids" "$dir/logs"
  local extra=()
  read -r -a extra <<<"${KAFKA_JVM_OPTS:-}" || true
  # Three are for failures, not for speed: the quick compiler spares a fifth of a start.
  if [ "$brokers" = 3 ]; then extra=(-XX:TieredStopAtLevel=1 "${extra[@]}"); fi
  # A process group of its own, so that Ctrl-C at the caller's terminal does not reach
  # it; no descriptor of ours, so that a caller reading our output sees its end.
  set -m
  nohup java -Xms128m "-Xmx${KAFKA_HEAP:-512m}" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError \
    "${extra[@]}" -Djava.awt.headless=true -Dlog4j2.configurationFile="$dir/log4j2.properties" \
    -Dkafka.log="$dir/logs/broker-$i.log" -cp "$libs/*" kafka.Kafka \
    "$dir/broker-$i/server.properties" </dev/null >"$dir/logs/broker-$i.out" 2>&1 3>&- 4>&- &
  echo "$!" >"$dir/pids/$i"
  disown
  set +m
}

# Waits until the brokers given serve and each knows all of `$expected`.
# Returns 2 if one of them died.
await_serving() {
  local deadline=$((SECONDS + timeout_s)) i seen other complete
  for i in "$@"; do
    while :; do
      lives "$i" || return 2
      if seen=$(brokers_seen_by "${client_ports[i - 1]}"); then
        complete=yes
        for other in $expected; do
          case $seen in *" $other "*) ;; *) complete= ;; esac
        done
        [ -n "$complete" ] && break
      fi
      if [ "$SECONDS" -ge "$deadline" ]; then
        say "broker $i does not serve after $timeout_s s; the end of $dir/logs/broker-$i.log:"
        tail -n 20 "$dir/logs/broker-$i.log" >&2 || true
        return 1
      fi
      sleep 0.1
    done
  done
}

# Stops the brokers given. The wait is bounded: of three that leave together the last
# find no controller to take leave of, and would wait for minutes.
leave() {
  local signal=$1 deadline i pid left
  shift
  for i in "$@"; do
    if pid=$(pid_of "$i"); then kill "-$signal" "$pid" 2>/dev/null || true; fi
  done
  deadline=$((SECONDS + 15))
  while :; do
    left=
    for i in "$@"; do pid_of "$i" >/dev/null && left="$left $i"; done
    [ -z "$left" ] && break
    if [ "$SECONDS" -ge "$deadline" ]; then
      [ "$signal" = KILL ] && die "broker(s)$left outlive SIGKILL; see DIR/pids"
      say "broker(s)$left did not leave within 15 s: killing"
      signal=KILL
      for i in $left; do
        if pid=$(pid_of "$i"); then kill -KILL "$pid" 2>/dev/null || true; fi
      done
      deadline=$((SECONDS + 15))
    fi
    sleep 0.1
  done
  for i in "$@"; do rm -f "$dir/pids/$i"; done
}

all_brokers() { seq 1 "$brokers"; }

# Launches those of the brokers given that do not run, and waits for them.
bring_up() {
  local i died=0
  for i in "$@"; do pid_of "$i" >/dev/null || launch "$i"; done
  expected="$*"
  await_serving "$@" || died=$?
  return "$died"
}

why_died() {
  local i
  for i in $(all_brokers); do
    pid_of "$i" >/dev/null && continue
    say "broker $i has stopped; the end of its log:"
    tail -n 15 "$dir/logs/broker-$i.out" "$dir/logs/broker-$i.log" >&2 2>/dev/null || true
  done
}
