output "namespace" {
  description = "The namespace of the services."
  value       = local.namespace
}

output "applier_url" {
  description = "Where requests are answered, from within the cluster."
  value       = "http://${var.name}-applier.${local.namespace}.svc"
}

output "values" {
  description = "What the chart is given, without secrets."
  value       = module.values.values
}
