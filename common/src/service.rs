//! What the function `run` of a service returns.

use std::pin::Pin;

/// A service at work: it ends at shutdown, or with the reason why it cannot go on.
///
/// Boxed, because the code of an `async fn` is compiled again in every program and test that awaits it,
/// with all that it awaits itself; that of a boxed future is compiled once, in the crate that boxes it.
pub type Service = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;
