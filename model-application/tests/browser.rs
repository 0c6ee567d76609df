//! The page that asks for a price, in a browser. Runs where `HEDONIC_TEST_BROWSER` is set.

#[path = "conservation/model.rs"]
mod model;

use std::time::{Duration, Instant};

use serde_json::json;
use testbed::{Browser, Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

/// As a person types.
const FILL_IN: &str = r"
Object.entries({city: 'city1', street: 'street6', floor: '3', rooms: '2', area: '50'}).forEach(([name, value]) => {
  const input = document.querySelector('#f-' + name);
  input.value = value;
  input.dispatchEvent(new Event('input', {bubbles: true}));
})";

/// Waits until something on the page is so.
fn until(browser: &mut Browser, what: &str) {
    let limit = Instant::now() + LIMIT;
    while browser.evaluate(what) != json!(true) {
        let text = browser.evaluate("document.body.innerText");
        assert!(
            Instant::now() < limit,
            "not within {LIMIT:?}: {what}\n{text}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_for_a_price_and_shows_why() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let config = model_application::Config::new(&bed.settings(&[("applier.token", "a secret")]));
    let config = config.expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;
    let url = format!("http://{}/", running.http);
    let seen = tokio::task::spawn_blocking(move || {
        for (width, height) in [(1280, 900), (390, 844)] {
            let page = format!("{url}#/price");
            // Between two visits of one page that differ in nothing, nothing is loaded.
            browser.visit("about:blank", width, height);
            browser.visit(&page, width, height);
            // Without the token it states what is missing.
            until(
                &mut browser,
                "!!document.querySelector('dialog[open] input[name=token]')",
            );
            browser.evaluate("sessionStorage.setItem('hedonic-token', 'a secret'), true");
            browser.visit("about:blank", width, height);
            browser.visit(&page, width, height);
            until(&mut browser, "!!document.querySelector('#f-area')");
            assert_eq!(
                browser.evaluate("document.querySelectorAll('#f-id').length"),
                json!(0),
                "nobody is asked for an id"
            );
            browser.evaluate(FILL_IN);
            browser.evaluate("document.querySelector('.price-form .actions button').click(), true");
            until(
                &mut browser,
                "!!document.querySelector('#price')?.textContent.includes('₽')",
            );
            until(
                &mut browser,
                "document.querySelectorAll('.waterfall tr').length > 3",
            );
            until(
                &mut browser,
                "document.documentElement.scrollWidth <= innerWidth",
            );
            browser.evaluate("sessionStorage.clear(), true");
        }
    });
    seen.await.expect("the page does what it should");
    running.stop().await;
}
