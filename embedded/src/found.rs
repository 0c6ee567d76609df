//! A cluster seen from outside: nothing is started, taken over or changed.

use std::path::{Path, PathBuf};

use crate::cluster::Cluster;
use crate::error::EmbeddedError;
use crate::owner::Owner;
use crate::postgres::{Access, DATABASE};
use crate::server::running_on;

/// What there is of a cluster.
pub struct Found {
    /// PostgreSQL's data directory.
    pub data: PathBuf,
    /// The URL of the default database, with the password; `None` where no server runs.
    pub url: Option<String>,
}

impl Found {
    /// The cluster that [`crate::Postgres::start`] has made for a directory; `None` where it has not.
    ///
    /// # Errors
    /// When a server runs, but this user may not read its password.
    pub fn below(data_dir: &Path) -> Result<Option<Found>, EmbeddedError> {
        let Ok(asked) = data_dir.canonicalize() else {
            return Ok(None);
        };
        let cluster = Cluster::below(&Owner::choose().place(&asked));
        if !cluster.data.exists() {
            return Ok(None);
        }
        let url = match running_on(&cluster.data) {
            Some((_, port)) => {
                let password = cluster.password()?;
                Some(Access { password, port }.url(DATABASE))
            }
            None => None,
        };
        Ok(Some(Found {
            data: cluster.data,
            url,
        }))
    }
}
