//! The names of the trees' columns, numbered, so that a row's names are looked up once for all parts of a model.

use super::TreeFeatures;
use super::level_names::LevelNames;
use super::made::Made;
use crate::name_codes::NameList;

impl TreeFeatures {
    /// Adds every name that a column tells from others.
    pub(crate) fn list_names<'a>(&'a self, list: &mut NameList<'a>) {
        for column in &self.columns {
            let Made::Level(means) = &column.made else {
                continue;
            };
            means
                .pairs()
                .for_each(|(_, level)| list.add(&column.field, level));
            if let Some(group) = means.within() {
                means.groups().for_each(|name| list.add(group, name));
            }
        }
    }

    /// Adds every level within a group that a column tells from others; all names are in the list.
    pub(crate) fn list_pairs<'a>(&'a self, list: &mut NameList<'a>) {
        for column in &self.columns {
            let Made::Level(means) = &column.made else {
                continue;
            };
            let Some(within) = means.within() else {
                continue;
            };
            let fields = (within, column.field.as_str());
            for (group, level) in means.pairs() {
                for group in either(group) {
                    for level in either(level) {
                        list.add_pair(fields, group, level);
                    }
                }
            }
        }
    }

    /// The values of levels by the numbers of names, by column; none of what is made of something else.
    pub(crate) fn by_names(&self, list: &NameList) -> Vec<Option<LevelNames>> {
        let columns = self.columns.iter().map(|column| match &column.made {
            Made::Level(means) => LevelNames::of(means, &column.field, list),
            _ => None,
        });
        columns.collect()
    }
}

/// How a record may have a name: what is not given is taken for an empty text.
fn either(name: &str) -> Vec<Option<&str>> {
    match name {
        "" => vec![Some(name), None],
        _ => vec![Some(name)],
    }
}
