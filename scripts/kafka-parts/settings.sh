# shellcheck shell=bash
# The cluster on disk: its ports, the brokers' settings, their storage. Sourced by ../kafka.
# shellcheck disable=SC2154 # set by ../kafka: dir and the options

# DIR/cluster.env: brokers, secure, cluster_id, and the ports of each listener.
load_cluster() {
  [ -f "$dir/cluster.env" ] || die "no cluster in $dir: start one with scripts/kafka start --dir $dir"
  # shellcheck disable=SC1091
  . "$dir/cluster.env"
}

# The addresses of a listener's ports, with commas.
addresses() {
  local joined='' port
  for port in "$@"; do joined=$joined${joined:+,}127.0.0.1:$port; done
  printf '%s\n' "$joined"
}

random_id() { # 16 bytes in Kafka's base64, never starting with the dash of an option
  local id
  id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 1-22)
  printf 'k%s\n' "${id#?}"
}

choose_ports() {
  local i
  chosen=" "
  client_ports=() controller_ports=() ssl_ports=() sasl_ports=()
  for ((i = 1; i <= brokers; i++)); do
    if [ "$i" = 1 ] && [ -n "$first_port" ]; then
      port_taken "$first_port" && die "port $first_port is taken: choose another, or leave --port out"
      port=$first_port
      chosen="$chosen$port "
    else
      free_port
    fi
    client_ports+=("$port")
    free_port; controller_ports+=("$port")
    if [ "$secure" = yes ]; then
      free_port; ssl_ports+=("$port")
      free_port; sasl_ports+=("$port")
    fi
  done
}

# Written only when the storage is formatted: a start that is cut short before then
# leaves nothing that looks like a cluster.
save_cluster() {
  local list
  {
    echo "brokers=$brokers secure=$secure cluster_id=$cluster_id"
    for list in client_ports controller_ports ssl_ports sasl_ports; do
      local -n ports=$list
      echo "$list=(${ports[*]-})"
    done
  } >"$dir/cluster.env.new"
  mv "$dir/cluster.env.new" "$dir/cluster.env"
}

write_logging() {
  cat >"$dir/log4j2.properties" <<'PROPERTIES'
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = ${sys:kafka.log}
appender.file.filePattern = ${sys:kafka.log}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = [%d] %p %m (%c{1})%n
appender.file.policies.type = SizeBasedTriggeringPolicy
appender.file.policies.size = 20MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
rootLogger.level = info
rootLogger.appenderRefs = file
rootLogger.appenderRef.file.ref = file
# Whole configurations at each start, and a line for each connection.
logger.config.name = org.apache.kafka.common.config
logger.config.level = warn
logger.kafkaconfig.name = kafka.server.KafkaConfig
logger.kafkaconfig.level = warn
logger.clients.name = org.apache.kafka.clients
logger.clients.level = warn
logger.metrics.name = org.apache.kafka.common.metrics
logger.metrics.level = warn
PROPERTIES
}

write_properties() {
  local i=$1 client controller voters=() copies needed j
  client=${client_ports[i - 1]} controller=${controller_ports[i - 1]}
  for ((j = 1; j <= brokers; j++)); do voters+=("$j@127.0.0.1:${controller_ports[j - 1]}"); done
  copies=$brokers
  needed=$((brokers > 1 ? 2 : 1))
  local listeners="PLAINTEXT://127.0.0.1:$client"
  local protocols="PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"
  if [ "$secure" = yes ]; then
    listeners="$listeners,SSL://127.0.0.1:${ssl_ports[i - 1]},SASL_SSL://127.0.0.1:${sasl_ports[i - 1]}"
    protocols="$protocols,SSL:SSL,SASL_SSL:SASL_SSL"
  fi
  local advertised=$listeners
  if [ -n "$proxied" ]; then
    listeners="$listeners,PROXIED://127.0.0.1:${proxied%:*}"
    advertised="$advertised,PROXIED://127.0.0.1:${proxied#*:}"
    protocols="$protocols,PROXIED:PLAINTEXT"
  fi
  mkdir -p "$dir/broker-$i"
  (
    umask 077
    cat >"$dir/broker-$i/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$i
controller.quorum.voters=$(IFS=,; echo "${voters[*]}")
controller.listener.names=CONTROLLER
listeners=$listeners,CONTROLLER://127.0.0.1:$controller
advertised.listeners=$advertised
listener.security.protocol.map=$protocols
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/broker-$i/data

# Services make the topics they need.
auto.create.topics.enable=false
num.partitions=$partitions
default.replication.factor=$copies
min.insync.replicas=$needed

# Internal topics: small, and kept as often as the rest.
offsets.topic.num.partitions=4
offsets.topic.replication.factor=$copies
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$needed
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=$copies
share.coordinator.state.topic.min.isr=$needed

# Tests wait for these.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=500
# After a crash a broker is let in again only when its old session is over.
broker.session.timeout.ms=4000
log.retention.check.interval.ms=1000
log.initial.task.delay.ms=1000
log.segment.delete.delay.ms=1000
PROPERTIES
    if [ "$secure" = yes ]; then
      cat >>"$dir/broker-$i/server.properties" <<PROPERTIES

ssl.keystore.type=PEM
ssl.keystore.location=$dir/certs/broker-chain.pem
ssl.truststore.type=PEM
ssl.truststore.location=$dir/certs/ca.pem
# A client may show a certificate; one that is shown must be ours.
listener.name.ssl.ssl.client.auth=requested
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_hedonic="$sasl_password";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
PROPERTIES
    fi
    if [ "${#settings[@]}" -gt 0 ]; then
      { echo; echo '# --config'; printf '%s\n' "${settings[@]}"; } >>"$dir/broker-$i/server.properties"
    fi
  )
}

format_storage() {
  local i jobs=() job scram=() failed=
  if [ "$secure" = yes ]; then
    scram=(--add-scram "SCRAM-SHA-256=[name=hedonic,password=$sasl_password]"
      --add-scram "SCRAM-SHA-512=[name=hedonic,password=$sasl_password]")
  fi
  for ((i = 1; i <= brokers; i++)); do
    kafka_tool kafka.tools.StorageTool format --config "$dir/broker-$i/server.properties" \
      --cluster-id "$cluster_id" "${scram[@]}" >"$dir/logs/format-$i.log" 2>&1 &
    jobs+=("$!")
  done
  for job in "${jobs[@]}"; do wait "$job" || failed=yes; done
  if [ -n "$failed" ]; then
    cat "$dir"/logs/format-*.log >&2
    die "the storage could not be formatted; see above"
  fi
}
