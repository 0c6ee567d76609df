# `terraform test`: no provider is needed.

variables {
  image    = { registry = "registry.example/team" }
  kafka    = { brokers = "kafka:9092" }
  database = { url = "postgres://hedonic:secret@db/hedonic" }
  registry = { bucket = "s3://models/hedonic" }
}

run "smallest" {
  command = plan

  assert {
    condition     = output.made == toset(["database"])
    error_message = "expected the database's secret alone"
  }
  assert {
    condition     = output.values.database.secret == "hedonic-database" && output.values.kafka.caSecret == ""
    error_message = "expected the chart to be given the secret's name"
  }
  assert {
    condition     = !strcontains(jsonencode(output.values), "secret@")
    error_message = "expected no secret among the chart's values"
  }
}

run "with_everything" {
  command = plan

  variables {
    kafka = {
      brokers           = "a:9093,b:9093"
      properties        = { "security.protocol" = "SASL_SSL" }
      secret_properties = { "sasl.password" = "p" }
      ca_certificate    = "PEM"
    }
    database   = { url = "postgresql://u:p@db/hedonic", ssl_mode = "verify-full", ca_certificate = "PEM" }
    registry   = { mlflow = "https://mlflow.example", credentials = { MLFLOW_TRACKING_TOKEN = "t" } }
    http_token = "t"
  }

  assert {
    condition     = output.made == toset(["database", "http", "kafka", "registry"])
    error_message = "expected four secrets"
  }
  assert {
    condition     = output.values.registry.mlflow.credentialsSecret == "hedonic-registry" && output.values.registry.bucket.credentialsSecret == ""
    error_message = "expected the server's credentials where the server is"
  }
  assert {
    condition     = output.values.kafka.secretProperties[0].key == "sasl.password" && output.values.http.tokenSecret == "hedonic-http"
    error_message = "expected secrets by name"
  }
}

run "no_home_of_models" {
  command = plan
  variables {
    registry = {}
  }
  expect_failures = [var.registry]
}

run "no_certificate_to_verify_by" {
  command = plan
  variables {
    database = { url = "postgres://u:p@db/hedonic", ssl_mode = "verify-full" }
  }
  expect_failures = [var.database]
}

run "no_port" {
  command = plan
  variables {
    kafka = { brokers = "kafka" }
  }
  expect_failures = [var.kafka]
}
