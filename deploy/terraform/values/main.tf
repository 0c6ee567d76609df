# What the chart is given, and the secrets beside it, by the variables of the module above: without a provider, so that
# `terraform test` shows it anywhere.

locals {
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
    image            = { registry = var.image.registry, tag = var.image.tag == null ? "" : var.image.tag }
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

output "secrets" {
  description = "Data of the secrets, by the last part of their names."
  value       = local.secrets
  sensitive   = true
}

output "made" {
  description = "Those of them that are made."
  value       = local.made
}

output "values" {
  description = "What the chart is given, without secrets."
  value       = local.values
}
