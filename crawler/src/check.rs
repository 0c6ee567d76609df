//! What `crawler --check` looks at.

use common::check::{Finding, Needs};

use crate::extract::Reader;
use crate::frontier::DDL;
use crate::{Config, Permission};

impl Config {
    /// What the crawler needs: its topic, its tables, the user's permission, and how pages state what the
    /// schema asks for.
    pub fn needs(&self) -> Needs {
        let topics = &self.kafka.topics;
        let settings = self.crawler.clone();
        let schema = self.schema.clone();
        Needs::default()
            .kafka(&self.kafka, &[&topics.new_data])
            .database(&self.database, DDL, Vec::new())
            .service_check("permission", move || match Permission::of(&settings) {
                Ok(permission) => Finding::passed(
                    "permission",
                    format!("{} as {:?}", settings.hosts, permission.user_agent),
                ),
                Err(error) => Finding::failed(
                    "permission",
                    error.to_string(),
                    "set crawler.hosts, crawler.contact and crawler.right_to_crawl",
                ),
            })
            .service_check("extraction", move || match Reader::new(&schema) {
                Ok(_) => Finding::passed(
                    "extraction",
                    format!("[crawl] of the schema {}", schema.name),
                ),
                Err(error) => Finding::failed(
                    "extraction",
                    error.to_string(),
                    "correct the table [crawl] of the schema file (docs/recipes/crawl.md)",
                ),
            })
    }
}
