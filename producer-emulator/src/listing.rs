//! Listings and the messages that carry them.

mod flat;

use chrono::{DateTime, SecondsFormat};
use fake::Fake;
use fake::faker::name::en::Name;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::dirt;
use crate::hedonic::{Hedonics, normal, year_of};
use crate::places::{Place, Places};

pub use flat::Listing;

/// How often each optional field is left out: a model must do without.
const LEFT_OUT_SHARE: f64 = 0.08;

/// How often a clean message carries `agent`, a field no schema names: readers must pass it over.
const AGENT_SHARE: f64 = 0.03;

/// Rooms, how often, and the usual area in square metres.
const ROOMS: [(i64, u32, f64); 6] = [
    (0, 8, 26.0),
    (1, 32, 38.0),
    (2, 33, 54.0),
    (3, 20, 74.0),
    (4, 6, 98.0),
    (5, 1, 130.0),
];

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The listing's id: keeps messages of one listing in one partition, in order.
    pub key: String,
    /// JSON, unless corrupted.
    pub payload: Vec<u8>,
    /// The payload was corrupted: it must end among the rejects.
    pub dirty: bool,
}

/// Draws listings and writes messages; the same seed gives the same stream.
#[derive(Debug)]
pub struct Generator {
    /// Where listings are.
    places: Places,
    /// Names of streets, the commonest first; never empty.
    streets: Vec<String>,
    /// Gives the true price.
    hedonics: Hedonics,
    /// How many messages of 1 are corrupted.
    dirty_share: f64,
    /// Draws listings and prices.
    draws: ChaCha8Rng,
    /// Draws dirt: apart from `draws`, so that the listings do not depend on the dirt.
    spoils: ChaCha8Rng,
}

impl Generator {
    /// A generator at the start of its stream. `dirty_share` is brought within 0 and 1; without
    /// streets, the built-in ones serve.
    pub fn new(
        places: Places,
        streets: Vec<String>,
        hedonics: Hedonics,
        dirty_share: f64,
    ) -> Generator {
        let streets = if streets.is_empty() {
            crate::streets::built_in()
        } else {
            streets
        };
        let draws = ChaCha8Rng::seed_from_u64(hedonics.seed);
        let mut spoils = draws.clone();
        spoils.set_stream(1);
        Generator {
            places,
            streets,
            hedonics,
            // `max` turns a NaN into 0.
            dirty_share: dirty_share.max(0.0).clamp(0.0, 1.0),
            draws,
            spoils,
        }
    }

    /// Other names of streets from now on; none change nothing.
    pub fn set_streets(&mut self, streets: Vec<String>) {
        if !streets.is_empty() {
            self.streets = streets;
        }
    }

    /// The same generator at the start of another stream: requests are other flats than listings.
    pub fn of_requests(mut self) -> Generator {
        self.draws.set_stream(2);
        self.spoils.set_stream(3);
        self
    }

    /// A listing of time `at_us` (microseconds since 1970) with its true price, noise included.
    /// The price is that of the whole flat, also where fields are then left out.
    pub fn listing(&mut self, id: String, at_us: i64) -> Listing {
        let rng = &mut self.draws;
        let place = self.places.draw(rng);
        // The square makes the first names of the list the common ones.
        let rank = rng.random::<f64>().powi(2) * self.streets.len() as f64;
        let street = self.streets[(rank as usize).min(self.streets.len() - 1)].clone();
        let mut listing = flat(rng, place, street, id, at_us);
        listing.price = Some(self.hedonics.price(&listing, place, at_us, rng));
        leave_out(rng, &mut listing);
        listing
    }

    /// The message for a listing; `with_price` tells a listing to learn from from a request.
    pub fn message(&mut self, listing: &Listing, with_price: bool) -> Message {
        let rng = &mut self.spoils;
        let serde_json::Value::Object(mut record) = serde_json::json!(listing) else {
            unreachable!("a struct is a JSON object");
        };
        if !with_price {
            record.remove("price");
        }
        let dirty = rng.random_bool(self.dirty_share);
        let payload = if dirty {
            dirt::spoil(record, rng)
        } else {
            if rng.random_bool(AGENT_SHARE) {
                let agent: String = Name().fake_with_rng(rng);
                record.insert("agent".to_owned(), agent.into());
            }
            serde_json::Value::Object(record).to_string().into_bytes()
        };
        Message {
            key: listing.id.clone(),
            payload,
            dirty,
        }
    }
}

/// A whole flat without a price.
fn flat(rng: &mut impl Rng, place: &Place, street: String, id: String, at_us: i64) -> Listing {
    let (rooms, usual_area) = draw_rooms(rng);
    let area = tenth((usual_area * (0.16 * normal(rng)).exp()).clamp(14.0, 300.0));
    let kitchen = 3.0 + area * rng.random_range(0.08..0.16);
    let (year_built, building_type, mut floors_total) = draw_house(rng, year_of(at_us));
    if place.population < 100_000 {
        floors_total = floors_total.min(10);
    }
    // A million people live within some 6 km (one sigma) of the centre.
    let spread = (0.055 * (place.population as f64 / 1e6).powf(0.4)).clamp(0.008, 0.12);
    let latitude = (place.latitude + spread * normal(rng)).clamp(-90.0, 90.0);
    // A degree of longitude shortens towards the pole.
    let shortening = place.latitude.to_radians().cos().max(0.1);
    let longitude = (place.longitude + spread / shortening * normal(rng)).clamp(-180.0, 180.0);
    Listing {
        id,
        listed_at: DateTime::from_timestamp_micros(at_us)
            .unwrap_or_default()
            .to_rfc3339_opts(SecondsFormat::Micros, true),
        city: place.city.clone(),
        street,
        floor: rng.random_range(1..=floors_total),
        rooms,
        floors_total: Some(floors_total),
        area: Some(area),
        kitchen_area: Some(tenth(kitchen.min(area * 0.4))),
        year_built: Some(year_built),
        building_type: Some(building_type),
        latitude: Some((latitude * 1e5).round() / 1e5),
        longitude: Some((longitude * 1e5).round() / 1e5),
        price: None,
    }
}

/// Rooms and their usual area.
fn draw_rooms(rng: &mut impl Rng) -> (i64, f64) {
    let total: u32 = ROOMS.iter().map(|(_, weight, _)| weight).sum();
    let mut left = rng.random_range(0..total);
    for (rooms, weight, area) in ROOMS {
        if left < weight {
            return (rooms, area);
        }
        left -= weight;
    }
    unreachable!("the draw is below the sum of the weights")
}

/// Year built, building type and floors, as they went together in their time.
fn draw_house(rng: &mut impl Rng, year_now: i64) -> (i64, &'static str, i64) {
    let year_now = year_now.max(1992);
    let era = rng.random_range(0..100);
    let kind = rng.random_range(0..100);
    let (year, building_type) = if era < 15 {
        let building_type = match kind {
            0..70 => "brick",
            70..90 => "wood",
            _ => "block",
        };
        (rng.random_range(1930..1960), building_type)
    } else if era < 60 {
        let building_type = match kind {
            0..60 => "panel",
            60..85 => "brick",
            85..98 => "block",
            _ => "wood",
        };
        (rng.random_range(1960..=1990), building_type)
    } else {
        let building_type = match kind {
            0..50 => "monolith",
            50..70 => "panel",
            70..90 => "brick",
            _ => "block",
        };
        (rng.random_range(1991..=year_now), building_type)
    };
    let floors = match (year, building_type) {
        (_, "wood") => rng.random_range(1..=3),
        (..1960, _) => rng.random_range(2..=5),
        (..=1990, _) => [5, 5, 5, 9, 9, 12, 16][rng.random_range(0..7)],
        (_, "monolith") => rng.random_range(9..=30),
        _ => rng.random_range(5..=17),
    };
    (year, building_type, floors)
}

fn leave_out(rng: &mut impl Rng, listing: &mut Listing) {
    fn maybe<T>(rng: &mut impl Rng, field: &mut Option<T>) {
        if rng.random_bool(LEFT_OUT_SHARE) {
            *field = None;
        }
    }
    maybe(rng, &mut listing.floors_total);
    maybe(rng, &mut listing.area);
    maybe(rng, &mut listing.kitchen_area);
    maybe(rng, &mut listing.year_built);
    maybe(rng, &mut listing.building_type);
    // A place is known or not: both together.
    if rng.random_bool(LEFT_OUT_SHARE) {
        (listing.latitude, listing.longitude) = (None, None);
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_US: i64 = 1_770_000_000_000_000;

    fn generator(seed: u64, dirty_share: f64) -> Generator {
        let hedonics = Hedonics {
            seed,
            ..Hedonics::default()
        };
        Generator::new(Places::built_in(), Vec::new(), hedonics, dirty_share)
    }

    fn stream(seed: u64) -> Vec<Message> {
        let mut generator = generator(seed, 0.1);
        (0..500)
            .map(|n| {
                let listing = generator.listing(n.to_string(), AT_US);
                generator.message(&listing, true)
            })
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_stream() {
        assert_eq!(stream(5), stream(5));
        assert_ne!(stream(5), stream(6));
    }

    #[test]
    fn the_listings_do_not_depend_on_the_dirt() {
        let (mut clean, mut dirty) = (generator(5, 0.0), generator(5, 1.0));
        for n in 0..200 {
            let listing = clean.listing(n.to_string(), AT_US);
            assert_eq!(listing, dirty.listing(n.to_string(), AT_US));
            assert!(!clean.message(&listing, true).dirty);
            assert!(dirty.message(&listing, true).dirty);
        }
    }

    #[test]
    fn the_fields_go_together() {
        let mut generator = generator(5, 0.0);
        let mut without_area = 0;
        for n in 0..5_000 {
            let listing = generator.listing(n.to_string(), AT_US);
            assert!(listing.floor >= 1);
            assert!(
                listing
                    .floors_total
                    .is_none_or(|total| listing.floor <= total)
            );
            assert!(listing.price.is_some_and(|price| price >= 1_000.0));
            assert!(listing.year_built.is_none_or(|year| year <= 2026));
            if let (Some(area), Some(kitchen)) = (listing.area, listing.kitchen_area) {
                assert!(kitchen <= area * 0.4 + 0.1 && kitchen >= 4.0);
            }
            without_area += u32::from(listing.area.is_none());
        }
        assert!((300..500).contains(&without_area), "{without_area}");
    }
}
