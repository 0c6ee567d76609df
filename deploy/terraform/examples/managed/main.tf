# Managed Kafka (Amazon MSK), PostgreSQL (Amazon RDS) and a bucket, in networks that are there, and the services on
# an EKS cluster that is there. Another cloud differs in the resources, not in the module at the end.

terraform {
  required_version = ">= 1.7"
  required_providers {
    aws        = { source = "hashicorp/aws", version = ">= 5.60" }
    random     = { source = "hashicorp/random", version = ">= 3.6" }
    kubernetes = { source = "hashicorp/kubernetes", version = ">= 2.30" }
    helm       = { source = "hashicorp/helm", version = ">= 3.0" }
  }
}

variable "region" {
  type = string
}

variable "cluster" {
  description = "Name of the EKS cluster."
  type        = string
}

variable "vpc_id" {
  type = string
}

variable "subnets" {
  description = "Private subnets, in three zones."
  type        = list(string)
}

variable "images" {
  description = "What the images' names begin with."
  type        = string
}

variable "models_bucket" {
  description = "Name of the bucket of model versions, which is made."
  type        = string
}

variable "models_role" {
  description = "ARN of a role that the service account hedonic may take (IRSA), with access to that bucket."
  type        = string
}

variable "database_ca" {
  description = "The region's certificates of RDS, as PEM (global-bundle.pem of AWS)."
  type        = string
}

provider "aws" {
  region = var.region
}

data "aws_eks_cluster" "this" {
  name = var.cluster
}

data "aws_eks_cluster_auth" "this" {
  name = var.cluster
}

provider "kubernetes" {
  host                   = data.aws_eks_cluster.this.endpoint
  cluster_ca_certificate = base64decode(data.aws_eks_cluster.this.certificate_authority[0].data)
  token                  = data.aws_eks_cluster_auth.this.token
}

provider "helm" {
  kubernetes = {
    host                   = data.aws_eks_cluster.this.endpoint
    cluster_ca_certificate = base64decode(data.aws_eks_cluster.this.certificate_authority[0].data)
    token                  = data.aws_eks_cluster_auth.this.token
  }
}

# The servers are reached from the cluster's machines alone.
resource "aws_security_group" "servers" {
  name   = "hedonic-servers"
  vpc_id = var.vpc_id

  dynamic "ingress" {
    for_each = { kafka = 9096, postgresql = 5432 }
    content {
      description     = ingress.key
      from_port       = ingress.value
      to_port         = ingress.value
      protocol        = "tcp"
      security_groups = [data.aws_eks_cluster.this.vpc_config[0].cluster_security_group_id]
    }
  }
}

resource "random_password" "this" {
  for_each = toset(["kafka", "database", "http"])
  length   = 40
  special  = false
}

# Kafka, with SCRAM over TLS.
resource "aws_msk_configuration" "this" {
  name              = "hedonic"
  kafka_versions    = ["3.8.x"]
  server_properties = <<-EOT
    auto.create.topics.enable=false
    default.replication.factor=3
    min.insync.replicas=2
  EOT
}

resource "aws_msk_cluster" "this" {
  cluster_name           = "hedonic"
  kafka_version          = "3.8.x"
  number_of_broker_nodes = 3

  broker_node_group_info {
    instance_type   = "kafka.m7g.large"
    client_subnets  = var.subnets
    security_groups = [aws_security_group.servers.id]
    storage_info {
      ebs_storage_info {
        volume_size = 200
      }
    }
  }
  client_authentication {
    sasl {
      scram = true
    }
  }
  configuration_info {
    arn      = aws_msk_configuration.this.arn
    revision = aws_msk_configuration.this.latest_revision
  }
}

# MSK takes passwords from secrets whose names begin so, encrypted by a key of one's own.
resource "aws_kms_key" "kafka" {
  description = "Passwords of MSK"
}

resource "aws_secretsmanager_secret" "kafka" {
  name       = "AmazonMSK_hedonic"
  kms_key_id = aws_kms_key.kafka.id
}

resource "aws_secretsmanager_secret_version" "kafka" {
  secret_id     = aws_secretsmanager_secret.kafka.id
  secret_string = jsonencode({ username = "hedonic", password = random_password.this["kafka"].result })
}

resource "aws_msk_scram_secret_association" "this" {
  cluster_arn     = aws_msk_cluster.this.arn
  secret_arn_list = [aws_secretsmanager_secret_version.kafka.arn]
}

# PostgreSQL, in two zones, with a week of point-in-time recovery.
resource "aws_db_subnet_group" "this" {
  name       = "hedonic"
  subnet_ids = var.subnets
}

resource "aws_db_instance" "this" {
  identifier                = "hedonic"
  engine                    = "postgres"
  engine_version            = "17"
  instance_class            = "db.m7g.large"
  allocated_storage         = 100
  max_allocated_storage     = 1000
  storage_encrypted         = true
  multi_az                  = true
  backup_retention_period   = 7
  deletion_protection       = true
  final_snapshot_identifier = "hedonic-final"
  db_name                   = "hedonic"
  username                  = "hedonic"
  password                  = random_password.this["database"].result
  db_subnet_group_name      = aws_db_subnet_group.this.name
  vpc_security_group_ids    = [aws_security_group.servers.id]
}

resource "aws_s3_bucket" "models" {
  bucket = var.models_bucket
}

resource "aws_s3_bucket_versioning" "models" {
  bucket = aws_s3_bucket.models.id
  versioning_configuration {
    status = "Enabled"
  }
}

module "hedonic" {
  source = "../.."

  image = { registry = var.images }
  kafka = {
    brokers    = aws_msk_cluster.this.bootstrap_brokers_sasl_scram
    partitions = 12
    properties = {
      "security.protocol" = "SASL_SSL"
      "sasl.mechanism"    = "SCRAM-SHA-512"
      "sasl.username"     = "hedonic"
    }
    secret_properties = { "sasl.password" = random_password.this["kafka"].result }
  }
  database = {
    url            = "postgres://hedonic:${random_password.this["database"].result}@${aws_db_instance.this.endpoint}/hedonic"
    ssl_mode       = "verify-full"
    ca_certificate = var.database_ca
  }
  registry = {
    bucket = "s3://${aws_s3_bucket.models.bucket}/hedonic"
    region = var.region
  }
  service_account_annotations = { "eks.amazonaws.com/role-arn" = var.models_role }
  http_token                  = random_password.this["http"].result
  values = [yamlencode({
    networkPolicy = { kafkaPorts = [9096] }
    loader        = { autoscaling = { by = "cpu", cpuUtilization = 70 } }
    applier       = { autoscaling = { by = "cpu" } }
  })]

  depends_on = [aws_msk_scram_secret_association.this]
}

output "applier_url" {
  value = module.hedonic.applier_url
}
