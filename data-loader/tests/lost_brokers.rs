//! A broker that has just started answers for a moment that the cluster has no brokers. librdkafka 2.12
//! then drops all addresses it has, and sometimes finds none again (librdkafka#5301): the services make
//! such a client again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::producer::FutureRecord;
use serde_json::json;
use testbed::{Running, Testbed, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

const LIMIT: Duration = Duration::from_secs(180);
/// Kafka's number of a request for metadata, and the version from which its lengths are varints.
const METADATA: i16 = 3;
const FLEXIBLE: i16 = 9;

/// Between clients and a broker: its own address replaces the broker's in all metadata, or none
/// where the broker `is_starting`.
struct Broker {
    port: u16,
    is_starting: Arc<AtomicBool>,
}

impl Broker {
    async fn before(upstream: String) -> Broker {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let is_starting = Arc::new(AtomicBool::new(false));
        let starting = Arc::clone(&is_starting);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&upstream).await else {
                    continue;
                };
                let asked = Arc::new(Mutex::new(HashMap::new()));
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(requests(from_client, to_server, Arc::clone(&asked)));
                tokio::spawn(answers(
                    from_server,
                    to_client,
                    asked,
                    port,
                    Arc::clone(&starting),
                ));
            }
        });
        Broker { port, is_starting }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// The versions of the requests for metadata by their correlation ids.
type Asked = Arc<Mutex<HashMap<i32, i16>>>;

async fn frame(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let length = from.read_i32().await.ok()?;
    let mut frame = vec![0; usize::try_from(length).ok()?];
    from.read_exact(&mut frame).await.ok()?;
    Some(frame)
}

async fn pass_on(to: &mut OwnedWriteHalf, frame: &[u8]) -> Option<()> {
    let length = i32::try_from(frame.len()).ok()?;
    to.write_all(&length.to_be_bytes()).await.ok()?;
    to.write_all(frame).await.ok()
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, asked: Asked) {
    while let Some(frame) = frame(&mut from).await {
        let short = |at: usize| i16::from_be_bytes([frame[at], frame[at + 1]]);
        if short(0) == METADATA {
            assert!(short(2) >= FLEXIBLE, "metadata of version {}", short(2));
            let id = i32::from_be_bytes([frame[4], frame[5], frame[6], frame[7]]);
            asked.lock().expect("no panic").insert(id, short(2));
        }
        if pass_on(&mut to, &frame).await.is_none() {
            return;
        }
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    asked: Asked,
    port: u16,
    starting: Arc<AtomicBool>,
) {
    while let Some(frame) = frame(&mut from).await {
        let id = i32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
        let is_metadata = asked.lock().expect("no panic").remove(&id).is_some();
        let frame = match is_metadata {
            true => with_brokers(&frame, port, starting.load(Ordering::Relaxed)),
            false => frame,
        };
        if pass_on(&mut to, &frame).await.is_none() {
            return;
        }
    }
}

/// Correlation id, tags and throttle time stay; the brokers are replaced; the rest stays.
fn with_brokers(frame: &[u8], port: u16, is_starting: bool) -> Vec<u8> {
    const HEAD: usize = 4 + 1 + 4;
    let mut at = HEAD;
    let varint = |at: &mut usize| {
        let (mut value, mut shift) = (0_usize, 0);
        loop {
            let byte = frame[*at];
            *at += 1;
            value |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    };
    let count = varint(&mut at).saturating_sub(1);
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(frame[at..at + 4].to_vec());
        at += 4;
        let host = varint(&mut at).saturating_sub(1);
        at += host + 4;
        let rack = varint(&mut at).saturating_sub(1);
        at += rack;
        assert_eq!(varint(&mut at), 0, "no tags");
    }
    let mut changed = frame[..HEAD].to_vec();
    if is_starting {
        nodes.clear();
    }
    changed.push(u8::try_from(nodes.len() + 1).expect("few brokers"));
    for node in nodes {
        const HOST: &[u8] = b"127.0.0.1";
        changed.extend(node);
        changed.push(HOST.len() as u8 + 1);
        changed.extend(HOST);
        changed.extend(i32::from(port).to_be_bytes());
        // No rack, no tags.
        changed.extend([0, 0]);
    }
    changed.extend(&frame[at..]);
    changed
}

fn listings(ids: std::ops::Range<u32>) -> Vec<(String, Vec<u8>)> {
    ids.map(|id| {
        let listing = json!({
            "id": id, "city": "Kazan", "street": "Lenina", "floor": 3, "rooms": 2, "price": 5e6,
        });
        (id.to_string(), listing.to_string().into_bytes())
    })
    .collect()
}

async fn stored(bed: &Testbed, expected: i64) {
    eventually(&format!("{expected} listings"), LIMIT, || async {
        bed.number("SELECT (to_regclass('listings') IS NOT NULL)::int::bigint")
            .await
            == 1
            && bed.number("SELECT count(*) FROM listings").await == expected
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loader_and_a_producer_come_back_when_librdkafka_has_lost_its_brokers() {
    let bed = Testbed::start().await;
    let broker = Broker::before(bed.brokers().to_owned()).await;
    let address = broker.address();
    let set = [
        ("kafka.brokers", address.as_str()),
        ("kafka.properties.topic.metadata.refresh.interval.ms", "500"),
    ];
    let topic = bed.kafka(&[]).topics.new_data;
    let config = data_loader::Config::new(&bed.settings(&set)).expect("valid settings");
    let running = Running::start(|listener, shutdown| data_loader::run(config, listener, shutdown));
    bed.send(&topic, &listings(0..20)).await;
    stored(&bed, 20).await;

    let ours = bed.kafka(&set).producer().expect("a producer");
    let message = || {
        FutureRecord::to(topic.as_str())
            .key("k")
            .payload("no listing")
    };
    let delivery = ours.send_result(message()).map_err(|(error, _)| error);
    let delivered = delivery
        .expect("it is taken")
        .await
        .expect("it is not dropped");
    delivered.map_err(|(error, _)| error).expect("it delivers");

    broker.is_starting.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(5)).await;
    broker.is_starting.store(false, Ordering::Relaxed);
    bed.send(&topic, &listings(20..50)).await;
    stored(&bed, 50).await;
    eventually("ready", LIMIT, || running.is_ready()).await;
    eventually("our producer delivers", LIMIT, || async {
        match ours.send_result(message()) {
            Ok(delivery) => tokio::time::timeout(Duration::from_secs(5), delivery)
                .await
                .is_ok_and(|delivered| delivered.is_ok_and(|delivered| delivered.is_ok())),
            Err(_) => false,
        }
    })
    .await;
    running.stop().await;
}
