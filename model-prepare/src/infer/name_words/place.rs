//! Words in the names of coordinates.

use super::has;

/// Whether a name is that of a latitude.
pub(in crate::infer) fn is_latitude(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "lat",
        "latitude",
        "lattitude",
        "latitud",
        "latitudine",
        "shirota",
        "breite",
        "breitengrad",
        "wei_du",
        "wido",
        "enlem",
        "szerokosc",
        "breddegrad",
        "y",
    ];
    is_coordinate(name, &NAMES)
}

/// Whether a name is that of a longitude.
pub(in crate::infer) fn is_longitude(name: &str) -> bool {
    const NAMES: [&str; 17] = [
        "lon",
        "lng",
        "long",
        "longitude",
        "longtitude",
        "longitud",
        "longitudine",
        "dolgota",
        "lange",
        "x",
        "laengengrad",
        "langengrad",
        "jing_du",
        "gyeongdo",
        "boylam",
        "dlugosc",
        "lengdegrad",
    ];
    is_coordinate(name, &NAMES)
}

fn is_coordinate(name: &str, names: &[&str]) -> bool {
    // A letter alone is one only as the whole name.
    names.iter().any(|known| match known.len() {
        1 => name == *known,
        _ => has(name, &[*known]),
    })
}
