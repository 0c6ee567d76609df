"""Both ends of the load over Kafka, each a process of its own."""
