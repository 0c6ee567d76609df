//! From a record's fields to the columns of the linear design; fitted on training rows only.

mod block_names;
mod column;
mod directions;
mod edge;
mod level_limits;
mod level_mean;
mod names;
mod number;
mod numbering;
mod one_hot;
mod out_of_fold;
mod training_rows;

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use records::{Kind, Schema};
use serde::{Deserialize, Serialize};

pub(crate) use self::block_names::BlockNames;
pub(crate) use self::column::{Column, Says};
use self::edge::Edge;
pub(crate) use self::level_limits::LevelLimits;
use self::level_mean::LevelMeans;
use self::number::Number;
use self::numbering::Numbering;
use self::one_hot::OneHot;
pub(crate) use self::out_of_fold::OutOfFoldColumns;
use crate::binding::{Place, position};
use crate::cells::Cells;
use crate::linear::{Linear, SparseRow};
use crate::name_codes::Code;
use crate::part_error::PartError;

/// Categories with more levels are encoded by their levels' means; the group field never is.
const ONE_HOT_LEVELS: usize = 60;

/// What one field, or pair of fields, becomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Encoding {
    Number(Number),
    OneHot(OneHot),
    LevelMeans(LevelMeans),
    Edge(Edge),
}

/// A field and its encoding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Block {
    /// The record's field.
    field: String,
    /// What is made of it.
    encoding: Encoding,
}

impl Block {
    /// A second field that the encoding reads.
    fn partner(&self) -> Option<&str> {
        match &self.encoding {
            Encoding::LevelMeans(means) => Some(means.group()),
            Encoding::Edge(edge) => Some(edge.total()),
            Encoding::Number(_) | Encoding::OneHot(_) => None,
        }
    }

    fn columns(&self) -> Vec<usize> {
        match &self.encoding {
            Encoding::Number(number) => number.columns(),
            Encoding::OneHot(one_hot) => one_hot.columns(),
            Encoding::LevelMeans(means) => vec![means.column()],
            Encoding::Edge(edge) => edge.columns().to_vec(),
        }
    }

    /// Kinds that the fields must be of.
    fn takes(&self, kind: Kind) -> bool {
        match &self.encoding {
            Encoding::Number(_) => !matches!(kind, Kind::Category | Kind::Text),
            Encoding::OneHot(_) | Encoding::LevelMeans(_) => kind == Kind::Category,
            Encoding::Edge(_) => kind == Kind::Integer,
        }
    }

    fn check(&self, schema: &Schema) -> Result<(), PartError> {
        for name in [Some(self.field.as_str()), self.partner()]
            .into_iter()
            .flatten()
        {
            let field = crate::check::field(schema, name)?;
            if !self.takes(field.kind) {
                return Err(PartError::Misfit(format!(
                    "{name:?} is of kind {:?}",
                    field.kind
                )));
            }
        }
        match &self.encoding {
            Encoding::Number(number) => number.check(),
            Encoding::OneHot(one_hot) => one_hot.check(),
            Encoding::LevelMeans(means) => means.check(),
            Encoding::Edge(_) => Ok(()),
        }
    }
}

/// The fitted features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearDesign {
    /// In the order of the schema's fields.
    blocks: Vec<Block>,
    /// Columns of the design.
    width: usize,
}

impl LinearDesign {
    /// Fits on `rows` of `batch`; `logs` are the log targets of `rows`. Also gives the rows' values of
    /// columns made from targets, out of fold: [`LinearDesign::each_trained`] writes the rows with them.
    pub(crate) fn fit(
        schema: &Schema,
        batch: &RecordBatch,
        rows: &[usize],
        logs: &[f64],
        group: Option<&str>,
        limits: LevelLimits,
    ) -> (LinearDesign, OutOfFoldColumns) {
        let mut columns = Numbering::default();
        let mut blocks = Vec::new();
        let mut out_of_fold = OutOfFoldColumns::default();
        let times = schema.time.iter().filter_map(|name| schema.field(name));
        for field in schema.features().chain(times) {
            let cells = Cells::of(batch, &field.name);
            let encoding = match field.kind {
                Kind::Text => None,
                Kind::Category => {
                    let counts = level_counts(cells, rows);
                    let of_many = counts.len() > ONE_HOT_LEVELS;
                    match group.filter(|group| of_many && *group != field.name) {
                        Some(group) => {
                            let groups = Cells::of(batch, group);
                            let (means, columns_of_rows) =
                                LevelMeans::fit(cells, groups, group, rows, logs, &mut columns);
                            out_of_fold.insert(means.column(), columns_of_rows);
                            Some(Encoding::LevelMeans(means))
                        }
                        None if counts.is_empty() => None,
                        None => {
                            let one_hot = OneHot::fit(counts, rows.len(), limits, &mut columns);
                            Some(Encoding::OneHot(one_hot))
                        }
                    }
                }
                kind => Number::fit(cells, kind, rows, &mut columns).map(Encoding::Number),
            };
            blocks.extend(encoding.map(|encoding| Block {
                field: field.name.clone(),
                encoding,
            }));
            let total = format!("{}s_total", field.name);
            let is_counted = schema
                .features()
                .any(|other| other.name == total && other.kind == Kind::Integer);
            if field.kind == Kind::Integer && is_counted {
                blocks.push(Block {
                    field: field.name.clone(),
                    encoding: Encoding::Edge(Edge::new(total, &mut columns)),
                });
            }
        }
        let features = LinearDesign {
            blocks,
            width: columns.used(),
        };
        (features, out_of_fold)
    }

    /// Columns of the design.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Every name of a category that it says something of, with its field.
    pub(crate) fn each_name<'a>(&'a self, add: &mut dyn FnMut(&'a str, &'a str)) {
        for block in &self.blocks {
            let mut own = |name: &'a str| add(&block.field, name);
            match &block.encoding {
                Encoding::OneHot(one_hot) => one_hot.names().for_each(&mut own),
                Encoding::LevelMeans(means) => means.names().for_each(&mut own),
                Encoding::Number(_) | Encoding::Edge(_) => {}
            }
        }
    }

    /// How prices go on beyond the ends of sizes as a line says it, by field: below the least and above the
    /// greatest.
    pub(crate) fn elasticities(&self, line: &Linear) -> BTreeMap<String, [f64; 2]> {
        let of = |block: &Block| match &block.encoding {
            Encoding::Number(number) => {
                let found = number.elasticities(&line.weights)?;
                Some((block.field.clone(), found))
            }
            _ => None,
        };
        self.blocks.iter().filter_map(of).collect()
    }

    /// The field each column stands for.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let mut fields = vec![""; self.width];
        for block in &self.blocks {
            for column in block.columns() {
                fields[column] = &block.field;
            }
        }
        fields
    }

    /// What each column says, and how far it reaches: by column.
    pub(crate) fn describe(&self) -> Vec<Column<'_>> {
        let mut described: Vec<Column> = self
            .blocks
            .iter()
            .flat_map(|block| {
                let columns = match &block.encoding {
                    Encoding::Number(number) => number.describe(),
                    Encoding::OneHot(one_hot) => one_hot.describe(),
                    Encoding::LevelMeans(means) => means.describe(),
                    Encoding::Edge(edge) => edge.describe(),
                };
                columns.into_iter().map(|column| Column {
                    field: &block.field,
                    ..column
                })
            })
            .collect();
        described.sort_by_key(|column| column.number);
        described
    }

    /// Whether the model reads a field of a record.
    pub(crate) fn reads(&self, field: &str) -> bool {
        self.blocks
            .iter()
            .any(|block| block.field == field || block.partner() == Some(field))
    }

    /// Whether what was read from a file is what a fit can give: every column is there once, every
    /// field is the schema's and of the right kind, every number can be computed with.
    ///
    /// # Errors
    /// States which block and what is wrong with it.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), PartError> {
        let mut used = vec![false; self.width];
        for block in &self.blocks {
            let at = |error: PartError| error.at(&format!("feature {:?}", block.field));
            let misfit = |detail: String| at(PartError::Misfit(detail));
            block.check(schema).map_err(at)?;
            for column in block.columns() {
                match used.get_mut(column) {
                    Some(used) if !*used => *used = true,
                    Some(_) => return Err(misfit(format!("column {column} is taken twice"))),
                    None => {
                        return Err(misfit(format!(
                            "column {column}, expected one below {}",
                            self.width
                        )));
                    }
                }
            }
        }
        match used.iter().position(|used| !used) {
            Some(column) => Err(PartError::Misfit(format!(
                "no feature fills column {column}"
            ))),
            None => Ok(()),
        }
    }

    /// Where the blocks' columns stand, by a field's name.
    pub(crate) fn places(&self, find: &dyn Fn(&str) -> Option<usize>) -> Vec<Place> {
        let place = |block: &Block| Place {
            field: find(&block.field),
            partner: block.partner().and_then(find),
        };
        self.blocks.iter().map(place).collect()
    }

    /// Looks the blocks' columns up in a batch.
    pub(crate) fn bind<'a>(&'a self, batch: &'a RecordBatch) -> Bound<'a> {
        let places = self.places(&|name| position(batch, name));
        self.bind_at(&places, &|place| Cells::from(batch.column(place)), &[])
    }

    /// The blocks at places that are known; `cells` gives the column of a place. `by_names` are the blocks by the
    /// numbers of names, where rows come with those; without, names are looked up by their texts.
    pub(crate) fn bind_at<'a>(
        &'a self,
        places: &[Place],
        cells: &dyn Fn(usize) -> Cells<'a>,
        by_names: &'a [Option<BlockNames>],
    ) -> Bound<'a> {
        let bound = |(at, (block, place)): (usize, (&'a Block, &Place))| BoundBlock {
            encoding: &block.encoding,
            cells: place.field.map_or(Cells::Absent, cells),
            partner: place.partner.map_or(Cells::Absent, cells),
            names: by_names.get(at).and_then(Option::as_ref),
        };
        let pairs = self.blocks.iter().zip(places).enumerate();
        Bound {
            blocks: pairs.map(bound).collect(),
        }
    }
}

fn level_counts<'a>(cells: Cells<'a>, rows: &[usize]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        if let Some(level) = cells.text(*row) {
            *counts.entry(level).or_default() += 1;
        }
    }
    counts
}

/// The features' columns in one batch.
pub(crate) struct Bound<'a> {
    blocks: Vec<BoundBlock<'a>>,
}

struct BoundBlock<'a> {
    encoding: &'a Encoding,
    cells: Cells<'a>,
    partner: Cells<'a>,
    /// The block by the numbers of names; none where they are looked up by their texts.
    names: Option<&'a BlockNames>,
}

impl Bound<'_> {
    /// Writes a row of the design; `out` is emptied first. Names are looked up by their texts.
    pub(crate) fn write(&self, row: usize, out: &mut SparseRow) {
        self.write_named(row, &[], out);
    }

    /// The same of blocks that were bound by the numbers of names; `names` are those of the row.
    pub(crate) fn write_named(&self, row: usize, names: &[Code], out: &mut SparseRow) {
        out.clear();
        for block in &self.blocks {
            let BoundBlock { cells, partner, .. } = block;
            match block.encoding {
                Encoding::Number(number) => number.write(cells.number(row), out),
                Encoding::OneHot(one_hot) => {
                    let encoded = match block.names {
                        Some(BlockNames::OneHot(by_name)) => *by_name.get(names),
                        _ => one_hot.encoded(cells.text(row)),
                    };
                    one_hot.write(encoded, out);
                }
                Encoding::LevelMeans(means) => {
                    let value = match block.names {
                        // 0 where the level is not known in its group.
                        Some(BlockNames::LevelMeans(by_pair)) => {
                            by_pair.get(names).copied().unwrap_or(0.0)
                        }
                        _ => means.value(partner.text(row), cells.text(row)),
                    };
                    means.write(value, out);
                }
                Encoding::Edge(edge) => edge.write(cells, partner, row, out),
            }
        }
    }
}
