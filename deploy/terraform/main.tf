# A namespace, the secrets, the chart. Kafka, PostgreSQL and the bucket are made elsewhere: examples/managed.

module "values" {
  source = "./values"

  name                        = var.name
  image                       = var.image
  kafka                       = var.kafka
  database                    = var.database
  registry                    = var.registry
  http_token                  = var.http_token
  settings                    = var.settings
  service_account_annotations = var.service_account_annotations
}

locals {
  namespace = var.create_namespace ? kubernetes_namespace_v1.this[0].metadata[0].name : var.namespace
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
  for_each = module.values.made

  metadata {
    name      = "${var.name}-${each.key}"
    namespace = local.namespace
  }
  data = module.values.secrets[each.key]
}

resource "helm_release" "this" {
  name      = var.name
  namespace = local.namespace
  chart     = coalesce(var.chart, "${path.module}/../helm/hedonic")
  version   = var.chart_version
  values    = concat([yamlencode(module.values.values)], var.values)
  wait      = var.wait
  timeout   = var.timeout_s
  # A release that does not come up is taken back.
  atomic = var.wait

  depends_on = [kubernetes_secret_v1.this]
}
