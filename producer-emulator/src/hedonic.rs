//! The true price of a listing: a documented function, so that a good model differs from a
//! bad one. Every constant is a field of [`Hedonics`].
//!
//! ```text
//! price = level(city) · reference_area · (area / reference_area)^0.93
//!       · exp(street)            street ~ N(0, 0.10), fixed by seed, city and street
//!       · (1 + 0.015)^(rooms − 1)
//!       · floor                  first −7 %, last −4 %, each higher floor +0.3 % up to the 15th
//!       · (1 − 0.005)^age        age in years, at most 60
//!       · type                   brick +4 %, monolith +6 %, panel 0, block −3 %, wood −15 %
//!       · exp(0.06 · years)      since 2025-01-01
//!       · exp(noise)             noise ~ N(0, 0.08)
//! ```

use chrono::{DateTime, Datelike};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::listing::Listing;
use crate::places::Place;

/// 2025-01-01T00:00:00Z, when `price_level` holds as it stands.
const DRIFT_START_US: i64 = 1_735_689_600_000_000;

const YEAR_US: f64 = 365.25 * 86_400.0 * 1e6;

/// Prices are asked in round numbers.
const ROUNDED_TO: f64 = 1_000.0;

/// What moves a price and how much.
#[derive(Debug, Clone, PartialEq)]
pub struct Hedonics {
    /// Fixes the streets' effects; the generator starts its own streams from it too.
    pub seed: u64,
    /// Slow rise of the whole market, in log price a year: an old model must go stale.
    pub drift_per_year: f64,
    /// Standard deviation of the log-normal noise: the error no model can beat.
    pub noise_sigma: f64,
    /// Standard deviation of a street's effect on log price: what a fine model can still learn.
    pub street_sigma: f64,
    /// Below 1: a large flat costs less a square metre.
    pub area_exponent: f64,
    /// The area at which a square metre costs the city's level.
    pub reference_area_m2: f64,
    /// A separate room more at the same area, as a share of the price.
    pub room_step: f64,
    /// The first floor's discount, as a share of the price.
    pub first_floor: f64,
    /// The last floor's discount, as a share of the price.
    pub last_floor: f64,
    /// Each floor above the first, as a share of the price.
    pub floor_step: f64,
    /// The floor from which height no longer pays.
    pub floor_step_until: i64,
    /// What a year of age takes, as a share of the price.
    pub age_step: f64,
    /// The age in years from which a house no longer loses.
    pub age_until: i64,
    /// Walls of brick, against panel.
    pub brick: f64,
    /// A monolithic frame, against panel.
    pub monolith: f64,
    /// Walls of blocks, against panel.
    pub block: f64,
    /// Walls of wood, against panel.
    pub wood: f64,
}

impl Default for Hedonics {
    fn default() -> Hedonics {
        Hedonics {
            seed: 1,
            drift_per_year: 0.06,
            noise_sigma: 0.08,
            street_sigma: 0.10,
            area_exponent: 0.93,
            reference_area_m2: 50.0,
            room_step: 0.015,
            first_floor: -0.07,
            last_floor: -0.04,
            floor_step: 0.003,
            floor_step_until: 15,
            age_step: -0.005,
            age_until: 60,
            brick: 0.04,
            monolith: 0.06,
            block: -0.03,
            wood: -0.15,
        }
    }
}

impl Hedonics {
    /// The price asked at `at_us` (microseconds since 1970), in roubles, with noise, rounded to
    /// 1000.
    pub fn price(&self, listing: &Listing, place: &Place, at_us: i64, rng: &mut impl Rng) -> f64 {
        let noise = (self.noise_sigma * normal(rng)).exp();
        let price = self.median_price(listing, place, at_us) * noise;
        (price / ROUNDED_TO).round().max(1.0) * ROUNDED_TO
    }

    /// The median of [`Hedonics::price`], in roubles: no noise, not rounded. A field that the
    /// listing leaves out has no effect (its area counts as the reference area).
    pub fn median_price(&self, listing: &Listing, place: &Place, at_us: i64) -> f64 {
        let area = listing.area.unwrap_or(self.reference_area_m2);
        let years = (at_us - DRIFT_START_US) as f64 / YEAR_US;
        place.price_level_per_m2
            * self.reference_area_m2
            * (area / self.reference_area_m2).powf(self.area_exponent)
            * self.street_effect(&listing.city, &listing.street).exp()
            * (1.0 + self.room_step).powf(listing.rooms as f64 - 1.0)
            * self.floor_factor(listing.floor, listing.floors_total)
            * self.age_factor(listing.year_built, at_us)
            * (1.0 + self.building(listing.building_type))
            * (self.drift_per_year * years).exp()
    }

    /// What a street adds to log price: the same forever for one seed, city and street.
    pub fn street_effect(&self, city: &str, street: &str) -> f64 {
        // FNV-1a: unlike the standard hasher, the same in every version of Rust.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let parts: [&[u8]; 3] = [&self.seed.to_le_bytes(), city.as_bytes(), street.as_bytes()];
        for part in parts {
            // 0xff ends a part: no UTF-8 text contains it.
            for byte in part.iter().chain(&[0xff]) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        self.street_sigma * normal(&mut ChaCha8Rng::seed_from_u64(hash))
    }

    fn floor_factor(&self, floor: i64, floors_total: Option<i64>) -> f64 {
        if floor <= 1 {
            return 1.0 + self.first_floor;
        }
        let steps = floor.min(self.floor_step_until) - 1;
        let last = match floors_total {
            Some(total) if floor >= total => 1.0 + self.last_floor,
            _ => 1.0,
        };
        (1.0 + self.floor_step * steps as f64) * last
    }

    fn age_factor(&self, year_built: Option<i64>, at_us: i64) -> f64 {
        let age = year_built.map_or(0, |built| year_of(at_us) - built);
        (1.0 + self.age_step).powf(age.clamp(0, self.age_until) as f64)
    }

    fn building(&self, building_type: Option<&str>) -> f64 {
        match building_type {
            Some("brick") => self.brick,
            Some("monolith") => self.monolith,
            Some("block") => self.block,
            Some("wood") => self.wood,
            _ => 0.0,
        }
    }
}

/// The calendar year of a time in microseconds since 1970; 1970 for a time beyond the calendar.
pub(crate) fn year_of(at_us: i64) -> i64 {
    DateTime::from_timestamp_micros(at_us).map_or(1970, |time| i64::from(time.year()))
}

/// A standard normal number (Box-Muller).
pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    // From (0, 1], so that the logarithm is finite.
    let radius = 1.0 - rng.random::<f64>();
    let angle = rng.random::<f64>() * std::f64::consts::TAU;
    (-2.0 * radius.ln()).sqrt() * angle.cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            city: "Tula".to_owned(),
            region: "Tula Oblast".to_owned(),
            population: 500_000,
            latitude: 54.2,
            longitude: 37.6,
            price_level_per_m2: 100_000.0,
        }
    }

    fn listing() -> Listing {
        Listing {
            id: "1".to_owned(),
            listed_at: "2025-01-01T00:00:00Z".to_owned(),
            city: "Tula".to_owned(),
            street: "Lenina".to_owned(),
            floor: 5,
            rooms: 2,
            floors_total: Some(9),
            area: Some(50.0),
            kitchen_area: Some(9.0),
            year_built: Some(2025),
            building_type: Some("panel"),
            latitude: Some(54.2),
            longitude: Some(37.6),
            price: None,
        }
    }

    fn ratio(change: impl Fn(&mut Listing)) -> f64 {
        let hedonics = Hedonics::default();
        let mut changed = listing();
        change(&mut changed);
        let of = |listing| hedonics.median_price(listing, &place(), DRIFT_START_US);
        of(&changed) / of(&listing())
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }

    #[test]
    fn the_price_is_the_documented_product() {
        let hedonics = Hedonics::default();
        let street = hedonics.street_effect("Tula", "Lenina").exp();
        let expected = 100_000.0 * 50.0 * street * 1.015 * 1.012;
        let found = hedonics.median_price(&listing(), &place(), DRIFT_START_US);
        assert!((found / expected - 1.0).abs() < 1e-12);
        close(ratio(|l| l.area = Some(100.0)), 2f64.powf(0.93));
        close(ratio(|l| l.rooms = 3), 1.015);
        close(ratio(|l| l.floor = 1), 0.93 / 1.012);
        close(ratio(|l| l.floor = 9), 1.024 * 0.96 / 1.012);
        close(
            ratio(|l| (l.floor, l.floors_total) = (20, Some(25))),
            1.042 / 1.012,
        );
        close(ratio(|l| l.year_built = Some(2015)), 0.995f64.powi(10));
        close(ratio(|l| l.year_built = Some(1900)), 0.995f64.powi(60));
        close(ratio(|l| l.building_type = Some("wood")), 0.85);
        let later = DRIFT_START_US + YEAR_US as i64;
        let risen = hedonics.median_price(
            &Listing {
                year_built: None,
                ..listing()
            },
            &place(),
            later,
        );
        close(risen / found, 0.06f64.exp());
    }

    #[test]
    fn a_street_keeps_its_effect_and_the_effects_spread_as_documented() {
        let hedonics = Hedonics::default();
        let effects: Vec<f64> = (0..5_000)
            .map(|n| hedonics.street_effect("Tula", &format!("street {n}")))
            .collect();
        let mean = effects.iter().sum::<f64>() / 5_000.0;
        let variance = effects.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / 5_000.0;
        assert!(mean.abs() < 0.006, "{mean}");
        assert!((variance.sqrt() - 0.10).abs() < 0.005, "{variance}");
        close(hedonics.street_effect("Tula", "street 7"), effects[7]);
        let other = Hedonics {
            seed: 2,
            ..Hedonics::default()
        };
        assert_ne!(other.street_effect("Tula", "street 7"), effects[7]);
        assert_ne!(hedonics.street_effect("Omsk", "street 7"), effects[7]);
    }

    #[test]
    fn the_noise_has_its_sigma_and_prices_are_round() {
        let hedonics = Hedonics::default();
        let median = hedonics.median_price(&listing(), &place(), DRIFT_START_US);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut squares = 0.0;
        for _ in 0..10_000 {
            let price = hedonics.price(&listing(), &place(), DRIFT_START_US, &mut rng);
            assert_eq!(price % 1_000.0, 0.0);
            squares += (price / median).ln().powi(2);
        }
        let sigma = (squares / 10_000.0).sqrt();
        assert!((sigma - 0.08).abs() < 0.003, "{sigma}");
    }
}
