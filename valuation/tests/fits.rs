//! Which schemas' records a model can price.
#![allow(clippy::unwrap_used)]

mod made;

use made::{decode_as, fitted, listings};
use records::{Kind, Purpose, Schema};
use serde_json::json;
use valuation::{Difference, Model};

fn model() -> Model {
    fitted(&listings(600)).unwrap().0
}

fn changed(name: &str, change: impl Fn(&mut records::Field)) -> Schema {
    let mut schema = Schema::real_estate();
    schema.version = 2;
    schema
        .fields
        .iter_mut()
        .filter(|field| field.name == name)
        .for_each(change);
    schema
}

#[test]
fn its_own_schema_and_one_with_more_or_other_bounds_fit_and_are_priced() {
    let model = model();
    let mut wider = changed("area", |field| field.max = Some(9000.0));
    wider.fields.push(records::Field {
        name: "lift".to_owned(),
        kind: Kind::Boolean,
        ..wider.fields[2].clone()
    });
    wider.fields.last_mut().unwrap().required = false;
    // Made listings have no kitchens: the model does not read them.
    let mut fewer = Schema::real_estate();
    fewer.fields.retain(|field| field.name != "kitchen_area");
    let unlike = changed("city", |field| field.required = false);
    for schema in [Schema::real_estate(), wider, fewer, unlike] {
        model.fits(&schema).unwrap();
        let row = json!({"id": "a", "city": "city1", "street": "none", "floor": 3, "rooms": 2});
        let batch = decode_as(&schema, &[row], Purpose::Request);
        assert_eq!(model.predict(&batch).unwrap().len(), 1);
    }
}

#[test]
fn what_differs_is_named_with_what_to_do() {
    let model = model();
    let mut lacking = Schema::real_estate();
    lacking
        .fields
        .retain(|field| !["street", "area"].contains(&field.name.as_str()));
    let error = model.fits(&lacking).unwrap_err();
    assert_eq!(
        error.differences,
        [
            Difference::Missing {
                field: "street".to_owned(),
                expected: Kind::Category
            },
            Difference::Missing {
                field: "area".to_owned(),
                expected: Kind::Number
            },
        ]
    );

    let mut rent = Schema::real_estate();
    rent.target = Some("area".to_owned());
    for (schema, expected) in [
        (
            changed("area", |field| field.kind = Kind::Integer),
            "records of real-estate version 1, found real-estate version 2, and they differ: \
             area: expected number, found integer; fit a model with this schema",
        ),
        (
            changed("area", |field| field.unit = Some("ft²".to_owned())),
            "area: expected it in m², found ft²",
        ),
        (
            changed("price", |field| field.unit = Some("$".to_owned())),
            "price: expected it in ₽, found $",
        ),
        (
            rent,
            "area: expected number, found none; expected the target price, found area",
        ),
    ] {
        let message = model.fits(&schema).unwrap_err().to_string();
        assert!(
            message.contains(expected),
            "{message} does not say {expected:?}"
        );
    }
}
