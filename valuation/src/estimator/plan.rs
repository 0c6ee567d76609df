//! The estimator in `model.json`: what each part is, and what the members weigh.

use serde::{Deserialize, Serialize};

use crate::clustering::segments::Segments;
use crate::equity::Equity;
use crate::known::Known;
use crate::linear_design::LinearDesign;
use crate::link::Link;
use crate::mondrian::Widths;
use crate::name_tables::NameReaders;
use crate::tree_features::TreeFeatures;
use crate::widths_by_estimate::WidthsByEstimate;

/// What `model.json` says of a member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberHead {
    /// Its name, and its file's.
    pub(crate) name: String,
    /// Suffix of the file's name, which identifies the format.
    pub(crate) extension: String,
    /// Its weight: above 0, all together 1.
    pub(crate) weight: f64,
}

impl MemberHead {
    /// The name of the member's file.
    pub(crate) fn file(&self) -> String {
        format!("member-{}.{}", self.name, self.extension)
    }
}

/// The estimator in `model.json`. Large parts have files of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// What is estimated of the target, and so the way back to it; the logarithm in artifacts that do
    /// not say.
    #[serde(default, skip_serializing_if = "Link::is_log")]
    pub(crate) link: Link,
    /// The linear design; none where no member reads it.
    #[serde(rename = "features")]
    pub(crate) linear_design: Option<LinearDesign>,
    /// The columns of the trees; none where no member reads them.
    #[serde(rename = "frame")]
    pub(crate) tree_features: Option<TreeFeatures>,
    /// By member.
    pub(crate) members: Vec<MemberHead>,
    /// Corrects the bias of trees for expensive homes.
    pub(crate) equity: Equity,
    /// How far off estimates usually are where no record says more, in log price.
    pub(crate) spread: f64,
    /// Times the spread: half the interval, in log price.
    pub(crate) quantile: f64,
    /// Segments whose ranges are wider or narrower than that; none where one width fits all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) widths: Option<Widths>,
    /// The same by what a record is estimated at; none where one width fits all, and in artifacts of releases
    /// that did not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) widths_by_estimate: Option<WidthsByEstimate>,
    /// What was learned of each field, and what lies outside costs; none in artifacts of releases that did
    /// not write it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known: Option<Known>,
    /// Market segments as a further category, if the options ask for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) segments: Option<Segments>,
}

impl Plan {
    /// The parts that read names.
    pub(crate) fn name_readers(&self) -> NameReaders<'_> {
        NameReaders {
            linear_design: self.linear_design.as_ref(),
            tree_features: self.tree_features.as_ref(),
            widths: self.widths.as_ref(),
            known: self.known.as_ref(),
        }
    }
}
