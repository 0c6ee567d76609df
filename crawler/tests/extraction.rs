//! The shapes in which pages state what they offer. All made again from the vocabulary.

#![allow(clippy::unwrap_used, reason = "a test")]

use crawler::extract::{Listing, Reader, Reading};
use records::Schema;
use serde_json::json;
use url::Url;

const HOST: &str = "example.com";

fn read_with(schema: &Schema, page: &str) -> Reading {
    let reader = Reader::new(schema).unwrap();
    let url = Url::parse("https://example.com/flats/1?x=1").unwrap();
    reader.read(page, &url, HOST, 1000, "").unwrap()
}

fn read(page: &str) -> Reading {
    read_with(&Schema::real_estate(), page)
}

fn json_ld(block: &str) -> String {
    format!(
        "<html><head><script type=\"application/ld+json\">{block}</script></head><body>x</body></html>"
    )
}

fn only(reading: Reading) -> Listing {
    assert_eq!(
        reading.listings.len(),
        1,
        "{:?} {}",
        reading.detail,
        reading.extraction
    );
    reading.listings.into_iter().next().unwrap()
}

/// Each shape says the same flat.
fn is_the_flat(shape: &str, page: &str) {
    let listing = only(read(page));
    for (field, value) in [
        ("city", json!("Kazan")),
        ("street", json!("Lenina 12")),
        ("floor", json!(3)),
        ("rooms", json!(2)),
        ("price", json!(5_400_000.0)),
    ] {
        assert_eq!(listing.record[field], value, "{shape}: {field}");
    }
    let area = listing.record["area"].as_f64().unwrap();
    assert!((area - 54.0).abs() < 0.01, "{shape}: {area}");
    assert!(listing.provenance.contains_key("price"), "{shape}");
}

const APARTMENT: &str = r#""numberOfRooms":2,"floorLevel":"3","address":{"@type":"PostalAddress",
    "addressLocality":"Kazan","streetAddress":"Lenina 12"},
    "floorSize":{"@type":"QuantitativeValue","value":54,"unitCode":"MTK"}"#;
const PRICE: &str = r#""price":5400000,"priceCurrency":"RUB""#;

#[test]
fn json_ld_in_all_its_shapes() {
    for (shape, block) in [
        (
            "an offer of an apartment",
            format!(r#"{{"@context":"https://schema.org","@type":"Offer",{PRICE},"itemOffered":{{"@type":"Apartment",{APARTMENT}}}}}"#),
        ),
        (
            "an apartment with an offer",
            format!(r#"{{"@type":"Apartment",{APARTMENT},"offers":{{"@type":"Offer",{PRICE}}}}}"#),
        ),
        (
            "a list of offers, the second in the right currency",
            format!(r#"{{"@type":"House",{APARTMENT},"offers":[{{"@type":"Offer","price":60000,"priceCurrency":"USD"}},{{"@type":"Offer",{PRICE}}}]}}"#),
        ),
        (
            "a listing about a residence",
            format!(r#"{{"@type":"RealEstateListing","datePosted":"2026-01-31","about":{{"@type":"SingleFamilyResidence",{APARTMENT}}},"offers":{{"@type":"Offer",{PRICE}}}}}"#),
        ),
        (
            "a page whose main entity is an accommodation",
            format!(r#"{{"@type":"WebPage","mainEntity":{{"@type":"Accommodation",{APARTMENT},"offers":{{{PRICE}}}}}}}"#),
        ),
        (
            "a graph with references",
            format!(r##"{{"@context":"https://schema.org","@graph":[{{"@type":"WebSite","name":"x"}},{{"@type":"Offer","@id":"#offer",{PRICE},"itemOffered":{{"@id":"#flat"}}}},{{"@type":["Residence","Apartment"],"@id":"#flat",{APARTMENT}}}]}}"##),
        ),
        (
            "a graph that refers both ways",
            format!(r##"{{"@graph":[{{"@type":"Apartment","@id":"#flat",{APARTMENT},"offers":{{"@id":"#offer"}}}},{{"@type":"Offer","@id":"#offer",{PRICE},"itemOffered":{{"@id":"#flat"}}}}]}}"##),
        ),
        (
            "an array beside breadcrumbs",
            format!(r#"[{{"@type":"BreadcrumbList","itemListElement":[]}},{{"@type":"Product","name":"A flat","offers":{{"@type":"Offer",{PRICE},"itemOffered":{{"@type":"Apartment",{APARTMENT}}}}}}}]"#),
        ),
        (
            "types and properties as addresses",
            r#"{"@type":"http://schema.org/Offer","http://schema.org/price":"5400000","https://schema.org/priceCurrency":"RUB",
             "schema:itemOffered":{"@type":"schema:Apartment","schema:numberOfRooms":{"@value":2},"schema:floorLevel":3,
             "schema:address":{"schema:addressLocality":"Kazan","schema:streetAddress":"Lenina 12"},
             "schema:floorSize":{"schema:value":"54","schema:unitText":"sqm"}}}"#.to_owned(),
        ),
        (
            "a price specification and numbers as texts",
            format!(r#"{{"@type":"Offer","priceSpecification":{{"@type":"PriceSpecification","price":"5 400 000","priceCurrency":"rub"}},"itemOffered":{{"@type":"Apartment",{}}}}}"#, APARTMENT.replace(":2,", ":\"2\",")),
        ),
        (
            "square feet",
            format!(r#"{{"@type":"Offer",{PRICE},"itemOffered":{{"@type":"Apartment",{}}}}}"#, APARTMENT.replace("54,\"unitCode\":\"MTK\"", "581.2512,\"unitCode\":\"FTK\"")),
        ),
        (
            "an area as a text, a city as a thing",
            format!(r#"{{"@type":"Offer",{PRICE},"itemOffered":{{"@type":"Apartment","numberOfRooms":{{"value":2,"unitText":"rooms"}},"floorLevel":3,"floorSize":"54 m²","address":{{"addressLocality":{{"@type":"City","name":"Kazan"}},"streetAddress":"Lenina 12"}}}}}}"#),
        ),
        (
            "line ends within texts, a semicolon behind, a comment around",
            format!("<!--\n{{\"@type\":\"Offer\",\"description\":\"two\nlines\",{PRICE},\"itemOffered\":{{\"@type\":\"Apartment\",{APARTMENT}}}}};\n-->"),
        ),
    ] {
        is_the_flat(shape, &json_ld(&block));
    }
}

#[test]
fn microdata_meta_elements_and_selectors_in_turn() {
    let microdata = r#"<div itemscope itemtype="https://schema.org/Offer"><span itemprop="price" content="5400000">5.4 m</span>
        <meta itemprop="priceCurrency" content="RUB"><div itemprop="itemOffered" itemscope itemtype="https://schema.org/Apartment">
        <b itemprop="numberOfRooms">2</b><b itemprop="floorLevel">3</b><b itemprop="floorSize">54 m²</b>
        <div itemprop="address" itemscope itemtype="https://schema.org/PostalAddress"><i itemprop="addressLocality"> Kazan </i>
        <i itemprop="streetAddress">Lenina
        12</i></div></div></div>"#;
    is_the_flat("microdata", microdata);
    let listing = only(read(microdata));
    assert_eq!(
        listing.provenance["rooms"],
        "microdata: Offer.itemOffered.numberOfRooms"
    );

    let text = include_str!("../../schemas/real-estate.toml")
        .replace("property = [\"floorLevel\"]", "selector = \"ul .floor\"")
        .replace(
            "property = [\"numberOfRooms\", \"numberOfBedrooms\"]",
            "selector = \"[data-rooms]\"\nattribute = \"data-rooms\"",
        )
        .replace("property = [\"floorSize\"]", "selector = \"ul .area\"");
    let schema = Schema::parse(&text, "test").unwrap();
    let page = r#"<meta property="product:price:amount" content="5 400 000"><meta property="product:price:currency" content="RUB">
        <meta property="og:locality" content="Kazan"><meta name="og:street-address" content="Lenina 12">
        <ul data-rooms=2><li class=floor>3<li class=area>54,0 м²</ul>"#;
    let listing = only(read_with(&schema, page));
    assert_eq!(listing.record["floor"], 3);
    assert_eq!(listing.record["area"], 54.0);
    assert_eq!(listing.record["price"], 5_400_000.0);
    assert_eq!(listing.provenance["price"], "meta product:price:amount");
    assert_eq!(listing.provenance["floor"], "selector ul .floor");
    // Structured data comes before it.
    let both = format!(
        "{}{page}",
        json_ld(&format!(
            r#"{{"@type":"Apartment","offers":{{"price":1,"priceCurrency":"RUB"}},{APARTMENT}}}"#
        ))
    );
    assert_eq!(only(read_with(&schema, &both)).record["price"], 1.0);
}

#[test]
fn what_is_not_taken_says_why() {
    for (shape, block, reason) in [
        (
            "another currency",
            format!(
                r#"{{"@type":"Apartment",{APARTMENT},"offers":{{"price":60000,"priceCurrency":"USD"}}}}"#
            ),
            "currency",
        ),
        (
            "no currency",
            format!(r#"{{"@type":"Apartment",{APARTMENT},"offers":{{"price":60000}}}}"#),
            "currency",
        ),
        (
            "no price",
            format!(r#"{{"@type":"Apartment",{APARTMENT}}}"#),
            "missing_field",
        ),
        (
            "a price on demand",
            format!(
                r#"{{"@type":"Apartment",{APARTMENT},"offers":{{"price":"ask","priceCurrency":"RUB"}}}}"#
            ),
            "wrong_type",
        ),
        (
            "a price out of bounds",
            format!(
                r#"{{"@type":"Apartment",{APARTMENT},"offers":{{"price":0,"priceCurrency":"RUB"}}}}"#
            ),
            "out_of_bounds",
        ),
        (
            "a person for a city",
            format!(
                r#"{{"@type":"Offer",{PRICE},"itemOffered":{{"@type":"Apartment",{}}}}}"#,
                APARTMENT.replace("\"Kazan\"", "{\"@type\":\"Person\",\"name\":\"Ann Lee\"}")
            ),
            "missing_field",
        ),
        (
            "no thing that is offered",
            r#"{"@type":"Recipe","name":"soup"}"#.to_owned(),
            "no_listing",
        ),
    ] {
        let reading = read(&json_ld(&block));
        assert_eq!(
            (reading.listings.len(), reading.reason),
            (0, Some(reason)),
            "{shape}: {:?}",
            reading.detail
        );
        assert!(
            !reading.extraction.to_string().contains("Ann Lee"),
            "{shape}"
        );
    }
    // An optional field that is wrong is left out, and said.
    for area in [
        "{\"value\":54,\"unitCode\":\"KMT\"}",
        "54",
        "\"about 54\"",
        "{\"value\":1,\"unitCode\":\"MTK\"}",
    ] {
        let apartment = APARTMENT.replace(
            "{\"@type\":\"QuantitativeValue\",\"value\":54,\"unitCode\":\"MTK\"}",
            area,
        );
        let reading = read(&json_ld(&format!(
            r#"{{"@type":"Offer",{PRICE},"itemOffered":{{"@type":"Apartment",{apartment}}}}}"#
        )));
        let problem = reading.extraction["listings"][0]["problems"]["area"].clone();
        let listing = only(reading);
        assert!(!listing.record.contains_key("area"), "{area}");
        assert!(problem.is_string(), "{area}: {problem}");
    }
}

#[test]
fn nothing_of_people_and_no_picture_is_kept() {
    let block = format!(
        r#"{{"@type":"Offer",{PRICE},"image":"https://example.com/1.jpg","seller":{{"@type":"Person","name":"Ann Lee",
        "telephone":"+7 912 345-67-89","email":"ann@example.org"}},"description":"call Ann",
        "itemOffered":{{"@type":"Apartment","photo":{{"url":"https://example.com/2.jpg"}},{APARTMENT}}}}}"#
    );
    let reading = read(&json_ld(&block));
    let kept = reading.extraction.to_string();
    for never in ["Ann", "345-67", "@example", ".jpg"] {
        assert!(!kept.contains(never), "{never}: {kept}");
    }
    only(reading);
}

fn offer(more: &str) -> String {
    json_ld(&format!(
        r#"{{"@type":"Offer",{more}{PRICE},"itemOffered":{{"@type":"Apartment",{APARTMENT}}}}}"#
    ))
}

#[test]
fn an_id_is_what_the_source_calls_it_else_its_address() {
    for (more, id) in [
        (r#""identifier":"A-7","#, "example.com/A-7"),
        (
            r#""identifier":{"@type":"PropertyValue","propertyID":"ad","value":77},"#,
            "example.com/77",
        ),
        (r#""sku":"s1","#, "example.com/s1"),
    ] {
        assert_eq!(only(read(&offer(more))).id, id);
    }
    let by_address = only(read(&offer("")));
    assert_eq!(by_address.id.len(), 32, "{}", by_address.id);
    assert_eq!(by_address.record["id"], by_address.id);
    // The address that the page calls its own, in one spelling, is what counts.
    let canonical = |to: &str| {
        only(read(&format!(
            "<link rel=canonical href='{to}'>{}",
            offer("")
        )))
        .id
    };
    assert_eq!(
        canonical("/flats/1"),
        canonical("https://example.com/flats/1?utm_source=x#top")
    );
    assert_ne!(canonical("/flats/1"), by_address.id);
    assert_eq!(canonical("https://elsewhere.example/"), by_address.id);
    // A changed price is another version of the same.
    let cheaper = only(read(&offer("").replace("5400000", "5300000")));
    assert_eq!(cheaper.id, by_address.id);
    assert_ne!(cheaper.digest(), by_address.digest());
    assert_eq!(only(read(&offer(""))).digest(), by_address.digest());
}

#[test]
fn of_several_listings_those_of_other_pages_are_links_and_those_without_a_name_are_refused() {
    let one = |text: &str| {
        format!(
            r#"{{"@type":"Offer",{text}{PRICE},"itemOffered":{{"@type":"Apartment",{APARTMENT}}}}}"#
        )
    };
    let list = [
        one(r#""url":"/flats/2","#),
        one(r#""identifier":"x","#),
        one(""),
    ]
    .map(|item| format!(r#"{{"item":{item}}}"#));
    let reading = read(&json_ld(&format!(
        r#"{{"@type":"ItemList","itemListElement":[{}]}}"#,
        list.join(",")
    )));
    let links: Vec<&str> = reading.links.iter().map(Url::as_str).collect();
    assert_eq!(links, ["https://example.com/flats/2"]);
    assert!(
        reading.extraction.to_string().contains("no_identity"),
        "{}",
        reading.extraction
    );
    assert_eq!(only(reading).id, "example.com/x");
}

#[test]
fn deep_and_large_structures_are_bounded() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(read(&json_ld(&deep)).listings.len(), 0);
    let wide = format!(
        "[{}]",
        vec![r#"{"@type":"Offer","identifier":"1"}"#; 5000].join(",")
    );
    assert_eq!(read(&json_ld(&wide)).listings.len(), 0);
    let circle = r##"{"@graph":[{"@type":"Offer","@id":"#a","itemOffered":{"@id":"#b"}},{"@type":"Offer","@id":"#b","itemOffered":{"@id":"#a"}}]}"##;
    assert_eq!(read(&json_ld(circle)).listings.len(), 0);
}
