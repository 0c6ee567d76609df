//! The values of a category's levels by the numbers of their names.

use super::target_mean::TargetMeans;
use crate::name_codes::{ByName, ByPair, Code, NameList, Named};

/// The values of a level, see [`TargetMeans::values`].
type Values = [f32; TargetMeans::MOST_WIDTH];

/// The values of a category's levels by number.
#[derive(Debug)]
pub(crate) enum LevelNames {
    /// Whatever their group.
    Alone(ByName<Values>),
    /// Within a group; by group those of a level that is not known in it.
    Within {
        pairs: ByPair<Values>,
        unknown: ByName<Values>,
    },
}

impl LevelNames {
    /// The values of a row's level.
    #[inline]
    pub(super) fn values(&self, names: &[Code]) -> Values {
        match self {
            LevelNames::Alone(by_name) => *by_name.get(names),
            LevelNames::Within { pairs, unknown } => {
                *pairs.get(names).unwrap_or_else(|| unknown.get(names))
            }
        }
    }

    /// Of a field's levels, whose names are in the list; `None` where it has none of them.
    pub(super) fn of(means: &TargetMeans, field: &str, list: &NameList) -> Option<LevelNames> {
        let Some(group_field) = means.within() else {
            let values = list.by_name(field, |named| match named {
                Named::Unknown => means.unknown(Some("")),
                Named::Absent => means.values(None, None),
                Named::Name(name) => means.values(None, Some(name)),
            })?;
            return Some(LevelNames::Alone(values));
        };
        let unknown = list.by_name(group_field, |named| match named {
            Named::Unknown => means.unknown(None),
            Named::Absent => means.unknown(Some("")),
            Named::Name(name) => means.unknown(Some(name)),
        })?;
        let fields = (group_field, field);
        let pairs = list.by_pair(fields, |group, level| means.values(group, level))?;
        Some(LevelNames::Within { pairs, unknown })
    }
}
