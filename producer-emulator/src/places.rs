//! Cities: where listings are, how often, and what a square metre costs there.

use std::path::{Path, PathBuf};

use rand::{Rng, RngExt};
use serde::Deserialize;

/// Compiled in, so that the service needs no file beside it.
const BUILT_IN: &str = include_str!("../../data/city.csv");

/// Below 1, so that the largest city does not drown the small ones.
const WEIGHT_EXPONENT: f64 = 0.7;

/// Bounds what a file handed in by mistake may cost.
const FILE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Why the cities could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// The file is away or may not be read.
    #[error("cannot read the file of cities {path}: check the path and its permissions")]
    Read {
        /// States which file of several settings it was.
        path: PathBuf,
        /// The system's own reason.
        source: std::io::Error,
    },
    /// The file is larger than any list of cities.
    #[error(
        "the file of cities {path} has {found_bytes} bytes; expected at most {FILE_MAX_BYTES}: \
         check that it is the right file"
    )]
    TooLarge {
        /// States which file of several settings it was.
        path: PathBuf,
        /// How far from the bound it is.
        found_bytes: u64,
    },
    /// The text is not a table of cities.
    #[error(
        "{path}: expected CSV with the header city,region,population,latitude,longitude,price_level: correct the row named below"
    )]
    Parse {
        /// States which file of several settings it was.
        path: PathBuf,
        /// Names the row and the column.
        source: csv::Error,
    },
    /// A value that no city has.
    #[error("{path}: row {row} ({city:?}): expected {expected}, found {found}: correct the row")]
    Value {
        /// States which file of several settings it was.
        path: PathBuf,
        /// The data row, from 1, where to look.
        row: usize,
        /// Names the row for people who sorted the file.
        city: String,
        /// What would have been right.
        expected: &'static str,
        /// What was there.
        found: String,
    },
    /// A header and no rows.
    #[error("{path}: expected at least one city, found none: add rows")]
    Empty {
        /// States which file of several settings it was.
        path: PathBuf,
    },
}

/// One city.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Place {
    /// The listing's `city`.
    pub city: String,
    /// Distinguishes cities of one name for people.
    pub region: String,
    /// Decides how often the city is drawn and how tall and wide it is.
    pub population: u64,
    /// Centre of the city in degrees: listings lie around it.
    pub latitude: f64,
    /// Centre of the city in degrees: listings lie around it.
    pub longitude: f64,
    /// Roubles a square metre of an ordinary flat: the price function's largest term.
    #[serde(rename = "price_level")]
    pub price_level_per_m2: f64,
}

/// The cities, drawn by population^0.7.
#[derive(Debug, Clone)]
pub struct Places {
    /// In the file's order, so that a seed keeps its meaning.
    places: Vec<Place>,
    /// Running sums of the weights: a draw is a binary search.
    cumulative: Vec<f64>,
}

impl Places {
    /// The cities of `data/city.csv`, compiled in.
    pub fn built_in() -> Places {
        Places::parse(BUILT_IN, Path::new("data/city.csv"))
            .expect("the compiled-in cities are valid: a test parses them")
    }

    /// Reads a CSV file with the header `city,region,population,latitude,longitude,price_level`.
    ///
    /// # Errors
    /// When the file cannot be read, is over 16 MiB, is no such table, has no rows, or a value
    /// is out of range.
    pub fn load(path: &Path) -> Result<Places, PlacesError> {
        let read = |source| PlacesError::Read {
            path: path.to_owned(),
            source,
        };
        let found_bytes = std::fs::metadata(path).map_err(read)?.len();
        if found_bytes > FILE_MAX_BYTES {
            return Err(PlacesError::TooLarge {
                path: path.to_owned(),
                found_bytes,
            });
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        Places::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Places, PlacesError> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut places: Vec<Place> = Vec::new();
        let mut cumulative = Vec::new();
        let mut sum = 0.0;
        for (index, place) in reader.deserialize::<Place>().enumerate() {
            let place = place.map_err(|source| PlacesError::Parse {
                path: path.to_owned(),
                source,
            })?;
            if let Some((expected, found)) = fault(&place) {
                return Err(PlacesError::Value {
                    path: path.to_owned(),
                    row: index + 1,
                    city: place.city,
                    expected,
                    found,
                });
            }
            sum += (place.population as f64).powf(WEIGHT_EXPONENT);
            cumulative.push(sum);
            places.push(place);
        }
        if places.is_empty() {
            return Err(PlacesError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(Places { places, cumulative })
    }

    /// One city, by weight.
    pub fn draw(&self, rng: &mut impl Rng) -> &Place {
        let last = self.places.len() - 1;
        let point = rng.random::<f64>() * self.cumulative[last];
        let index = self.cumulative.partition_point(|sum| *sum <= point);
        &self.places[index.min(last)]
    }

    /// How many cities there are: at least one.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Never true: an empty file is refused.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The cities in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = &Place> {
        self.places.iter()
    }
}

/// What is wrong with a city: what was expected and what was found.
fn fault(place: &Place) -> Option<(&'static str, String)> {
    if place.city.is_empty() {
        return Some(("the city's name", "nothing".to_owned()));
    }
    if place.population == 0 {
        return Some(("a population above 0", "0".to_owned()));
    }
    if !(-90.0..=90.0).contains(&place.latitude) {
        return Some(("a latitude from -90 to 90", place.latitude.to_string()));
    }
    if !(-180.0..=180.0).contains(&place.longitude) {
        return Some(("a longitude from -180 to 180", place.longitude.to_string()));
    }
    // Far above any real level; keeps every price within the schema's bounds.
    if !(1.0..=1e8).contains(&place.price_level_per_m2) {
        let found = place.price_level_per_m2.to_string();
        return Some(("a price level from 1 to 1e8 per square metre", found));
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const HEADER: &str = "city,region,population,latitude,longitude,price_level\n";

    fn parse(rows: &str) -> Result<Places, PlacesError> {
        Places::parse(&format!("{HEADER}{rows}"), Path::new("t.csv"))
    }

    #[test]
    fn the_built_in_cities_are_enough() {
        assert!(Places::built_in().len() >= 150);
    }

    #[test]
    fn large_cities_come_more_often_by_the_exponent() {
        let places = parse("A,R,1000000,50,50,1000\nB,R,10000,50,50,1000\n").unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let large = (0..20_000)
            .filter(|_| places.draw(&mut rng).city == "A")
            .count();
        let expected = 100f64.powf(0.7) / (1.0 + 100f64.powf(0.7));
        assert!((large as f64 / 20_000.0 - expected).abs() < 0.01, "{large}");
    }

    #[test]
    fn a_bad_file_is_named() {
        assert!(matches!(parse(""), Err(PlacesError::Empty { .. })));
        assert!(matches!(
            parse("A,R,many,50,50,1000\n"),
            Err(PlacesError::Parse { .. })
        ));
        for row in [
            "A,R,0,50,50,1000",
            "A,R,5,95,50,1000",
            "A,R,5,50,999,1000",
            "A,R,5,50,50,NaN",
            ",R,5,50,50,1000",
        ] {
            assert!(
                matches!(parse(row), Err(PlacesError::Value { row: 1, .. })),
                "{row}"
            );
        }
        let away = Places::load(Path::new("no/such/city.csv"));
        assert!(matches!(away, Err(PlacesError::Read { .. })));
    }
}
