//! A model's files as bytes and back: a follower that starts on another machine finds its base.

use std::path::Path;

use anyhow::Context;
use valuation::Model;

use crate::run_files::staging::Staging;

/// Names and contents.
type Files = Vec<(String, Vec<u8>)>;

/// The files of a model; written below `registry` on the way.
pub(super) fn pack(model: &Model, registry: &Path) -> anyhow::Result<Vec<u8>> {
    let staging = Staging::new(registry)?;
    model.save(staging.path())?;
    let mut files = Files::new();
    for entry in std::fs::read_dir(staging.path())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.push((name, std::fs::read(entry.path())?));
    }
    files.sort();
    Ok(postcard::to_allocvec(&files)?)
}

/// The model of such bytes, verified as any other.
pub(super) fn unpack(bytes: &[u8], registry: &Path) -> anyhow::Result<Model> {
    let broken = "the follower's base in the table follows cannot be read: begin --afresh";
    let files: Files = postcard::from_bytes(bytes).context(broken)?;
    let staging = Staging::new(registry)?;
    for (name, content) in files {
        std::fs::write(staging.path().join(name), content)?;
    }
    Model::load(staging.path()).context(broken)
}
