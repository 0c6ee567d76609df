//! The report in a browser. Runs where `HEDONIC_TEST_BROWSER` is set (it needs Chromium), and fails
//! there if there is none.

mod made;

use std::fs;

use made::{listing, output_text, run};
use serde_json::{Value, json};
use testbed::Browser;

/// Sections of a report of listings that a line prices.
const SECTIONS: [&str; 12] = [
    "Predicted against actual",
    "Calibration of the prediction intervals",
    "Members and weights",
    "Fold by fold",
    "Importances",
    "Error by city",
    "Error by rooms",
    "Error by price tenth",
    "The target",
    "Missing values",
    "Features",
    "Left out of the fit",
];

/// What every section draws: its heading, and the plots in it of which something is seen.
const DRAWN: &str = r"
[...document.querySelectorAll('section')].map(section => ({
  heading: section.querySelector('h2').textContent,
  plots: [...section.querySelectorAll('svg')].length,
  drawn: [...section.querySelectorAll('svg')].filter(svg => {
    const box = svg.getBoundingClientRect();
    const shapes = [...svg.querySelectorAll('rect,circle,polyline')];
    const seen = shapes.some(shape => {
      const own = shape.getBoundingClientRect();
      return own.width > 1 && own.height > 1;
    });
    return seen && box.width > 200 && box.height > 20 && box.right <= innerWidth;
  }).length,
}))";

/// Texts that stick out of their plot.
const CUT_OFF: &str = r"
[...document.querySelectorAll('svg text')].filter(text => {
  const own = text.getBoundingClientRect(), box = text.ownerSVGElement.getBoundingClientRect();
  return own.left < box.left - 1 || own.right > box.right + 1 || own.bottom > box.bottom + 1;
}).map(text => text.textContent)";

/// Attributes that are not numbers where a number is meant.
const NO_NUMBERS: &str = r"
[...document.querySelectorAll('svg *')].flatMap(shape => [...shape.attributes])
  .filter(one => /NaN|inf|undefined/.test(one.value)).map(one => one.name + '=' + one.value)";

/// Listings with all that a report has to show: copies, slips, gaps, rows that are refused, names
/// that must be escaped.
fn listings() -> String {
    let mut text = format!("{},kitchen_area,colour\n", made::HEADER);
    for id in 0..1500 {
        let mut row = listing(id);
        if id % 7 == 0 {
            row[6].clear();
        }
        if id % 200 == 9 {
            row[7].push_str("000");
        }
        if id % 5 == 0 {
            row[2] =
                "Old \"Town\" <&> a very long name that no plot has the room to show".to_owned();
        }
        text.push_str(&format!("{},,red\n", row.join(",").replace('"', "'")));
        if id % 50 == 3 {
            text.push_str(&format!("{},,red\n", row.join(",").replace('"', "'")));
        }
    }
    text.push_str("bad,1700000000,city1,street1,first,2,50,1000000,,red\nshort,1\n");
    text
}

#[test]
fn the_report_draws_every_section_fits_the_window_and_asks_nobody_for_anything() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let home = tempfile::tempdir().expect("temporary directory");
    let path = |name: &str| home.path().join(name).display().to_string();
    fs::write(path("listings.csv"), listings()).expect("file");
    let (file, page) = (path("listings.csv"), home.path().join("out.html"));
    let arguments = ["--data", &file, "--html", &path("out.html")];
    let output = run(&home.path().join("models"), &arguments);
    assert_eq!(output.status.code(), Some(0), "{:?}", output_text(&output));
    for width in [1280, 390] {
        browser.open(&page, width, 900);
        assert_eq!(browser.complaints(), Vec::<Value>::new());
        let address = format!("file://{}", page.display());
        let others: Vec<String> = browser
            .requests()
            .into_iter()
            .filter(|url| *url != address && !url.starts_with("data:"))
            .collect();
        assert_eq!(
            others,
            Vec::<String>::new(),
            "the page is complete in itself"
        );
        let wide = browser.evaluate("document.documentElement.scrollWidth");
        assert!(wide.as_u64() <= Some(width.into()), "{wide} of {width}");
        let found = browser.evaluate(DRAWN);
        let sections = found.as_array().expect("a list");
        let headings: Vec<&str> = sections
            .iter()
            .filter_map(|section| section["heading"].as_str())
            .collect();
        assert_eq!(headings, SECTIONS, "at {width}");
        for section in sections {
            assert_ne!(section["plots"], 0, "{section}");
            assert_eq!(section["plots"], section["drawn"], "at {width}: {section}");
        }
        assert_eq!(browser.evaluate(CUT_OFF), json!([]), "at {width}");
        assert_eq!(browser.evaluate(NO_NUMBERS), json!([]), "at {width}");
    }
}
