//! Whether newer clusters take over: they must separate the newest records as well as the champion's.

use registry::{Registry, Version};
use valuation::Clusters;

use super::verdict::{Check, Verdict};
use crate::config::PromotionConfig;
use crate::run_files::holdout::read_records;
use crate::run_files::names::TRAINING_SET;

/// Judges clusters, whose version is `number`, against those of another version: both put the newer
/// version's records into their clusters, and the silhouettes are compared on the newer version's scale.
///
/// # Errors
/// When the registry or the records cannot be read.
pub(super) fn judge(
    registry: &dyn Registry,
    settings: &PromotionConfig,
    (number, clusters): (u64, &Clusters),
    (rival, champion): (&Version, &Clusters),
) -> anyhow::Result<Verdict> {
    let plain = |message: String| Ok(Verdict::plain(number, Some(rival.number), false, message));
    if let Err(mismatch) = champion.fits(clusters.schema()) {
        let why = format!("it is of other records than the champion {rival}: {mismatch}");
        return plain(why);
    }
    let records = match registry.info(number)?.run {
        Some(run) => registry.artifact(&run, TRAINING_SET)?,
        None => None,
    };
    let Some(records) = records else {
        let why = "the records it was found in are not kept (prepare.keep_training_set)";
        return plain(why.to_owned());
    };
    let batch = read_records(&records)?;
    let ours = clusters.silhouette(&batch, &clusters.predict(&batch)?);
    let theirs = clusters.silhouette(&batch, &champion.predict(&batch)?);
    // Where all records are in one of its clusters, the champion separates nothing.
    let (ours, theirs) = (ours.unwrap_or(-1.0), theirs.unwrap_or(-1.0));
    let least = theirs - settings.silhouette_margin;
    let check = Check {
        name: "silhouette".to_owned(),
        passes: ours >= least,
        message: format!(
            "{ours:.4} with {} clusters, the champion's {theirs:.4} with {}; allowed down to {least:.4}",
            clusters.report().clusters,
            champion.report().clusters,
        ),
    };
    let rows = batch.num_rows();
    Ok(Verdict::of_checks(number, rival.number, rows, vec![check]))
}
