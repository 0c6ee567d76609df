//! Messages that must not stop the stream.

use rand::RngExt;
use rand::distr::Alphanumeric;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::ledger::{Expected, Stream};

macro_rules! poisons {
    ($($kind:ident $name:literal $weight:literal, $what:literal;)*) => {
        /// A kind of message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Poison { $(#[doc = $what] $kind),* }

        impl Poison {
            pub const ALL: &[Poison] = &[$(Poison::$kind),*];

            pub fn name(self) -> &'static str {
                match self { $(Poison::$kind => $name),* }
            }

            pub fn weight(self) -> u32 {
                match self { $(Poison::$kind => $weight),* }
            }
        }
    };
}

poisons! {
    LongId "long-id" 4, "An id of 3,500 random letters: more than an index takes.";
    Junk "junk" 3, "400 kB of random bytes.";
    Controls "controls" 3, "400 kB of control characters, each of which six characters of JSON stand for.";
    HugeKey "huge-key" 2, "A Kafka key of 300 kB.";
    ZstdBomb "zstd-bomb" 1, "A few kB of zstd that unpack to 30 MB.";
    Null "null" 2, "A key without a payload.";
    RecordTime "record-time" 2, "A record time in seconds instead of milliseconds, or ten days off.";
    OwnTime "own-time" 2, "A time inside the record that no clock shows.";
    EscapedNul "escaped-nul" 2, "A NUL in a text, which PostgreSQL does not take.";
    Nul "nul" 1, "NUL bytes.";
    NotUtf8 "not-utf8" 2, "Bytes that are no UTF-8.";
    Nested "nested" 2, "100,000 brackets.";
    NestedField "nested-field" 1, "An unknown field that is nested 1,000 times.";
    Conflict "conflict" 3, "An id sent before, with another content.";
    Again "again" 3, "A message sent before, byte for byte.";
}

/// What is sent.
pub struct Dose {
    pub key: Vec<u8>,
    pub payload: Option<Vec<u8>>,
    /// The record time, in milliseconds since 1970.
    pub time_ms: Option<i64>,
    /// By the producer that packs with zstd, whatever it unpacks to.
    pub packed: bool,
    pub expected: Expected,
}

impl Poison {
    /// A message of this kind; `number` makes its id its own, `known` is a message sent before
    /// (its number), and `now_ms` the time.
    pub fn dose(
        self,
        rng: &mut ChaCha8Rng,
        stream: Stream,
        number: u64,
        known: Option<u64>,
        now_ms: i64,
    ) -> Dose {
        let bad = |payload: Vec<u8>| Dose {
            key: format!("p{number}").into_bytes(),
            payload: Some(payload),
            time_ms: None,
            packed: false,
            expected: Expected::Rejected,
        };
        let either = |payload: Vec<u8>| Dose {
            expected: Expected::Either,
            ..bad(payload)
        };
        let id = format!("p{number}");
        let good = |id: &str| stream.example(id);
        match self {
            Poison::LongId => bad(good(&letters(rng, 3500)).to_string().into_bytes()),
            Poison::Junk => bad((0..400_000).map(|_| rng.random()).collect()),
            Poison::Controls => bad((0..400_000).map(|_| rng.random_range(1..32)).collect()),
            Poison::HugeKey => Dose {
                key: letters(rng, 300_000).into_bytes(),
                ..either(good(&id).to_string().into_bytes())
            },
            Poison::ZstdBomb => Dose {
                packed: true,
                ..bad(vec![b'a'; 30_000_000])
            },
            Poison::Null => Dose {
                payload: None,
                // A tombstone may mean that a listing is withdrawn.
                expected: match stream {
                    Stream::Listings => Expected::Either,
                    _ => Expected::Rejected,
                },
                ..bad(Vec::new())
            },
            Poison::RecordTime => Dose {
                time_ms: Some(match rng.random_range(0..3) {
                    0 => now_ms / 1000,
                    1 => now_ms - 10 * 86_400_000,
                    _ => now_ms + 10 * 86_400_000,
                }),
                // A broker may refuse it, and all that is sent with it.
                packed: true,
                ..either(good(&id).to_string().into_bytes())
            },
            Poison::OwnTime => {
                let mut message = good(&id);
                let field = stream.time_field();
                message[field] = json!(match rng.random_range(0..3) {
                    0 => "0001-01-01T00:00:00Z",
                    1 => "2126-01-01T00:00:00Z",
                    _ => "yesterday",
                });
                either(message.to_string().into_bytes())
            }
            Poison::EscapedNul => {
                let text = stream.text_field();
                let mut message = good(&id);
                message[text] = json!("a\u{0}b");
                // Labels have no text but their id.
                bad(message.to_string().into_bytes())
            }
            Poison::Nul => bad(vec![0; 100]),
            Poison::NotUtf8 => {
                let mut bytes = good(&id).to_string().into_bytes();
                bytes.insert(bytes.len() / 2, 0xff);
                bytes.extend([0xc3, 0x28]);
                bad(bytes)
            }
            Poison::Nested => bad(vec![b'['; 100_000]),
            Poison::NestedField => {
                let text = good(&id).to_string();
                let nested = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
                let open = text.trim_end_matches('}');
                either(format!("{open},\"more\":{nested}}}").into_bytes())
            }
            Poison::Conflict => {
                let id = known.map_or(id, |known| stream.id(known));
                let mut message = good(&id);
                message[stream.number_field()] = json!(7);
                Dose {
                    key: id.into_bytes(),
                    ..either(message.to_string().into_bytes())
                }
            }
            Poison::Again => {
                let number = known.unwrap_or(number);
                let (key, payload) = stream.message(number, now_ms);
                Dose {
                    key: key.into_bytes(),
                    // A label sent again has another time, and a listing is the newest of its id.
                    ..either(payload.into_bytes())
                }
            }
        }
    }
}

fn letters(rng: &mut ChaCha8Rng, count: usize) -> String {
    let letters = rng.sample_iter(Alphanumeric).take(count);
    letters.map(char::from).collect()
}
