//! The page that asks for a price, in a browser. Runs where `HEDONIC_TEST_BROWSER` is set.

#[path = "conservation/model.rs"]
mod model;

use std::time::{Duration, Instant};

use serde_json::json;
use testbed::{Browser, Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

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
            browser.visit(&url, width, height);
            until(
                &mut browser,
                "document.querySelectorAll('input').length > 5",
            );
            // Without the token it is told what is missing.
            browser.evaluate("document.querySelector('button').click()");
            until(
                &mut browser,
                "!!document.querySelector('.error')?.textContent.includes('Bearer')",
            );
            browser.evaluate(
                "document.querySelector('input[type=password]').value = 'a secret'; \
                 document.querySelector('input[name=area]').value = '50'; \
                 document.querySelector('button').click()",
            );
            until(
                &mut browser,
                "!!document.querySelector('#price')?.textContent.includes('₽')",
            );
            until(&mut browser, "document.querySelectorAll('tr').length > 3");
            until(
                &mut browser,
                "document.documentElement.scrollWidth <= innerWidth",
            );
        }
    });
    seen.await.expect("the page does what it should");
    running.stop().await;
}
