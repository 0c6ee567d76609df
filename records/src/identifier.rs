//! Names of tables and columns as SQL takes them.

use std::borrow::Cow;

/// Key words of PostgreSQL 18 that are not names without quotes, or not everywhere.
const KEY_WORDS: [&str; 165] = [
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_table",
    "json_value",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "merge_action",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "within",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

/// A name as SQL takes it: in quotes where it is a key word, or not of small letters, digits and `_`.
pub fn quoted(name: &str) -> Cow<'_, str> {
    let is_plain = name
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    match is_plain && !name.is_empty() && KEY_WORDS.binary_search(&name).is_err() {
        true => Cow::Borrowed(name),
        false => Cow::Owned(format!("\"{}\"", name.replace('"', "\"\""))),
    }
}

/// A table's name, or `schema.table`, as SQL takes it.
pub fn quoted_path(path: &str) -> String {
    path.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

/// A text as SQL takes it.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Longest name that PostgreSQL keeps, in bytes.
pub const NAME_BYTES: usize = 63;

/// A name for an index, made of the names of a table and a column: PostgreSQL would cut a longer one, and
/// take it for another's.
pub fn index_name(table: &str, column: &str) -> String {
    let name = format!("{table}_{column}");
    if name.len() <= NAME_BYTES {
        return name;
    }
    // FNV-1a: stable over versions of the program, as the name of an index is.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let begin = name.chars().scan(0, |bytes, letter| {
        *bytes += letter.len_utf8();
        (*bytes <= NAME_BYTES - 17).then_some(letter)
    });
    format!("{}_{hash:016x}", begin.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_words_and_odd_letters_are_quoted() {
        assert!(KEY_WORDS.is_sorted());
        for plain in ["listings", "_place", "x1", "year"] {
            assert_eq!(quoted(plain), plain);
        }
        for (name, expected) in [
            ("order", "\"order\""),
            ("user", "\"user\""),
            ("Price", "\"Price\""),
            ("цена", "\"цена\""),
            ("a b", "\"a b\""),
            ("a\"; DROP TABLE b; --", "\"a\"\"; DROP TABLE b; --\""),
            ("1a", "\"1a\""),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(name), expected);
        }
        assert_eq!(quoted_path("mart.order"), "mart.\"order\"");
        assert_eq!(literal("it's"), "'it''s'");
    }

    #[test]
    fn names_of_indexes_are_whole_or_told_apart() {
        assert_eq!(index_name("listings", "listed_at"), "listings_listed_at");
        let table = "t".repeat(63);
        let (one, other) = (index_name(&table, "a"), index_name(&table, "b"));
        assert!(one.len() <= NAME_BYTES && one != other && one != table);
        assert!(index_name(&"ж".repeat(40), "время").len() <= NAME_BYTES);
    }
}
