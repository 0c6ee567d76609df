//! Metrics of the crawler.

common::metrics! {
    PAGES: Counter "hedonic_crawler_pages_total", "pages", ["host", "state"], "Visited pages";
    REASONS: Counter "hedonic_crawler_reasons_total", "pages", ["reason"], "Pages that were refused or had no listing";
    UNCHANGED: Counter "hedonic_crawler_unchanged_total", "pages", [], "Unchanged pages (304)";
    BYTES: Counter "hedonic_crawler_received_bytes_total", "bytes", [], "Received bytes of bodies";
    ROBOTS: Counter "hedonic_crawler_robots_total", "requests", [], "Requests for robots.txt";
    VERSIONS: Counter "hedonic_crawler_versions_total", "versions", [], "New versions of listings";
    PUBLISHED: Counter "hedonic_crawler_published_total", "versions", [], "Versions of listings that Kafka has confirmed";
    PUBLISH_RETRIES: Counter "hedonic_crawler_publish_retries_total", "attempts", [], "Failed attempts to publish a listing";
    HOSTS: Gauge "hedonic_crawler_hosts", "hosts", [], "Hosts that the current run works on";
}
