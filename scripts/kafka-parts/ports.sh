# shellcheck shell=bash
# Free ports. Sourced by ../kafka.

# Below the range from which systems hand out ports to clients, so that a stopped
# broker finds its port free when it comes back.
port_low=20000
port_span=9000

port_taken() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

chosen=" "
# Sets `port` to one that nobody listens on and that was not chosen before.
free_port() {
  local attempt
  for attempt in $(seq 200); do
    port=$((port_low + (RANDOM * 32768 + RANDOM + attempt) % port_span))
    case $chosen in *" $port "*) continue ;; esac
    port_taken "$port" && continue
    chosen="$chosen$port "
    return
  done
  die "found no free port between $port_low and $((port_low + port_span)) in 200 tries"
}
