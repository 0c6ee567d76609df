//! How a run ends for a host.

use std::time::Duration;

/// Why a run has ended for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing is left to do.
    Done,
    /// The run was stopped.
    Stopped,
    /// The host is not to be asked any more, for this reason.
    Refused(String),
    /// No robots.txt was available.
    NoRobots,
    /// It is to be left alone for longer than a run waits.
    Later(Duration),
}

impl End {
    /// For people.
    pub fn describe(&self) -> String {
        match self {
            End::Done => "no pages are left".to_owned(),
            End::Stopped => "stopped".to_owned(),
            End::Refused(reason) => reason.clone(),
            End::NoRobots => "robots.txt is not available, so nothing is allowed".to_owned(),
            End::Later(wait) => format!("the host asks for a pause of {} s", wait.as_secs()),
        }
    }
}
