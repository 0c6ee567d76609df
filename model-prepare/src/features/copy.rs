//! Batches into tables, in PostgreSQL's binary COPY format.

use anyhow::Context;
use arrow_array::RecordBatch;
use bytes::BytesMut;
use common::progress::Stage;
use pgpq::ArrowToPostgresBinaryEncoder;
use sqlx::PgConnection;

/// Rows encoded at a time: the server takes some in while others are encoded.
const CHUNK: usize = 4096;

/// Copies a batch into a table (as SQL names it) whose columns are called as the batch's.
///
/// # Errors
/// When the server does not take it.
pub(super) async fn copy(
    connection: &mut PgConnection,
    table: &str,
    batch: &RecordBatch,
) -> anyhow::Result<()> {
    if batch.num_rows() == 0 {
        return Ok(());
    }
    let stage = Stage::start(format!("writing {table}"));
    let schema = batch.schema();
    let names: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| super::target::quoted(field.name()))
        .collect();
    let statement = format!(
        "COPY {table} ({}) FROM STDIN WITH (FORMAT binary)",
        names.join(", ")
    );
    let mut encoder = ArrowToPostgresBinaryEncoder::try_new(&schema)
        .context("a column cannot be copied to PostgreSQL")?;
    let refused = || format!("the database does not take rows of {table}");
    let mut copy = connection
        .copy_in_raw(&statement)
        .await
        .with_context(refused)?;
    let mut buffer = BytesMut::new();
    encoder.write_header(&mut buffer)?;
    for begin in (0..batch.num_rows()).step_by(CHUNK) {
        let chunk = batch.slice(begin, CHUNK.min(batch.num_rows() - begin));
        encoder.write_batch(&chunk, &mut buffer)?;
        copy.send(&buffer[..]).await.with_context(refused)?;
        buffer.clear();
        stage.add(chunk.num_rows() as u64);
    }
    encoder.write_footer(&mut buffer)?;
    copy.send(&buffer[..]).await.with_context(refused)?;
    copy.finish().await.with_context(refused)?;
    Ok(())
}
