//! The names of the linear design, numbered, so that a row's names are looked up once for all parts of a model.

use super::block_names::BlockNames;
use super::{Encoding, LinearDesign};
use crate::name_codes::NameList;

impl LinearDesign {
    /// Adds every name that a block tells from others.
    pub(crate) fn list_names<'a>(&'a self, list: &mut NameList<'a>) {
        for block in &self.blocks {
            match &block.encoding {
                Encoding::OneHot(one_hot) => {
                    one_hot
                        .names()
                        .for_each(|name| list.add(&block.field, name));
                }
                Encoding::LevelMeans(means) => {
                    means.names().for_each(|name| list.add(&block.field, name));
                    let groups = means.groups();
                    groups.for_each(|name| list.add(means.group(), name));
                }
                Encoding::Number(_) | Encoding::Edge(_) => {}
            }
        }
    }

    /// Adds every level within a group that a block tells from others; all names are in the list.
    pub(crate) fn list_pairs<'a>(&'a self, list: &mut NameList<'a>) {
        for block in &self.blocks {
            if let Encoding::LevelMeans(means) = &block.encoding {
                let fields = (means.group(), block.field.as_str());
                means
                    .pairs()
                    .for_each(|(group, level)| list.add_pair(fields, group, Some(level)));
            }
        }
    }

    /// The blocks by the numbers of names, in their order.
    pub(crate) fn by_names(&self, list: &NameList) -> Vec<Option<BlockNames>> {
        let blocks = self.blocks.iter().map(|block| match &block.encoding {
            Encoding::OneHot(one_hot) => list
                .by_name(&block.field, |named| one_hot.encoded(named.text()))
                .map(BlockNames::OneHot),
            Encoding::LevelMeans(means) => list
                .by_pair((means.group(), &block.field), |group, level| {
                    means.value(group, level)
                })
                .map(BlockNames::LevelMeans),
            Encoding::Number(_) | Encoding::Edge(_) => None,
        });
        blocks.collect()
    }
}
