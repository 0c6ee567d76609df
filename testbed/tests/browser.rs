//! The browser sees what a page does wrong: a test that finds nothing would pass without it.

use testbed::Browser;

const PAGE: &str = "<!doctype html><title>wrong</title><body>\
    <img src='http://127.0.0.1:9/absent.png'><div style='width:2000px'>wide</div>\
    <script>console.error('said'); setTimeout(() => { throw new Error('thrown'); })</script>";

#[test]
fn what_a_page_does_wrong_is_seen() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let home = tempfile::tempdir().expect("a temporary directory");
    let page = home.path().join("page.html");
    std::fs::write(&page, PAGE).expect("the directory is ours");
    browser.open(&page, 390, 600);
    let wide = browser.evaluate("document.documentElement.scrollWidth");
    assert!(wide.as_u64() > Some(1900), "{wide}");
    assert_eq!(browser.evaluate("innerWidth"), 390);
    let requests = browser.requests();
    assert!(
        requests.iter().any(|url| url.ends_with("absent.png")),
        "{requests:?}"
    );
    let complaints = format!("{:?}", browser.complaints());
    for part in ["said", "thrown", "absent.png"] {
        assert!(complaints.contains(part), "{complaints}");
    }
    // A page that is opened next is judged by itself.
    std::fs::write(&page, "<!doctype html><title>right</title>").expect("the directory is ours");
    browser.open(&page, 1280, 600);
    assert_eq!(browser.complaints(), Vec::<serde_json::Value>::new());
    assert_eq!(browser.requests().len(), 1);
}
