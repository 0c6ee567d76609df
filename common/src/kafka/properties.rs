//! `[kafka.properties]`: any librdkafka property, and what to say when one is wrong.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::secret::Secret;

/// What exactly-once rests on, and what has a setting of its own: these cannot be set.
const FIXED: [(&str, &str); 6] = [
    ("bootstrap.servers", "it is the setting kafka.brokers"),
    ("metadata.broker.list", "it is the setting kafka.brokers"),
    ("group.id", "it is the setting `group` of the service"),
    ("enable.auto.commit", "offsets are kept in PostgreSQL"),
    ("enable.auto.offset.store", "offsets are kept in PostgreSQL"),
    (
        "enable.idempotence",
        "without it messages may be duplicated",
    ),
];

/// Properties by librdkafka's names. A name may be written with underscores in place of its dots,
/// as environment variables need it; a value may be `file:PATH`, as every [`Secret`] may.
#[derive(Clone, Default)]
pub struct Properties {
    /// Hidden whatever the name: passwords stand among them.
    by_name: BTreeMap<String, Secret>,
}

impl Properties {
    /// Sets all of them, over what was set before.
    pub(crate) fn apply(&self, client: &mut ClientConfig) {
        for (name, value) in &self.by_name {
            client.set(name, value.expose());
        }
    }
}

/// Names only: values may be passwords.
impl fmt::Debug for Properties {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_set().entries(self.by_name.keys()).finish()
    }
}

/// A value, or a table: `security.protocol = "SSL"` without quotes around the name is one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Node {
    Table(BTreeMap<String, Node>),
    Text(Secret),
    Boolean(bool),
    Integer(i64),
    Number(f64),
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Properties, D::Error> {
        let mut properties = Properties::default();
        let tree = BTreeMap::<String, Node>::deserialize(deserializer)?;
        flatten("", tree, &mut properties.by_name);
        for (name, why) in FIXED {
            if properties.by_name.contains_key(name) {
                let message = format!("do not set the property {name}: {why}");
                return Err(D::Error::custom(message));
            }
        }
        Ok(properties)
    }
}

fn flatten(prefix: &str, tree: BTreeMap<String, Node>, into: &mut BTreeMap<String, Secret>) {
    for (name, node) in tree {
        // No property of librdkafka has an underscore in its name.
        let name = format!("{prefix}{}", name.replace('_', "."));
        let value = match node {
            Node::Table(tree) => {
                flatten(&format!("{name}."), tree, into);
                continue;
            }
            Node::Text(text) => text,
            Node::Boolean(value) => Secret::new(value.to_string()),
            Node::Integer(value) => Secret::new(value.to_string()),
            Node::Number(value) => Secret::new(value.to_string()),
        };
        into.insert(name, value);
    }
}

/// What a wrong property means and what to do; never its value.
pub(crate) fn explain(error: KafkaError) -> anyhow::Error {
    let hint = "librdkafka's CONFIGURATION.md lists all properties; see [kafka.properties]";
    match error {
        KafkaError::ClientConfig(_, reason, name, value) => {
            let reason = reason.replace(&format!("\"{value}\""), "[hidden]");
            match needs_tls(&reason) {
                Some(why) => anyhow::anyhow!("kafka.properties, {name}: {reason}; {why}"),
                None => anyhow::anyhow!("kafka.properties, {name}: {reason}; {hint}"),
            }
        }
        KafkaError::ClientCreation(reason) => match needs_tls(&reason) {
            Some(why) => anyhow::anyhow!("cannot create the Kafka client: {reason}; {why}"),
            None => anyhow::anyhow!("cannot create the Kafka client: {reason}; {hint}"),
        },
        other => other.into(),
    }
}

/// librdkafka built without OpenSSL says so in several ways.
fn needs_tls(reason: &str) -> Option<&'static str> {
    let lower = reason.to_lowercase();
    let is_about_tls = [
        "recompile",
        "not built",
        "not available",
        "no openssl",
        "unsupported",
        "requires",
    ]
    .iter()
    .any(|part| lower.contains(part))
        && ["ssl", "scram", "sasl"]
            .iter()
            .any(|part| lower.contains(part));
    (is_about_tls && !cfg!(feature = "kafka-tls")).then_some(
        "this program was built without TLS and SCRAM for Kafka: build it with \
         --features kafka-tls (needs OpenSSL's headers), or use the container image",
    )
}

#[cfg(test)]
mod tests {
    use crate::config::Layered;
    use crate::kafka::KafkaConfig;

    fn config(set: &[(&str, &str)]) -> KafkaConfig {
        let set: Vec<(String, String)> = set
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        Layered::load(None, &set)
            .expect("settings")
            .section("kafka")
            .expect("section")
    }

    #[test]
    fn names_may_be_dotted_nested_or_underscored_and_values_are_hidden() {
        let config = config(&[
            ("kafka.properties.client_id", "me"),
            ("kafka.properties.sasl.password", "geheim"),
        ]);
        let client = config.client();
        assert_eq!(client.get("client.id"), Some("me"));
        assert_eq!(client.get("sasl.password"), Some("geheim"));
        let shown = format!("{config:?}");
        assert!(shown.contains("sasl.password"), "{shown}");
        assert!(!shown.contains("geheim"), "{shown}");
    }

    #[test]
    fn a_quoted_dotted_name_in_a_file_is_one_name() {
        let file = std::env::temp_dir().join(format!("hedonic-{}.toml", std::process::id()));
        std::fs::write(
            &file,
            "[kafka.properties]\n\"socket.keepalive.enable\" = true\n\
             socket.nagle.disable = true\n\"linger.ms\" = 7\n",
        )
        .expect("writes");
        let config: KafkaConfig = Layered::load(Some(&file), &[])
            .expect("settings")
            .section("kafka")
            .expect("section");
        std::fs::remove_file(&file).expect("removes");
        let client = config.client();
        assert_eq!(client.get("socket.keepalive.enable"), Some("true"));
        assert_eq!(client.get("socket.nagle.disable"), Some("true"));
        assert_eq!(client.get("linger.ms"), Some("7"));
    }

    #[test]
    fn a_wrong_name_or_value_is_named_without_the_value() {
        for (name, value) in [
            ("sasl_pasword", "geheim"),
            ("socket_timeout_ms", "geheim"),
            ("security_protocol", "geheim"),
        ] {
            let error = match config(&[(&format!("kafka.properties.{name}"), value)]).producer() {
                Ok(_) => panic!("{name} was taken"),
                Err(error) => format!("{error:#}"),
            };
            assert!(error.contains(&name.replace('_', ".")), "{error}");
            assert!(!error.contains("geheim"), "{error}");
        }
    }

    #[test]
    fn what_must_not_change_is_refused_and_the_rest_wins_over_ours() {
        let set = [(
            "kafka.properties.enable_auto_commit".to_owned(),
            "true".to_owned(),
        )];
        let error = Layered::load(None, &set)
            .expect("settings")
            .section::<KafkaConfig>("kafka")
            .expect_err("it is fixed");
        assert!(error.to_string().contains("enable.auto.commit"), "{error}");
        let config = config(&[("kafka.properties.session.timeout.ms", "7000")]);
        let consumer = config.consumer("group", 5);
        assert_eq!(consumer.get("session.timeout.ms"), Some("7000"));
    }

    #[cfg(not(feature = "kafka-tls"))]
    #[test]
    fn without_tls_it_says_how_to_build_with_it() {
        for set in [
            vec![("kafka.properties.security_protocol", "SSL")],
            vec![("kafka.properties.ssl_ca_location", "/ca.pem")],
            vec![
                ("kafka.properties.security_protocol", "SASL_PLAINTEXT"),
                ("kafka.properties.sasl_mechanism", "SCRAM-SHA-512"),
                ("kafka.properties.sasl_username", "me"),
                ("kafka.properties.sasl_password", "geheim"),
            ],
        ] {
            let error = match config(&set).producer() {
                Ok(_) => panic!("{set:?} was taken"),
                Err(error) => format!("{error:#}"),
            };
            assert!(error.contains("--features kafka-tls"), "{error}");
        }
    }
}
