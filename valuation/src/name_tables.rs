//! What all parts of a model have learned of names, by the numbers of the names: a row's names are looked up once,
//! and not by each part again.

use std::collections::{BTreeMap, BTreeSet};

use crate::known::Known;
use crate::linear_design::{BlockNames, LinearDesign};
use crate::mondrian::Widths;
use crate::name_codes::{ByName, NameCodes, NameList, Named};
use crate::tree_features::{LevelNames, TreeFeatures};

/// Names by field.
pub(crate) type Names<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The parts of a model that read names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NameReaders<'a> {
    pub(crate) linear_design: Option<&'a LinearDesign>,
    pub(crate) tree_features: Option<&'a TreeFeatures>,
    pub(crate) widths: Option<&'a Widths>,
    pub(crate) known: Option<&'a Known>,
}

impl<'a> NameReaders<'a> {
    /// The names that a price is made from: another one is taken for an average, or for a rare one.
    pub(crate) fn learned(&self) -> Names<'a> {
        let mut names = Names::new();
        let mut add = |field, name| {
            names.entry(field).or_default().insert(name);
        };
        if let Some(linear_design) = self.linear_design {
            linear_design.each_name(&mut add);
        }
        if let Some(tree_features) = self.tree_features {
            tree_features.each_name(&mut add);
        }
        names
    }
}

/// The numbers of a model's names, and by them what each part has of a name.
#[derive(Debug)]
pub(crate) struct NameTables {
    pub(crate) codes: NameCodes,
    /// By block of the linear design; none of what reads no names.
    pub(crate) linear_design: Vec<Option<BlockNames>>,
    /// By column of the trees' features; none of what reads no names.
    pub(crate) tree_features: Vec<Option<LevelNames>>,
    /// How many times as wide as elsewhere ranges are.
    pub(crate) widths: Option<ByName<f64>>,
    /// Whether a name is outside of what is known, by known field; none of numbers.
    pub(crate) known: Vec<Option<ByName<bool>>>,
    /// Whether a name is not among those that prices are made from, by field in alphabetical order.
    pub(crate) unseen: Vec<ByName<bool>>,
}

impl NameTables {
    /// Of all parts of a model.
    pub(crate) fn of(readers: NameReaders) -> NameTables {
        let NameReaders {
            linear_design,
            tree_features,
            widths,
            known,
        } = readers;
        let mut list = NameList::default();
        if let Some(linear_design) = linear_design {
            linear_design.list_names(&mut list);
        }
        if let Some(tree_features) = tree_features {
            tree_features.list_names(&mut list);
        }
        if let Some(widths) = widths {
            widths.list_names(&mut list);
        }
        if let Some(known) = known {
            known.list_names(&mut list);
        }
        // Behind all names: pairs go by their numbers.
        if let Some(linear_design) = linear_design {
            linear_design.list_pairs(&mut list);
        }
        if let Some(tree_features) = tree_features {
            tree_features.list_pairs(&mut list);
        }
        let learned = readers.learned();
        let unseen = learned.iter().filter_map(|(field, names)| {
            list.by_name(field, |named| match named {
                Named::Unknown => true,
                Named::Absent => false,
                Named::Name(name) => !names.contains(name),
            })
        });
        NameTables {
            unseen: unseen.collect(),
            linear_design: linear_design.map_or_else(Vec::new, |part| part.by_names(&list)),
            tree_features: tree_features.map_or_else(Vec::new, |part| part.by_names(&list)),
            widths: widths.and_then(|part| part.by_names(&list)),
            known: known.map_or_else(Vec::new, |part| part.by_names(&list)),
            codes: list.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binding::position;
    use crate::cells::Cells;
    use crate::linear::SparseRow;
    use crate::linear_design::LevelLimits;
    use crate::tree_features::LevelTargets;
    use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
    use records::Schema;
    use std::sync::Arc;

    const SCHEMA: &str = r#"
name = "homes"
version = 1
task = "regression"
table = "homes"
key = "id"
target = "price"
field = [
    { name = "id", kind = "text", required = true },
    { name = "price", kind = "number", required = true },
    { name = "area", kind = "number" },
    { name = "city", kind = "category" },
    { name = "street", kind = "category" },
    { name = "kind", kind = "category" },
]
"#;

    type Row<'a> = (f64, Option<&'a str>, Option<&'a str>, Option<&'a str>);

    fn batch(rows: &[Row]) -> RecordBatch {
        let text = |of: fn(&Row) -> Option<String>| -> ArrayRef {
            Arc::new(rows.iter().map(of).collect::<StringArray>())
        };
        let areas: Float64Array = rows.iter().map(|row| Some(row.0)).collect();
        RecordBatch::try_from_iter_with_nullable([
            ("area", Arc::new(areas) as ArrayRef, true),
            ("city", text(|row| row.1.map(str::to_owned)), true),
            ("street", text(|row| row.2.map(str::to_owned)), true),
            ("kind", text(|row| row.3.map(str::to_owned)), true),
        ])
        .unwrap()
    }

    #[test]
    fn every_part_finds_by_number_what_it_finds_by_text() {
        let schema = Schema::parse(SCHEMA, "homes").unwrap();
        // Streets of which some are in two cities, are not given, or have an empty name.
        let streets: Vec<String> = (0..89).map(|street| format!("street{street}")).collect();
        let cities = [Some("a"), Some("b"), Some(""), None, Some("c")];
        let trained: Vec<Row> = (0..3000)
            .map(|row| {
                let street = match row % 31 {
                    0 => None,
                    1 => Some(""),
                    _ => Some(streets[row * 7 % 89].as_str()),
                };
                let kind = [Some("brick"), Some("panel"), None][row % 11 % 3];
                (20.0 + (row % 83) as f64, cities[row % 5], street, kind)
            })
            .collect();
        let learned_from = batch(&trained);
        let rows: Vec<usize> = (0..trained.len()).collect();
        let logs: Vec<f64> = rows
            .iter()
            .map(|row| (row * 17 % 101) as f64 / 50.0)
            .collect();
        let group = Some("city");
        let limits = LevelLimits {
            max_levels: 40,
            min_level_rows: 5,
        };
        let (design, _) = LinearDesign::fit(&schema, &learned_from, &rows, &logs, group, limits);
        let (features, _) = {
            let residuals: Vec<f64> = logs.iter().map(|log| log / 2.0).collect();
            let of_levels = LevelTargets {
                logs: &logs,
                residuals: Some(&residuals),
            };
            TreeFeatures::fit(&schema, &learned_from, &rows, of_levels, group)
        };
        let known = Known::of(&schema, &learned_from, &rows, |_| 2.0);
        let scores: Vec<f64> = rows
            .iter()
            .map(|row| (row % 97) as f64 * if row % 5 == 1 { 3.0 } else { 1.0 })
            .collect();
        let segments = trained.iter().map(|row| row.1);
        let widths = Widths::fit("city", segments, &scores, 0.9).unwrap();
        let readers = NameReaders {
            linear_design: Some(&design),
            tree_features: Some(&features),
            widths: Some(&widths),
            known: Some(&known),
        };
        let tables = NameTables::of(readers);
        assert!(tables.linear_design.iter().flatten().count() >= 3);
        assert!(tables.tree_features.iter().flatten().count() >= 4);
        assert_eq!(tables.known.iter().flatten().count(), 3);
        assert!(tables.widths.is_some());

        let mut asked = trained[..400].to_vec();
        for city in [
            Some("a"),
            Some(""),
            None,
            Some("elsewhere"),
            Some("street3"),
        ] {
            for street in [Some("street3"), Some(""), None, Some("nowhere"), Some("a")] {
                for kind in [Some("brick"), None, Some("straw")] {
                    asked.push((500.0, city, street, kind));
                }
            }
        }
        let batch = batch(&asked);
        let find = |name: &str| position(&batch, name);
        let cells = |place: usize| Cells::from(batch.column(place));
        let fields = tables.codes.fields();
        let of_names = fields.map(|field| find(field).map_or(Cells::Absent, cells));
        let names = tables.codes.bind(of_names.collect());
        let design_places = design.places(&find);
        let features_places = features.places(&find);
        let known_places = known.places(&find);
        let by_text = (
            design.bind(&batch),
            features.bind(&batch),
            known.bind_at(&known_places, &cells, &[]),
        );
        let by_number = (
            design.bind_at(&design_places, &cells, &tables.linear_design),
            features.bind_at(&features_places, &cells, &tables.tree_features),
            known.bind_at(&known_places, &cells, &tables.known),
        );
        let learned = readers.learned();
        for (row, asked) in asked.iter().enumerate() {
            let mut numbers = Vec::new();
            names.write(row, &mut numbers);
            let (mut one, mut other) = (SparseRow::new(), SparseRow::new());
            by_text.0.write(row, &mut one);
            by_number.0.write_named(row, &numbers, &mut other);
            assert_eq!(one, other, "the line of {asked:?}");
            let (mut one, mut other) = (Vec::new(), Vec::new());
            by_text.1.write(row, &mut one);
            by_number.1.write_named(row, &numbers, &mut other);
            let bits = |values: &[f32]| -> Vec<u32> {
                values.iter().map(|value| value.to_bits()).collect()
            };
            assert_eq!(bits(&one), bits(&other), "the features of {asked:?}");
            let of_city = find("city").map_or(Cells::Absent, cells);
            let width = tables.widths.as_ref().map(|widths| *widths.get(&numbers));
            assert_eq!(
                width,
                Some(widths.of(of_city, row)),
                "the width of {asked:?}"
            );
            let (one, other) = (
                by_text.2.factor(row, &[]),
                by_number.2.factor(row, &numbers),
            );
            assert_eq!(one, other, "the factor of {asked:?}");
            let (one, other) = (
                by_text.2.warnings(row, &[]),
                by_number.2.warnings(row, &numbers),
            );
            assert_eq!(one, other, "the warnings of {asked:?}");
            for unseen in &tables.unseen {
                let expected = names
                    .name(unseen.place(), row)
                    .is_some_and(|(field, name)| !learned[field].contains(name));
                assert_eq!(*unseen.get(&numbers), expected, "names of {asked:?}");
            }
        }
    }
}
