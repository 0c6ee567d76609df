//! What `data-loader --check` looks at.

use common::check::{Column, Needs, Table};
use records::table;

use crate::Config;

impl Config {
    /// The table that the schema describes.
    pub(crate) fn listings(&self) -> Table {
        let schema = &self.schema;
        let columns = table::columns(schema).map(|column| Column {
            name: column.name.to_owned(),
            sql_type: column.sql_type.to_owned(),
            is_nullable: column.is_nullable,
        });
        Table {
            name: schema.table.clone(),
            schema: schema.name.clone(),
            key: schema.key.clone(),
            columns: columns.collect(),
            is_written: true,
        }
    }

    /// What the loader needs: its topics, its tables, and the schema's as the schema says.
    pub fn needs(&self) -> Needs {
        let (schema, topics) = (&self.schema, &self.kafka.topics);
        Needs::default()
            .kafka(&self.kafka, &[&topics.new_data, &topics.rejects])
            .database(
                &self.database,
                &(crate::tables(schema) + &ledger::migrations::whole()),
                vec![self.listings()],
            )
    }
}
