"""values.schema.json of the chart: its part `settings` is made from config/default.toml, so that a misspelt
setting fails before anything is installed."""

import json
import tomllib

from places import CHART, ROOT

SCALARS = {bool: "boolean", int: "integer", float: "number", str: "string"}


def setting(value):
    """The schema of one setting by its default; None for a list, which goes into `config`."""
    if isinstance(value, dict):
        return table(value)
    kind = SCALARS.get(type(value))
    if kind == "integer":
        kind = "number"
    return kind and {"type": kind}


def table(values):
    kept = {name: setting(value) for name, value in values.items()}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: kind for name, kind in sorted(kept.items()) if kind},
    }


def settings():
    schema = table(tomllib.loads((ROOT / "config/default.toml").read_text()))
    # Values of their own in the chart: two places for one thing would differ one day.
    sections = schema["properties"]
    del sections["database"]["properties"]["url"], sections["kafka"]["properties"]["brokers"]
    del sections["kafka"]["properties"]["partitions"], sections["kafka"]["properties"]["properties"]
    for name in ("token", "open", "allowed_hosts", "health", "drain_s"):
        del sections["http"]["properties"][name]
    for section in sections.values():
        section["properties"].pop("http", None)
    for name in ("path", "bucket", "mlflow_tracking_uri", "public_key"):
        del sections["registry"]["properties"][name]
    del sections["schema"], sections["dashboard"]
    return schema


def obj(**properties):
    return {"type": "object", "additionalProperties": False, "properties": properties}


def whole():
    """All of it. `true` stands for what Kubernetes itself checks."""
    text, flag, any_map = {"type": "string"}, {"type": "boolean"}, {"type": "object"}
    texts, whatever = {"type": "array", "items": text}, {"type": "array"}

    def count(least=0, most=None):
        return {"type": "integer", "minimum": least, **({"maximum": most} if most else {})}

    def choice(*of):
        return {"type": "string", "enum": list(of)}

    name = {"type": "string", "pattern": "^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$"}
    port = count(1, 65535)
    quantity = {"type": ["string", "number"]}
    resources = obj(
        requests={"type": "object", "additionalProperties": quantity},
        limits={"type": "object", "additionalProperties": quantity},
    )
    of_map = {"type": "object", "additionalProperties": text}
    placed = dict(nodeSelector=of_map, tolerations=whatever)
    deployed = dict(
        enabled=flag, resources=resources, extraEnv=whatever, affinity=any_map, priorityClassName=text, **placed
    )
    scaled = dict(
        replicas=count(),
        disruptionBudget=flag,
        autoscaling=obj(
            by=choice("none", "keda", "cpu"),
            minReplicas=count(1),
            maxReplicas=count(),
            lagThreshold=count(1),
            cpuUtilization=count(0, 1000),
            authenticationRef=name,
        ),
    )
    scheduled = obj(enabled=flag, schedule=text, timeZone=text, deadlineSeconds=count(1), suspend=flag)
    user = {"type": ["integer", "null"], "minimum": 1}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart hedonic (made by scripts/deploy-check --write-schema)",
        **obj(
            **{"global": any_map},
            nameOverride=name,
            fullnameOverride=name,
            image=obj(
                registry=text,
                tag=text,
                digests={
                    "type": "object",
                    "additionalProperties": False,
                    "patternProperties": {
                        "^(data-loader|model-application|model-prepare|producer-emulator|crawler)$": {
                            "type": "string",
                            "pattern": "^sha256:[0-9a-f]{64}$",
                        }
                    },
                },
                pullPolicy=choice("Always", "IfNotPresent", "Never"),
                pullSecrets=texts,
            ),
            kafka=obj(
                brokers={"type": "string", "pattern": r"^([^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*)?$"},
                partitions=count(1),
                properties={"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
                secretProperties={
                    "type": "array",
                    "items": {**obj(property=text, secret=name, key=text), "required": ["property", "secret", "key"]},
                },
                caSecret=name,
                caKey=text,
            ),
            database=obj(
                secret=name,
                key=text,
                sslMode=choice("", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
                caSecret=name,
                caKey=text,
            ),
            registry=obj(
                bucket=obj(
                    url={"type": "string", "pattern": "^(s3://.+)?$"},
                    endpoint=text,
                    region=text,
                    credentialsSecret=name,
                ),
                mlflow=obj(trackingUri={"type": "string", "pattern": "^(https?://.+)?$"}, credentialsSecret=name),
                volume=obj(existingClaim=name),
                cacheSize=quantity,
                publicKey=text,
            ),
            schema=obj(name=text, file=text),
            settings=settings(),
            config=text,
            log=obj(level=text, json=flag),
            http=obj(
                tokenSecret=name,
                tokenKey=text,
                open=choice("health", "metrics", "status"),
                allowedHosts=texts,
                drainSeconds=count(0, 3600),
                bind=text,
                clusterDomain=text,
            ),
            serviceAccount=obj(create=flag, name=name, annotations=of_map),
            podLabels=of_map,
            podAnnotations=of_map,
            podSecurity=obj(runAsUser=user, runAsGroup=user, fsGroup=user),
            loader=obj(**deployed, **scaled),
            applier=obj(**deployed, **scaled),
            trainer=obj(cron=text, **deployed),
            follower=obj(**deployed),
            emulator=obj(**deployed),
            crawler=obj(**deployed),
            firstModel=obj(
                enabled=flag, retrySeconds=count(1), deadlineSeconds=count(1), ttlSecondsAfterFinished=count(0)
            ),
            jobs=obj(resources=resources, **placed),
            scheduledTraining=scheduled,
            newData=scheduled,
            sweep=obj(
                enabled=flag,
                name={"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
                workers=count(1, 1000),
                trials=count(1),
                round=count(1, 1000),
                sampler=choice("tpe", "random"),
                leaseSeconds=count(3, 86400),
                backoffLimit=count(0),
                deadlineSeconds=count(1),
                ttlSecondsAfterFinished=count(0),
            ),
            topologySpread=obj(enabled=flag, whenUnsatisfiable=choice("ScheduleAnyway", "DoNotSchedule")),
            networkPolicy=obj(
                enabled=flag,
                httpFrom=whatever,
                metricsFrom=whatever,
                kafkaPorts={"type": "array", "items": port},
                databasePorts={"type": "array", "items": port},
                registryPorts={"type": "array", "items": port},
                extraEgress=whatever,
            ),
            serviceMonitor=obj(enabled=flag, interval=text, labels=of_map),
            prometheusRule=obj(enabled=flag, labels=of_map),
            grafanaDashboard=obj(enabled=flag, labels=of_map),
        ),
    }


FILE = CHART / "values.schema.json"


def text():
    return json.dumps(whole(), indent=1) + "\n"


def write():
    FILE.write_text(text())


def check():
    if not FILE.exists() or FILE.read_text() != text():
        raise SystemExit(
            f"{FILE.relative_to(ROOT)} is not what config/default.toml asks for: run scripts/deploy-check --write-schema"
        )
