# shellcheck shell=bash
# A question to a broker, in its own protocol. Sourced by ../kafka.

# Asks 127.0.0.1:PORT for metadata (request 3, version 4, no topics) and prints the ids
# of the brokers it names. Fails unless it answers within three seconds. A broker
# answers only once the controller has let it in, so an answer means that it serves;
# Kafka's own tools would tell the same for two seconds of processor time.
brokers_seen_by() (
  exec 2>/dev/null
  export LC_ALL=C
  exec {broker_fd}<>"/dev/tcp/127.0.0.1/$1" || exit 1
  printf '\0\0\0\024\0\003\0\004\0\0\0\001\0\005ready\0\0\0\0\0' >&"$broker_fd"
  value=0
  take() { # an unsigned number of $1 bytes, into `value`
    local left=$1 byte code
    value=0
    while [ "$left" -gt 0 ]; do
      IFS= read -r -d '' -n 1 -t 3 -u "$broker_fd" byte || exit 1
      printf -v code '%d' "'$byte" || exit 1
      value=$((value * 256 + (code & 255)))
      left=$((left - 1))
    done
  }
  take 4; take 4; take 4 # length, correlation id, throttle time
  take 4; count=$value
  [ "$count" -le 100 ] || exit 1
  ids=
  while [ "$count" -gt 0 ]; do
    take 4; ids="$ids $value"
    take 2; take "$value" # host
    take 4                # port
    take 2; [ "$value" -eq 65535 ] || take "$value" # rack, or null
    count=$((count - 1))
  done
  printf '%s\n' "$ids "
)
