//! The schema of records as their table has them.

use super::{Field, Schema};

impl Schema {
    /// This schema for the export of its table, which writes each value in one way, whatever the sources write:
    /// without the marks, scales, patterns and forms of texts, names of headers and words for "no value". By the
    /// schema itself 450.125 of a field with `group = "."` would be read as 450125.
    pub fn of_table(&self) -> Schema {
        let field = |field: &Field| Field {
            column: None,
            decimal: None,
            group: None,
            scale: None,
            pattern: Vec::new(),
            format: Vec::new(),
            zero_is_missing: false,
            missing: Vec::new(),
            ..field.clone()
        };
        Schema {
            columns: Vec::new(),
            missing: Vec::new(),
            fields: self.fields.iter().map(field).collect(),
            ..self.clone()
        }
    }
}

#[cfg(all(test, feature = "files"))]
mod tests {
    use std::path::Path;

    use crate::file::Delimited;
    use crate::{Purpose, Schema, encode};

    #[test]
    fn what_is_stored_is_read_whatever_the_sources_write() {
        const TEXT: &str = "name='x'\nversion=1\ntask='regression'\ntable='x'\nkey='id'\ntime='seen'\n\
            target='price'\ncolumns=['No.','day','sold','size','cost','town']\nmissing=['NA']\n\
            [[field]]\nname='id'\nkind='text'\ncolumn='No.'\n\
            [[field]]\nname='seen'\nkind='timestamp'\ncolumn='day'\nformat='%d/%m/%Y'\n\
            [[field]]\nname='sold'\nkind='timestamp'\nformat='epoch-days'\n\
            [[field]]\nname='area'\nkind='number'\ncolumn='size'\ndecimal=','\ngroup='.'\n\
            [[field]]\nname='price'\nkind='number'\ncolumn='cost'\nscale=1000\n\
            [[field]]\nname='city'\nkind='category'\ncolumn='town'\n";
        let schema = Schema::parse(TEXT, "x").expect("valid");
        let read = |text: &str, schema: &Schema| {
            let path = Path::new("x.csv");
            let mut reader =
                Delimited::new(text.as_bytes(), path, schema, Purpose::Listing).expect("opens");
            let read = reader.next_batch(10).expect("reads").expect("a row");
            assert!(read.rejects.is_empty(), "{:?}", read.rejects);
            read.batch
        };
        let source = read("a,3/12/2016,17138,\"59,125\",\"450\",Kazan\n", &schema);
        let table = "id,seen,sold,area,price,city\na,1480723200000000,1480723200000000,59.125,450000,Kazan\n";
        let stored = read(table, &schema.of_table());
        assert_eq!(encode::to_json(&source, 0), encode::to_json(&stored, 0));
        assert_eq!(source, stored);
    }
}
