//! Segments of a market: clusters of listings as one more thing that is known of each.
//!
//! Appraisers look for sales in the subject's own segment before they look for sales alike. Here the
//! segment is a category that is computed from a record's numbers; everything that takes a category
//! takes it: the line a weight for each, trees their mean prices, the ratio study a part for each.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Schema as ArrowSchema};
use ndarray::Array2;
use records::{Field, Kind, Schema};
use serde::{Deserialize, Serialize};

use super::columns::{self, Feature};
use super::error::ClusteringError;
use super::kmeans;
use crate::part_error::PartError;

/// The field's name; a schema that has one of its own keeps it.
pub(crate) const SEGMENT: &str = "segment";
/// Starts of k-means.
const STARTS: usize = 30;

/// Segments of listings, fitted on training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Segments {
    /// The numbers that listings are compared by.
    features: Vec<Feature>,
    /// By segment, standardised.
    centres: Vec<Vec<f64>>,
}

impl Segments {
    /// Fits so many segments on `rows` of a batch, by the schema's numbers. `None` where there are no
    /// numbers that vary, or fewer distinct listings than segments.
    ///
    /// # Errors
    /// What k-means says.
    pub(crate) fn fit(
        schema: &Schema,
        batch: &RecordBatch,
        rows: &[usize],
        segments: usize,
        seed: u64,
    ) -> Result<Option<Segments>, ClusteringError> {
        let mut numbers = schema.clone();
        let features: Vec<String> = schema
            .features()
            .filter(|field| matches!(field.kind, Kind::Number | Kind::Integer))
            .map(|field| field.name.clone())
            .collect();
        numbers
            .fields
            .retain(|field| features.contains(&field.name));
        let (features, _) = columns::fit(&numbers, batch, rows)?;
        if features.is_empty() {
            return Ok(None);
        }
        let table = columns::table(&features, batch, rows.iter().copied());
        let found = kmeans::kmeans(&table, segments, STARTS, seed)?;
        Ok(found.map(|found| Segments {
            features,
            centres: kmeans::rows_of(&found.centres),
        }))
    }

    /// The schema with the segment as a category; only of models, never of files and tables.
    pub(crate) fn schema(&self, schema: &Schema) -> Schema {
        let mut schema = schema.clone();
        schema.fields.push(Field::plain(SEGMENT, Kind::Category));
        schema
    }

    /// The batch with the segment of every row; as it is where it has a column of that name.
    pub(crate) fn extend<'a>(&self, batch: &'a RecordBatch) -> Cow<'a, RecordBatch> {
        if batch.column_by_name(SEGMENT).is_some() {
            return Cow::Borrowed(batch);
        }
        let table = columns::table(&self.features, batch, 0..batch.num_rows());
        let width = self.features.len();
        let numbers = self.centres.iter().flatten().copied().collect();
        let centres = Array2::from_shape_vec((self.centres.len(), width), numbers).expect(
            "the centres are of as many numbers as there are features: fitted so, or checked",
        );
        let names = kmeans::nearest(&table, &centres);
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(
            names.into_iter().map(|segment| segment.to_string()),
        ));
        let segment = arrow_schema::Field::new(SEGMENT, DataType::Utf8, true);
        let mut fields = batch.schema().fields().to_vec();
        fields.push(Arc::new(segment));
        let columns = batch.columns().iter().cloned().chain([names]).collect();
        let extended = RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns)
            .expect("a batch takes one more column of as many rows");
        Cow::Owned(extended)
    }

    /// Whether a field is compared by.
    pub(crate) fn reads(&self, field: &str) -> bool {
        self.features.iter().any(|feature| feature.field == field)
    }

    /// What was read from a file is what a fit can give.
    ///
    /// # Errors
    /// States what is wrong.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), PartError> {
        columns::check(&self.features, schema)?;
        let width = self.features.len();
        let is_whole = |centre: &Vec<f64>| {
            centre.len() == width && centre.iter().all(|value| value.is_finite())
        };
        match self.centres.len() >= 2 && self.centres.iter().all(is_whole) {
            true => Ok(()),
            false => Err(PartError::Misfit(format!(
                "segments: expected two centres at least, of {width} finite numbers"
            ))),
        }
    }
}
