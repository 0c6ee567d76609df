"""Debezium's JDBC sink in a standalone Kafka Connect worker."""

import json
import urllib.parse

from common import maven
from common.children import Child
from common.servers import free_port
from peers import System

KAFKA, DEBEZIUM, DRIVER, LOG4J = "4.3.1", "3.5.0.Final", "42.7.14", "2.25.4"
HEAP = "2g"
# Of what was tried on two cores (batches of 500 to 10,000; 1, 2, 4 tasks; with and without unnest) the quickest,
# within the noise. The reduction buffer is what lets a batch hold the same key twice.
SETTINGS = {
    "tasks.max": "2",
    "batch.size": "5000",
    "use.reduction.buffer": "true",
    "dialect.postgres.unnest.insert.enabled": "true",
    "consumer.override.max.poll.records": "5000",
    "consumer.override.fetch.min.bytes": "100000",
    "consumer.override.max.partition.fetch.bytes": "4194304",
}
# What a worker has already and a plugin must not bring in another version.
_OF_THE_WORKER = ("connect-api-", "kafka-clients-", "slf4j-api-", "jackson-annotations-", "jackson-core-",
                  "jackson-databind-", "lz4-java-", "snappy-java-", "zstd-jni-")
_KINDS = {
    "id": "string", "listed_at": "string", "city": "string", "street": "string", "floor": "int64", "rooms": "int64",
    "floors_total": "int64", "area": "double", "kitchen_area": "double", "year_built": "int64",
    "building_type": "string", "latitude": "double", "longitude": "double", "price": "double",
}
_REQUIRED = {"id", "listed_at", "city", "street", "floor", "rooms", "price"}
_LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d] %p %m (%c{1})%n
rootLogger.level = warn
rootLogger.appenderRefs = console
rootLogger.appenderRef.console.ref = console
"""


def _schema():
    fields = [{"field": name, "type": kind, "optional": name not in _REQUIRED} for name, kind in _KINDS.items()]
    # Debezium's own name for ISO-8601 text with a zone: it becomes a timestamptz.
    fields[1]["name"] = "io.debezium.time.ZonedTimestamp"
    return json.dumps({"type": "struct", "name": "listing", "optional": False, "fields": fields})


def _write(path, properties):
    path.touch(mode=0o600)
    path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))


class Debezium(System):
    """One worker with one connector."""

    name = "debezium"
    startup_limit_s = 120

    def prepare(self, _bed):
        """Kafka Connect and the connector, each with its own jars."""
        self._java = maven.java()
        self._worker = maven.jars("connect", (
            f"org.apache.kafka:connect-runtime:{KAFKA}", f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J}",
            f"org.apache.logging.log4j:log4j-core:{LOG4J}"))
        self._plugin = maven.jars("debezium", (
            f"io.debezium:debezium-connector-jdbc:{DEBEZIUM}", f"org.postgresql:postgresql:{DRIVER}"))

    def start(self, bed, load):
        home = bed.home("debezium")
        # A plugin path is a directory of directories; only this plugin is looked at.
        plugin = home / "plugins" / "debezium-connector-jdbc"
        plugin.mkdir(parents=True)
        for jar in self._plugin.glob("*.jar"):
            if not jar.name.startswith(_OF_THE_WORKER):
                (plugin / jar.name).symlink_to(jar)
        (home / "log4j2.properties").write_text(_LOGGING)
        _write(home / "worker.properties", {
            "bootstrap.servers": bed.brokers,
            "listeners": f"http://127.0.0.1:{free_port()}",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "true",
            "value.converter.schema.content": _schema(),
            "offset.storage.file.filename": home / "offsets",
            "offset.flush.interval.ms": "10000",
            "plugin.path": home / "plugins",
            "plugin.discovery": "service_load",
            "connector.client.config.override.policy": "All",
            "consumer.auto.offset.reset": "earliest",
        })
        url = urllib.parse.urlsplit(bed.postgres.url)
        server = f"{url.hostname}:{url.port}{url.path}"
        _write(home / "sink.properties", {
            "name": home.name,
            "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
            "topics": load.topic,
            "connection.url": f"jdbc:postgresql://{server}?reWriteBatchedInserts=true",
            "connection.username": url.username,
            "connection.password": url.password,
            "insert.mode": "upsert",
            "primary.key.mode": "record_value",
            "primary.key.fields": "id",
            "collection.name.format": "listings",
            "schema.evolution": "none",
            **SETTINGS,
        })
        command = [self._java, "-Xms256m", f"-Xmx{HEAP}", "-XX:+UseG1GC",
                   f"-Dlog4j2.configurationFile={home / 'log4j2.properties'}", "-cp", f"{self._worker}/*",
                   "org.apache.kafka.connect.cli.ConnectStandalone", home / "worker.properties",
                   home / "sink.properties"]
        return [Child(command, bed.log("debezium"))]

    def described(self):
        return {"version": f"Debezium JDBC sink {DEBEZIUM}, Kafka Connect {KAFKA}, pgjdbc {DRIVER}",
                "settings": {"insert.mode": "upsert", "reWriteBatchedInserts": "true", "heap": HEAP, **SETTINGS}}
