//! Where the columns that a model reads are in a batch or a record: looked up by name once for a schema,
//! not once for a batch.

use std::sync::{Arc, RwLock};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

/// Schemas whose columns are remembered. A service has one for each purpose; what is over is looked up
/// again for each batch.
const MOST_SCHEMAS: usize = 8;

/// The place of a column in a batch.
pub(crate) fn position(batch: &RecordBatch, name: &str) -> Option<usize> {
    let (place, _) = batch.schema_ref().column_with_name(name)?;
    Some(place)
}

/// Where a field stands, and where its partner does, for what is made of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) field: Option<usize>,
    pub(crate) partner: Option<usize>,
}

/// Where the columns that an estimator reads stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    /// Of the linear design, by block.
    pub(crate) linear_design: Vec<Place>,
    /// Of the trees' frame, by column.
    pub(crate) tree_features: Vec<Place>,
    /// Of the segments' widths.
    pub(crate) widths: Option<usize>,
    /// Of what was learned, by field.
    pub(crate) known: Vec<Option<usize>>,
    /// Of names, by the place of their field among the numbers of a row's names.
    pub(crate) names: Vec<Option<usize>>,
}

#[derive(Debug, Clone)]
struct Known {
    schema: SchemaRef,
    places: Arc<Places>,
    /// Whether the columns have been found to be those that the model needs.
    checked: bool,
}

/// The places by schema, which is identified by its address: the batches of a decoder have one schema. It makes
/// no difference to equality, and a copy looks up again.
#[derive(Debug, Default)]
pub(crate) struct Bindings(RwLock<Vec<Known>>);

impl Bindings {
    /// The places of the columns of a schema; `find` looks them up.
    pub(crate) fn places(&self, schema: &SchemaRef, find: impl FnOnce() -> Places) -> Arc<Places> {
        if let Some(known) = self.known(schema) {
            return known.places;
        }
        let places = Arc::new(find());
        self.keep(Known {
            schema: Arc::clone(schema),
            places: Arc::clone(&places),
            checked: false,
        });
        places
    }

    /// Checks the columns of a schema, unless that was done: `check` is then not asked.
    ///
    /// # Errors
    /// What `check` says.
    pub(crate) fn check<E>(
        &self,
        schema: &SchemaRef,
        find: impl FnOnce() -> Places,
        check: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        if self.known(schema).is_some_and(|known| known.checked) {
            return Ok(());
        }
        check()?;
        let places = self.places(schema, find);
        self.keep(Known {
            schema: Arc::clone(schema),
            places,
            checked: true,
        });
        Ok(())
    }

    fn known(&self, schema: &SchemaRef) -> Option<Known> {
        let known = self.0.read().ok()?;
        let mut found = known.iter();
        found
            .find(|known| Arc::ptr_eq(&known.schema, schema))
            .cloned()
    }

    /// Remembers a schema, in place of what was known of it, or of the oldest where there are too many.
    fn keep(&self, seen: Known) {
        // A lock that a panic has poisoned: the columns are looked up again each time.
        let Ok(mut known) = self.0.write() else {
            return;
        };
        known.retain(|known| !Arc::ptr_eq(&known.schema, &seen.schema));
        if known.len() == MOST_SCHEMAS {
            known.remove(0);
        }
        known.push(seen);
    }
}

impl Clone for Bindings {
    fn clone(&self) -> Bindings {
        Bindings::default()
    }
}

impl PartialEq for Bindings {
    fn eq(&self, _: &Bindings) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_schema::Schema;

    fn places(widths: usize) -> Places {
        Places {
            linear_design: Vec::new(),
            tree_features: Vec::new(),
            widths: Some(widths),
            known: Vec::new(),
            names: Vec::new(),
        }
    }

    #[test]
    fn a_schema_is_looked_up_and_checked_once_and_no_more_are_kept_than_there_is_room_for() {
        let schemas: Vec<SchemaRef> = (0..20).map(|_| Arc::new(Schema::empty())).collect();
        let bindings = Bindings::default();
        for (number, schema) in schemas.iter().enumerate() {
            let refused = bindings.check(schema, || places(number), || Err("no"));
            assert_eq!(refused, Err("no"), "what is refused is asked again");
            let taken: Result<(), ()> = bindings.check(schema, || places(number), || Ok(()));
            assert_eq!(taken, Ok(()));
            let again = bindings.check(schema, || places(99), || Err("asked twice"));
            assert_eq!(again, Ok(()));
            assert_eq!(*bindings.places(schema, || places(99)), places(number));
        }
        assert_eq!(bindings.0.read().unwrap().len(), MOST_SCHEMAS);
        assert_eq!(*bindings.places(&schemas[0], || places(99)), places(99));
    }
}
