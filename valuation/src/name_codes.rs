//! Names by number: each name of a record is looked up by its text once for a row, and every part of a model reads
//! its number, which leads to what the part has learned of the name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::FixedState;

use crate::cells::Cells;

/// The number of a name in its field, or of a name within a group.
pub(crate) type Code = u32;

/// The number of a name that no part of the model has learned anything of.
const UNKNOWN: Code = 0;
/// The number where a record has no name.
const ABSENT: Code = 1;
/// The number of the first name.
const FIRST: Code = 2;

/// Numbers by key; the same in every process, and never asked for in any order.
type ByKey<K> = HashMap<K, Code, FixedState>;

/// What a number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// A name that no part of the model has learned anything of.
    Unknown,
    /// No name.
    Absent,
    /// This name.
    Name(&'a str),
}

impl<'a> Named<'a> {
    /// The name, where it is known.
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Named::Name(text) => Some(text),
            Named::Unknown | Named::Absent => None,
        }
    }
}

/// Names of the fields of a model while they are numbered: first all names, then all pairs of them.
#[derive(Debug, Default)]
pub(crate) struct NameList<'a> {
    fields: Vec<FieldList<'a>>,
    pairs: Vec<PairList<'a>>,
}

#[derive(Debug)]
struct FieldList<'a> {
    field: &'a str,
    codes: ByKey<&'a str>,
    /// By number from [`FIRST`] on.
    names: Vec<&'a str>,
}

#[derive(Debug)]
struct PairList<'a> {
    /// Places of the two fields.
    group: usize,
    level: usize,
    codes: ByKey<u64>,
    /// By number from 1 on: the names of group and level, if any.
    names: Vec<(Option<&'a str>, Option<&'a str>)>,
}

impl<'a> NameList<'a> {
    /// Numbers a name of a field, unless it has a number.
    pub(crate) fn add(&mut self, field: &'a str, name: &'a str) {
        let place = self.field(field).unwrap_or_else(|| {
            self.fields.push(FieldList {
                field,
                codes: ByKey::default(),
                names: Vec::new(),
            });
            self.fields.len() - 1
        });
        let list = &mut self.fields[place];
        if let Entry::Vacant(vacant) = list.codes.entry(name) {
            vacant.insert(FIRST + list.names.len() as Code);
            list.names.push(name);
        }
    }

    /// Numbers a level within a group; both names, where there are any, have been added to the fields.
    pub(crate) fn add_pair(
        &mut self,
        fields: (&str, &str),
        group: Option<&'a str>,
        level: Option<&'a str>,
    ) {
        let (Some(of_group), Some(of_level)) = (self.field(fields.0), self.field(fields.1)) else {
            return;
        };
        let key = key(
            self.fields[of_group].code(group),
            self.fields[of_level].code(level),
        );
        let place = self.pair_list(of_group, of_level).unwrap_or_else(|| {
            self.pairs.push(PairList {
                group: of_group,
                level: of_level,
                codes: ByKey::default(),
                names: Vec::new(),
            });
            self.pairs.len() - 1
        });
        let list = &mut self.pairs[place];
        if let Entry::Vacant(vacant) = list.codes.entry(key) {
            vacant.insert(UNKNOWN + 1 + list.names.len() as Code);
            list.names.push((group, level));
        }
    }

    /// What a part has learned of each number of a field; `None` of a field without names.
    pub(crate) fn by_name<T>(&self, field: &str, of: impl Fn(Named<'a>) -> T) -> Option<ByName<T>> {
        let place = self.field(field)?;
        let names = self.fields[place].names.iter();
        let named = names.map(|name| Named::Name(name));
        let all = [Named::Unknown, Named::Absent].into_iter().chain(named);
        Some(ByName {
            place,
            values: all.map(of).collect(),
        })
    }

    /// What a part has learned of each numbered pair of a group and a level, by their fields; `None` where there are no pairs.
    pub(crate) fn by_pair<T>(
        &self,
        fields: (&str, &str),
        of: impl Fn(Option<&'a str>, Option<&'a str>) -> T,
    ) -> Option<ByPair<T>> {
        let pair = self.pair_list(self.field(fields.0)?, self.field(fields.1)?)?;
        let names = self.pairs[pair].names.iter();
        Some(ByPair {
            // Pairs are behind the fields.
            place: self.fields.len() + pair,
            values: names.map(|(group, level)| of(*group, *level)).collect(),
        })
    }

    /// The numbers alone, for looking names up.
    pub(crate) fn finish(self) -> NameCodes {
        let fields = self.fields.into_iter().map(|list| FieldCodes {
            field: list.field.to_owned(),
            codes: owned(list.codes),
        });
        let pairs = self.pairs.into_iter().map(|list| PairCodes {
            group: list.group,
            level: list.level,
            codes: list.codes,
        });
        NameCodes {
            fields: fields.collect(),
            pairs: pairs.collect(),
        }
    }

    fn field(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|list| list.field == field)
    }

    fn pair_list(&self, group: usize, level: usize) -> Option<usize> {
        let mut lists = self.pairs.iter();
        lists.position(|list| (list.group, list.level) == (group, level))
    }
}

impl FieldList<'_> {
    fn code(&self, name: Option<&str>) -> Code {
        match name {
            Some(name) => self.codes.get(name).copied().unwrap_or(UNKNOWN),
            None => ABSENT,
        }
    }
}

fn owned(codes: ByKey<&str>) -> ByKey<Box<str>> {
    let codes = codes.into_iter();
    codes.map(|(name, code)| (name.into(), code)).collect()
}

fn key(group: Code, level: Code) -> u64 {
    u64::from(group) << 32 | u64::from(level)
}

/// What a part of a model has learned of the names of a field.
#[derive(Debug)]
pub(crate) struct ByName<T> {
    /// Where the number of a row is.
    place: usize,
    /// By number.
    values: Vec<T>,
}

impl<T> ByName<T> {
    /// What it has of a row's name; `row` are the numbers of [`BoundNames::write`].
    #[inline]
    pub(crate) fn get(&self, row: &[Code]) -> &T {
        &self.values[row[self.place] as usize]
    }

    /// The place of the field among those of [`BoundNames`].
    pub(crate) fn place(&self) -> usize {
        self.place
    }
}

/// What a part of a model has learned of the levels within groups.
#[derive(Debug)]
pub(crate) struct ByPair<T> {
    /// Where the number of a row is.
    place: usize,
    /// By number, from 1 on.
    values: Vec<T>,
}

impl<T> ByPair<T> {
    /// What it has of a row's level within its group, where the pair is known.
    #[inline]
    pub(crate) fn get(&self, row: &[Code]) -> Option<&T> {
        let number = row[self.place].checked_sub(UNKNOWN + 1)?;
        self.values.get(number as usize)
    }
}

/// The numbers of a model's names.
#[derive(Debug)]
pub(crate) struct NameCodes {
    fields: Vec<FieldCodes>,
    pairs: Vec<PairCodes>,
}

#[derive(Debug)]
struct FieldCodes {
    field: String,
    codes: ByKey<Box<str>>,
}

#[derive(Debug)]
struct PairCodes {
    /// Places of the two fields.
    group: usize,
    level: usize,
    codes: ByKey<u64>,
}

impl NameCodes {
    /// The fields, in the order of their places.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|of_field| of_field.field.as_str())
    }

    /// The fields in a batch; `cells` are those of each field.
    pub(crate) fn bind<'a>(&'a self, cells: Vec<Cells<'a>>) -> BoundNames<'a> {
        BoundNames { codes: self, cells }
    }
}

/// The columns of names in a batch.
pub(crate) struct BoundNames<'a> {
    codes: &'a NameCodes,
    /// By place.
    cells: Vec<Cells<'a>>,
}

impl<'a> BoundNames<'a> {
    /// How many numbers a row has.
    pub(crate) fn width(&self) -> usize {
        self.codes.fields.len() + self.codes.pairs.len()
    }

    /// Appends the numbers of a row: of the name in each field, then of each level within its group.
    pub(crate) fn write(&self, row: usize, out: &mut Vec<Code>) {
        let from = out.len();
        for (of_field, cells) in self.codes.fields.iter().zip(&self.cells) {
            out.push(match cells.text(row) {
                Some(name) => of_field.codes.get(name).copied().unwrap_or(UNKNOWN),
                None => ABSENT,
            });
        }
        for pair in &self.codes.pairs {
            let (group, level) = (out[from + pair.group], out[from + pair.level]);
            let known = match group == UNKNOWN || level == UNKNOWN {
                true => None,
                false => pair.codes.get(&key(group, level)).copied(),
            };
            out.push(known.unwrap_or(UNKNOWN));
        }
    }

    /// The name that a row has in the field of a place, and the field.
    pub(crate) fn name(&self, place: usize, row: usize) -> Option<(&'a str, &'a str)> {
        let of_field = self.codes.fields.get(place)?;
        let name = self.cells.get(place)?.text(row)?;
        Some((of_field.field.as_str(), name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::StringArray;

    #[test]
    fn names_are_numbered_once_and_pairs_by_the_numbers_of_both() {
        let mut list = NameList::default();
        for (field, name) in [
            ("city", "a"),
            ("city", "b"),
            ("street", "x"),
            ("street", "y"),
            ("street", "x"),
            ("street", ""),
        ] {
            list.add(field, name);
        }
        for (group, level) in [
            (Some("a"), Some("x")),
            (Some("b"), Some("x")),
            (None, Some("y")),
            (Some("a"), None),
            (Some("a"), Some("x")),
        ] {
            list.add_pair(("city", "street"), group, level);
        }
        let text = |named: Named| match named {
            Named::Unknown => "another".to_owned(),
            Named::Absent => "none".to_owned(),
            Named::Name(name) => format!("{name:?}"),
        };
        let streets = list.by_name("street", text).unwrap();
        assert!(list.by_name("house", text).is_none());
        let both = |group: Option<&str>, level: Option<&str>| format!("{group:?} {level:?}");
        let pairs = list.by_pair(("city", "street"), both).unwrap();
        assert_eq!(pairs.values.len(), 4);
        assert!(list.by_pair(("street", "city"), both).is_none());
        let codes = list.finish();
        assert_eq!(codes.fields().collect::<Vec<_>>(), ["city", "street"]);

        let rows = [
            (Some("a"), Some("x"), "\"x\"", true),
            (Some("b"), Some("x"), "\"x\"", true),
            (Some("b"), Some("y"), "\"y\"", false),
            (None, Some("y"), "\"y\"", true),
            (None, Some("x"), "\"x\"", false),
            (Some("a"), None, "none", true),
            (Some("a"), Some(""), "\"\"", false),
            (Some("a"), Some("z"), "another", false),
            (Some("z"), Some("x"), "\"x\"", false),
            (Some("z"), Some("z"), "another", false),
            (None, None, "none", false),
        ];
        let cities: StringArray = rows.iter().map(|(city, ..)| *city).collect();
        let of_rows: StringArray = rows.iter().map(|(_, street, ..)| *street).collect();
        let bound = codes.bind(vec![Cells::Text(&cities), Cells::Text(&of_rows)]);
        let mut numbers = Vec::new();
        (0..rows.len()).for_each(|row| bound.write(row, &mut numbers));
        assert_eq!(numbers.len(), rows.len() * bound.width());
        for (at, (row, (group, level, street, is_known))) in
            numbers.chunks_exact(bound.width()).zip(rows).enumerate()
        {
            assert_eq!(streets.get(row), street, "row {at}");
            let expected = is_known.then(|| both(group, level));
            assert_eq!(pairs.get(row), expected.as_ref(), "row {at}");
            let name = bound.name(streets.place(), at);
            assert_eq!(name, level.map(|level| ("street", level)), "row {at}");
        }
        assert_eq!(bound.name(2, 0), None);
    }
}
