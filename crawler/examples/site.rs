//! A small site of listings to crawl, on this machine: a robots.txt, a sitemap, a page for each listing.
//!
//!   cargo run -p crawler --example site -- --pages 300
//!
//! Half of the pages have JSON-LD, a third of the rest microdata, the others only elements with classes. What
//! they show is made: prices follow from the listing, so that a model can learn them.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::header;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use clap::Parser;

/// Serves a site of made listings.
#[derive(Parser)]
struct Args {
    /// Address
    #[arg(long, default_value = "127.0.0.1:8000")]
    http: String,
    /// How many listings
    #[arg(long, default_value_t = 300)]
    pages: u64,
}

/// The site.
struct Site {
    pages: u64,
    /// Requests for what robots.txt does not allow.
    disallowed: AtomicU64,
}

/// A made listing.
struct Flat {
    number: u64,
    city: &'static str,
    street: &'static str,
    floor: u64,
    rooms: u64,
    area: u64,
    price: u64,
}

impl Flat {
    /// The same for the same number.
    fn of(number: u64) -> Flat {
        let cities = [("Kazan", 100), ("Perm", 80), ("Omsk", 70)];
        let streets = ["Lenina", "Mira", "Sadovaya", "Gagarina", "Pushkina"];
        // Any numbers that are spread well.
        let drawn = |salt: u64, of: u64| {
            let mixed = (number + 1)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(salt as u32 * 7);
            (mixed ^ (mixed >> 29)) % of
        };
        let (city, level) = cities[drawn(1, 3) as usize];
        let (rooms, floor) = (1 + drawn(2, 4), 1 + drawn(3, 16));
        let area = 18 * rooms + 10 + drawn(4, 12);
        let price = area * level * 1000 * (100 + floor) / 100 * (95 + drawn(5, 11)) / 100;
        Flat {
            number,
            city,
            street: streets[drawn(6, 5) as usize],
            floor,
            rooms,
            area,
            price,
        }
    }

    fn page(&self) -> String {
        let Flat {
            number,
            city,
            street,
            floor,
            rooms,
            area,
            price,
        } = self;
        let body = match number % 6 {
            0 | 2 | 4 => format!(
                r#"<script type="application/ld+json">{{"@context":"https://schema.org","@type":"Offer",
                "price":{price},"priceCurrency":"RUB","itemOffered":{{"@type":"Apartment","identifier":"{number}",
                "numberOfRooms":{rooms},"floorLevel":"{floor}",
                "floorSize":{{"@type":"QuantitativeValue","value":{area},"unitCode":"MTK"}},
                "address":{{"@type":"PostalAddress","addressLocality":"{city}","streetAddress":"{street}"}}}},
                "seller":{{"@type":"Person","name":"Ann Example","telephone":"+7 900 000-00-00"}}}}</script>"#
            ),
            1 => format!(
                r#"<div itemscope itemtype="https://schema.org/Offer"><meta itemprop="priceCurrency" content="RUB">
                <b itemprop="price">{price}</b><div itemprop="itemOffered" itemscope itemtype="https://schema.org/Apartment">
                <i itemprop="identifier">{number}</i> <i itemprop="numberOfRooms">{rooms}</i>
                <i itemprop="floorLevel">{floor}</i> <i itemprop="floorSize">{area} m²</i>
                <p itemprop="address" itemscope itemtype="https://schema.org/PostalAddress">
                <i itemprop="addressLocality">{city}</i>, <i itemprop="streetAddress">{street}</i></p></div></div>"#
            ),
            _ => format!(
                r#"<ul class="facts" data-id="{number}"><li class="city">{city}<li class="street">{street}
                <li class="floor">{floor}<li class="rooms">{rooms}<li class="area">{area} m²
                <li class="price">{price} ₽</ul>"#
            ),
        };
        format!(
            "<!doctype html><html><head><meta charset=utf-8><title>Flat {number}</title></head><body>\
             {body}<p>Call Ann: +7 900 000-00-00, ann@example.org</p><img src=/photo.jpg>\
             <a href=/private/{number}>owner</a> <a href=/flats/{}>next</a></body></html>",
            number + 1
        )
    }
}

async fn robots(request: HttpRequest) -> HttpResponse {
    let host = request.connection_info().host().to_owned();
    HttpResponse::Ok().content_type("text/plain").body(format!(
        "User-agent: *\nDisallow: /private/\n\nSitemap: http://{host}/sitemap.xml\n"
    ))
}

async fn home() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html")
        .body("<a href=/flats/0>flats</a>")
}

async fn sitemap(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let host = request.connection_info().host().to_owned();
    let mut text = String::from("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">");
    for number in 0..site.pages {
        // Writing into a String cannot fail.
        let _ = write!(text, "<url><loc>http://{host}/flats/{number}</loc></url>");
    }
    text.push_str("</urlset>");
    HttpResponse::Ok()
        .content_type("application/xml")
        .body(text)
}

async fn flat(site: web::Data<Site>, path: web::Path<u64>, request: HttpRequest) -> HttpResponse {
    let number = path.into_inner();
    if number >= site.pages {
        return HttpResponse::NotFound().finish();
    }
    let etag = format!("\"{number}-1\"");
    let known = request.headers().get(header::IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return HttpResponse::NotModified().finish();
    }
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::ETAG, etag))
        .body(Flat::of(number).page())
}

async fn private(site: web::Data<Site>) -> HttpResponse {
    site.disallowed.fetch_add(1, Ordering::Relaxed);
    eprintln!("a page that robots.txt does not allow was asked for");
    HttpResponse::Ok().body("private")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let site = Arc::new(Site {
        pages: args.pages,
        disallowed: AtomicU64::new(0),
    });
    let data = web::Data::from(Arc::clone(&site));
    println!(
        "{} listings at http://{}/sitemap.xml; Ctrl-C leaves",
        args.pages, args.http
    );
    HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .route("/robots.txt", web::get().to(robots))
            .route("/sitemap.xml", web::get().to(sitemap))
            .route("/", web::get().to(home))
            .route("/flats/{number}", web::get().to(flat))
            .route("/private/{number}", web::get().to(private))
    })
    .workers(1)
    .bind(&args.http)?
    .run()
    .await?;
    println!(
        "disallowed pages asked for: {}",
        site.disallowed.load(Ordering::Relaxed)
    );
    Ok(())
}
