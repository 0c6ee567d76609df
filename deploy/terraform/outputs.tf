output "namespace" {
  description = "The namespace of the services."
  value       = local.namespace
}

output "applier_url" {
  description = "Address of the applier within the cluster."
  value       = "http://${var.name}-applier.${local.namespace}.svc"
}

output "values" {
  description = "Values of the chart, without secrets."
  value       = module.values.values
}
