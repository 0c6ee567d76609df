//! What all lanes of a crawler share.

use std::sync::Arc;

use common::Shutdown;

use crate::config::CrawlerConfig;
use crate::control::Control;
use crate::extract::Reader;
use crate::fetch::Fetcher;
use crate::frontier::Frontier;
use crate::permission::Permission;

/// What all lanes share.
pub(crate) struct Shared {
    /// Section `[crawler]`.
    pub config: CrawlerConfig,
    /// What may be read, in whose name.
    pub permission: Permission,
    /// What is known.
    pub frontier: Frontier,
    /// Sends requests.
    pub fetcher: Fetcher,
    /// Reads pages.
    pub reader: Arc<Reader>,
    /// What people see.
    pub control: Arc<Control>,
    /// The service leaves.
    pub leave: Shutdown,
}
