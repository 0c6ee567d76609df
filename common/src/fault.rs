//! Whose fault an error is, decided in one place for all services: it states whether to try again.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// What an error calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Of the record or message itself: it would be refused again. Reject it, with the reason.
    Row,
    /// Of a server or the network, and likely to pass. Try again, with backoff.
    Passing,
    /// Of the set-up: a missing right, a table that is not as expected, a wrong property. A person
    /// has to fix it; trying again forever would hide it.
    Setup,
}

/// SQLSTATE classes and codes of [`Fault::Setup`]: syntax error or access rule violation, invalid
/// authorization, invalid catalog or schema name, feature not supported.
const SETUP_CLASSES: [&str; 6] = ["42", "28", "3D", "3F", "0A", "F0"];

impl Fault {
    /// SQLSTATE classes of [`Fault::Row`]: cardinality violation (two keys of one batch that the table's
    /// collation takes for one), data exception, integrity constraint violation, WITH CHECK OPTION
    /// violation, program limit exceeded (an index entry that is too long), and what a trigger raises
    /// (PostgreSQL's documentation, appendix A).
    pub const ROW_CLASSES: [&str; 6] = ["21", "22", "23", "44", "54", "P0"];

    /// Of what PostgreSQL, or the connection to it, says.
    pub fn of_database(error: &sqlx::Error) -> Fault {
        match error {
            sqlx::Error::Database(refusal) => {
                let code = refusal.code().unwrap_or_default();
                let is_in = |classes: &[&str]| classes.iter().any(|class| code.starts_with(class));
                match () {
                    () if is_in(&Self::ROW_CLASSES) => Fault::Row,
                    () if is_in(&SETUP_CLASSES) => Fault::Setup,
                    () => Fault::Passing,
                }
            }
            // What cannot be encoded for the server would not be the next time either.
            sqlx::Error::Encode(_) => Fault::Row,
            sqlx::Error::Configuration(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::Decode(_) => Fault::Setup,
            _ => Fault::Passing,
        }
    }

    /// Of what Kafka, or librdkafka, says about a message or a client.
    pub fn of_kafka(error: &KafkaError) -> Fault {
        use RDKafkaErrorCode::{
            ClusterAuthorizationFailed, GroupAuthorizationFailed, InvalidMessage,
            InvalidMessageSize, InvalidRecord, MessageSizeTooLarge, SaslAuthenticationFailed,
            TopicAuthorizationFailed, TransactionalIdAuthorizationFailed, UnsupportedSASLMechanism,
            UnsupportedVersion,
        };
        if let KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) = error {
            return Fault::Setup;
        }
        match error.rdkafka_error_code() {
            Some(InvalidMessage | InvalidMessageSize | InvalidRecord | MessageSizeTooLarge) => {
                Fault::Row
            }
            Some(
                ClusterAuthorizationFailed
                | GroupAuthorizationFailed
                | SaslAuthenticationFailed
                | TopicAuthorizationFailed
                | TransactionalIdAuthorizationFailed
                | UnsupportedSASLMechanism
                | UnsupportedVersion,
            ) => Fault::Setup,
            Some(_) | None => Fault::Passing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_kafka_will_never_take_is_the_rows_fault() {
        let error = KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge);
        assert_eq!(Fault::of_kafka(&error), Fault::Row);
        let error = KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut);
        assert_eq!(Fault::of_kafka(&error), Fault::Passing);
        let error = KafkaError::MessageConsumption(RDKafkaErrorCode::TopicAuthorizationFailed);
        assert_eq!(Fault::of_kafka(&error), Fault::Setup);
    }

    #[test]
    fn a_connection_that_breaks_passes_and_what_cannot_be_encoded_is_the_rows_fault() {
        let broken = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(Fault::of_database(&broken), Fault::Passing);
        let unwritable = sqlx::Error::Encode("too long".into());
        assert_eq!(Fault::of_database(&unwritable), Fault::Row);
        let no_pool = sqlx::Error::PoolTimedOut;
        assert_eq!(Fault::of_database(&no_pool), Fault::Passing);
    }
}
