# shellcheck shell=bash
# What is run: Java, the jars, and Kafka's own tools. Sourced by ../kafka.
# shellcheck disable=SC2154 # set by ../kafka: parts, dir

java_check() {
  need java "install a JDK 17 or later"
  need ps "install procps"
  local found
  found=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  [ "${found:-0}" -ge 17 ] || die "Java 17 or later is needed, found ${found:-none}"
}

# Sets `libs`, the directory of jars; downloads them once.
fetch() {
  if [ -n "${KAFKA_HOME:-}" ]; then
    libs=$KAFKA_HOME/libs
    [ -d "$libs" ] || die "KAFKA_HOME is $KAFKA_HOME, but there is no $libs: point it at an unpacked Kafka"
    return
  fi
  local version cache begun fresh
  version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$parts/pom.xml")
  cache=${HEDONIC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hedonic}/kafka-$version
  libs=$cache/libs
  [ -d "$libs" ] && return
  need mvn "install Maven, or set KAFKA_HOME to an unpacked Kafka 4.x"
  say "fetching Apache Kafka $version from Maven Central, once"
  begun=$SECONDS
  mkdir -p "$cache"
  fresh=$(mktemp -d -p "$cache")
  # --strict-checksums: a jar that does not match Maven's checksum is an error, not a warning.
  if ! mvn --quiet --batch-mode -Dstyle.color=never --strict-checksums --file "$parts/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$fresh/libs" >&2; then
    rm -rf "$fresh"
    die "Maven could not fetch Kafka $version; see above"
  fi
  # Whoever renames first wins; the jars are the same.
  if [ ! -d "$libs" ]; then mv "$fresh/libs" "$cache/" 2>/dev/null || true; fi
  rm -rf "$fresh"
  [ -d "$libs" ] || die "could not put the jars into $libs"
  say "fetched in $((SECONDS - begun)) s, kept in $libs"
}

# Runs one of Kafka's own tools, quietly.
kafka_tool() {
  local class=$1
  shift
  java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Dlog4j2.configurationFile="$dir/log4j2.properties" -Dkafka.log="$dir/logs/tools.log" \
    -cp "$libs/*" "$class" "$@"
}
