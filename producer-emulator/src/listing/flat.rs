//! A flat for sale.

use serde::Serialize;

/// A flat for sale, as the schema `real-estate` names its fields.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listing {
    /// States which listing a later message replaces.
    pub id: String,
    /// RFC 3339 in UTC: orders listings in time. Always there, as history would else move to its
    /// arrival.
    pub listed_at: String,
    /// The largest part of the price.
    pub city: String,
    /// Moves the price within the city.
    pub street: String,
    /// First and last floors cost less.
    pub floor: i64,
    /// Rooms to live in; 0 is a studio.
    pub rooms: i64,
    /// Reports whether the floor is the last; at least `floor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floors_total: Option<i64>,
    /// In square metres: the second largest part of the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<f64>,
    /// In square metres: goes with the area, moves nothing by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kitchen_area: Option<f64>,
    /// Gives the age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year_built: Option<i64>,
    /// `brick`, `monolith`, `panel`, `wood` or `block`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub building_type: Option<&'static str>,
    /// In degrees, near the city's centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    /// In degrees, near the city's centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
    /// In roubles; none in a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
}
