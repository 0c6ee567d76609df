//! The names that a model has learned something of, by field.

use crate::estimator::Estimator;
use crate::name_tables::Names;

impl Estimator {
    /// The names of every category that is read: another one is taken for an average, or for a rare one.
    pub(crate) fn names(&self) -> Names<'_> {
        self.plan.name_readers().learned()
    }
}
