//! What the values of the trees' row mean, for anyone who keeps them beside the records.

use super::TreeFeatures;
use super::made::Made;

/// What a value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning<'a> {
    /// What the record's field says itself, or the line's column of it.
    Plain,
    /// Where in the year a time lies, 0 to 1.
    Season {
        /// The field.
        field: &'a str,
    },
    /// A field over another.
    Ratio {
        /// The field.
        field: &'a str,
        /// What it is divided by.
        over: &'a str,
    },
    /// Latitude and longitude along another axis.
    Turned,
    /// What a level costs: the mean log target.
    LevelMean {
        /// The category.
        field: &'a str,
        /// The category within whose levels it counts.
        within: Option<&'a str>,
    },
    /// How many rows have a level.
    LevelRows {
        /// The category.
        field: &'a str,
        /// The category within whose levels it counts.
        within: Option<&'a str>,
    },
    /// The number by which trees know a level.
    LevelCode,
    /// What a level costs beyond what a line in the numbers says: the mean of its residuals, in log target.
    LevelResidual {
        /// The category.
        field: &'a str,
        /// The category within whose levels it counts.
        within: Option<&'a str>,
    },
}

impl TreeFeatures {
    /// What each value of a row says, in the order of the values.
    pub(crate) fn meanings(&self) -> Vec<Meaning<'_>> {
        let mut meanings = Vec::with_capacity(self.width());
        for column in &self.columns {
            let field = column.field.as_str();
            match &column.made {
                Made::Value | Made::Trend { .. } => meanings.push(Meaning::Plain),
                Made::Season => meanings.push(Meaning::Season { field }),
                Made::Ratio { over } => meanings.push(Meaning::Ratio { field, over }),
                Made::Rotated { .. } => meanings.push(Meaning::Turned),
                Made::Level(means) => {
                    let within = means.within();
                    meanings.extend([
                        Meaning::LevelMean { field, within },
                        Meaning::LevelRows { field, within },
                        Meaning::LevelCode,
                    ]);
                    let residual = Meaning::LevelResidual { field, within };
                    meanings.extend(means.has_residuals().then_some(residual));
                }
            }
        }
        meanings
    }
}
