//! The frame of a page: head, style, sections.

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:70rem;\
    padding:0 1rem;color:#1b2330}h1{font-size:1.6rem}h2{margin:2.2rem 0 .5rem;font-size:1.2rem}\
    p{margin:.4rem 0}table{border-collapse:collapse;font-size:14px}td,th{padding:.15rem .7rem;\
    text-align:right;border-bottom:1px solid #dde3ea;white-space:nowrap}td:first-child,\
    th:first-child,.texts td,.texts th{text-align:left}.wide{overflow-x:auto}\
    pre{background:#f4f6f9;padding:1rem;overflow:auto;font-size:13px}\
    .plots{display:flex;flex-wrap:wrap;gap:1rem 1.4rem;margin:.6rem 0}figure{margin:0;width:320px;\
    max-width:100%}svg{background:#fafbfd;max-width:100%;height:auto;display:block}\
    svg text{font:11px system-ui,sans-serif;fill:#3c4858}figcaption{font-size:13px;color:#55606e}\
    .fails{color:#b3261e}";

/// A page of its own: a title that is escaped, the measures as text, the sections.
pub(super) fn whole(title: &str, measures: &str, sections: &str) -> String {
    // An icon of its own: a browser would ask the server for one.
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <link rel=\"icon\" href=\"data:,\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><h1>{title}</h1><pre>{}</pre>{sections}</body></html>",
        escape(measures)
    )
}

/// A section: a heading, a paragraph, plots beside each other, a table.
pub(super) fn section(title: &str, text: &str, figures: &[String], table: &str) -> String {
    let text = match text {
        "" => String::new(),
        text => format!("<p>{text}</p>"),
    };
    let table = match table {
        "" => String::new(),
        table => format!("<div class=wide>{table}</div>"),
    };
    format!(
        "<section><h2>{}</h2>{text}<div class=plots>{}</div>{table}</section>",
        escape(title),
        figures.concat()
    )
}

/// A text with the characters that HTML reserves escaped.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
