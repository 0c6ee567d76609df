variable "name" {
  description = "Name of the release, the prefix of all objects."
  type        = string
  default     = "hedonic"
}

variable "namespace" {
  description = "The namespace."
  type        = string
  default     = "hedonic"
}

variable "create_namespace" {
  description = "Whether the module creates the namespace, with the pod security standard \"restricted\"."
  type        = bool
  default     = true
}

variable "chart" {
  description = "Path or address of the chart; null: the one beside this module."
  type        = string
  default     = null
}

variable "chart_version" {
  description = "Version of the chart, if `chart` is an address."
  type        = string
  default     = null
}

variable "image" {
  description = "Prefix of the images' names, and their tag (null: the chart's appVersion)."
  type = object({
    registry = string
    tag      = optional(string)
  })
}

variable "kafka" {
  description = "Brokers as host:port[,host:port]; properties of librdkafka; secret properties (sasl.password); the CA of the brokers' certificates, as PEM."
  type = object({
    brokers           = string
    partitions        = optional(number, 6)
    properties        = optional(map(string), {})
    secret_properties = optional(map(string), {})
    ca_certificate    = optional(string)
  })
  sensitive = true

  validation {
    condition     = can(regex("^[^\\s,:]+:[0-9]+(,[^\\s,:]+:[0-9]+)*$", var.kafka.brokers))
    error_message = "kafka.brokers: expected host:port[,host:port]."
  }
}

variable "database" {
  description = "PostgreSQL's URL, postgres://user:password@host:port/database; sslmode (verify-full needs the CA, as PEM)."
  type = object({
    url            = string
    ssl_mode       = optional(string, "")
    ca_certificate = optional(string)
  })
  sensitive = true

  validation {
    condition     = can(regex("^postgres(ql)?://", var.database.url))
    error_message = "database.url: expected postgres://user:password@host:port/database."
  }
  validation {
    condition     = !contains(["verify-ca", "verify-full"], var.database.ssl_mode) || var.database.ca_certificate != null
    error_message = "database.ssl_mode verifies the server: expected database.ca_certificate."
  }
}

variable "registry" {
  description = "Storage of model versions: a bucket (s3://...), an MLflow server, or a claim that many pods can mount. Credentials are environment variables, such as AWS_ACCESS_KEY_ID."
  type = object({
    bucket         = optional(string, "")
    endpoint       = optional(string, "")
    region         = optional(string, "")
    mlflow         = optional(string, "")
    existing_claim = optional(string, "")
    credentials    = optional(map(string), {})
  })
  sensitive = true

  validation {
    condition     = length(compact([var.registry.bucket, var.registry.mlflow, var.registry.existing_claim])) == 1
    error_message = "registry: expected exactly one of bucket, mlflow and existing_claim."
  }
}

variable "http_token" {
  description = "Token that clients send as \"Authorization: Bearer ...\"; empty for none."
  type        = string
  default     = ""
  sensitive   = true
}

variable "settings" {
  description = "Settings of config/default.toml by section and key."
  type        = any
  default     = {}
}

variable "values" {
  description = "Further values of the chart, as YAML documents; later ones override earlier ones."
  type        = list(string)
  default     = []
}

variable "service_account_annotations" {
  description = "Annotations that give the pods an identity in the cloud, for a bucket without keys."
  type        = map(string)
  default     = {}
}

variable "wait" {
  description = "Whether to wait until requests are answered: the first model needs stored listings."
  type        = bool
  default     = false
}

variable "timeout_s" {
  description = "Longest wait, in seconds."
  type        = number
  default     = 900
}
