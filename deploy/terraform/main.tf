# A namespace, the secrets, the chart. Kafka, PostgreSQL and the bucket are made elsewhere: examples/managed.

locals {
  namespace = var.create_namespace ? kubernetes_namespace_v1.this[0].metadata[0].name : var.namespace

  # Secrets by name; empty ones are not made.
  secrets = {
    database = merge(
      { url = var.database.url },
      var.database.ca_certificate == null ? {} : { "ca.crt" = var.database.ca_certificate },
    )
    kafka = merge(
      var.kafka.secret_properties,
      var.kafka.ca_certificate == null ? {} : { "ca.crt" = var.kafka.ca_certificate },
    )
    registry = var.registry.credentials
    http     = var.http_token == "" ? {} : { token = var.http_token }
  }
  made = nonsensitive(toset([for name, data in local.secrets : name if length(data) > 0]))

  # A secret that changes starts the pods anew: its digest is an annotation of theirs.
  digest = nonsensitive(sha256(jsonencode(local.secrets)))

  values = {
    fullnameOverride = var.name
    image            = { registry = var.image.registry, tag = coalesce(var.image.tag, "") }
    kafka = {
      brokers    = nonsensitive(var.kafka.brokers)
      partitions = nonsensitive(var.kafka.partitions)
      properties = nonsensitive(var.kafka.properties)
      secretProperties = [for property in nonsensitive(keys(var.kafka.secret_properties)) :
        { property = property, secret = "${var.name}-kafka", key = property }
      ]
      caSecret = nonsensitive(var.kafka.ca_certificate == null) ? "" : "${var.name}-kafka"
    }
    database = {
      secret   = "${var.name}-database"
      key      = "url"
      sslMode  = nonsensitive(var.database.ssl_mode)
      caSecret = nonsensitive(var.database.ca_certificate == null) ? "" : "${var.name}-database"
    }
    registry = {
      bucket = {
        url               = nonsensitive(var.registry.bucket)
        endpoint          = nonsensitive(var.registry.endpoint)
        region            = nonsensitive(var.registry.region)
        credentialsSecret = local.has_bucket_keys ? "${var.name}-registry" : ""
      }
      mlflow = {
        trackingUri       = nonsensitive(var.registry.mlflow)
        credentialsSecret = local.has_mlflow_keys ? "${var.name}-registry" : ""
      }
      volume = { existingClaim = nonsensitive(var.registry.existing_claim) }
    }
    http           = { tokenSecret = contains(local.made, "http") ? "${var.name}-http" : "" }
    serviceAccount = { annotations = var.service_account_annotations }
    podAnnotations = { "checksum/secrets" = local.digest }
    settings       = var.settings
  }
  has_bucket_keys = contains(local.made, "registry") && nonsensitive(var.registry.bucket) != ""
  has_mlflow_keys = contains(local.made, "registry") && nonsensitive(var.registry.mlflow) != ""
}

resource "kubernetes_namespace_v1" "this" {
  count = var.create_namespace ? 1 : 0

  metadata {
    name = var.namespace
    labels = {
      "pod-security.kubernetes.io/enforce" = "restricted"
    }
  }
}

resource "kubernetes_secret_v1" "this" {
  for_each = local.made

  metadata {
    name      = "${var.name}-${each.key}"
    namespace = local.namespace
  }
  data = local.secrets[each.key]
}

resource "helm_release" "this" {
  name      = var.name
  namespace = local.namespace
  chart     = coalesce(var.chart, "${path.module}/../helm/hedonic")
  version   = var.chart_version
  values    = concat([yamlencode(local.values)], var.values)
  wait      = var.wait
  timeout   = var.timeout_s
  # A release that does not come up is taken back.
  atomic = var.wait

  depends_on = [kubernetes_secret_v1.this]
}
