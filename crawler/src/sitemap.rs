//! Sitemaps (sitemaps.org): addresses of pages, or of further sitemaps.

use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// Most addresses of one sitemap, as its protocol says.
const MOST: usize = 50_000;

/// What a sitemap names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sitemap {
    /// Pages.
    pub pages: Vec<String>,
    /// Further sitemaps.
    pub sitemaps: Vec<String>,
    /// Why the rest of it could not be read.
    pub broken: Option<String>,
}

impl Sitemap {
    /// Reads a sitemap, an index of sitemaps, or a list of addresses line by line. What precedes a
    /// fault is kept.
    pub fn parse(text: &str) -> Sitemap {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if !text.starts_with('<') {
            let lines = text.lines().map(str::trim);
            let addresses = lines.filter(|line| line.starts_with("http"));
            return Sitemap {
                pages: addresses.take(MOST).map(str::to_owned).collect(),
                ..Sitemap::default()
            };
        }
        let mut sitemap = Sitemap::default();
        if let Err(error) = sitemap.read(text) {
            sitemap.broken = Some(error.to_string());
        }
        sitemap
    }

    fn read(&mut self, text: &str) -> Result<(), quick_xml::Error> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = false;
        // Those of extensions, such as of pictures, are `loc` of another parent.
        let mut parents: Vec<Vec<u8>> = Vec::new();
        let mut address = String::new();
        loop {
            match reader.read_event()? {
                Event::Start(start) => {
                    // No sitemap is deeper; a hostile one may be.
                    if parents.len() >= 16 {
                        return Ok(());
                    }
                    parents.push(start.local_name().as_ref().to_vec());
                    address.clear();
                }
                Event::Text(part) => {
                    address.push_str(&part.decode().map_err(quick_xml::Error::from)?)
                }
                Event::CData(part) => {
                    address.push_str(&part.decode().map_err(quick_xml::Error::from)?)
                }
                Event::GeneralRef(reference) => match reference.resolve_char_ref()? {
                    Some(letter) => address.push(letter),
                    None => match &*reference {
                        b"amp" => address.push('&'),
                        b"lt" => address.push('<'),
                        b"gt" => address.push('>'),
                        b"quot" => address.push('"'),
                        b"apos" => address.push('\''),
                        // Others are defined by the document: none is expanded.
                        _ => {}
                    },
                },
                Event::End(_) => {
                    let name = parents.pop();
                    let parent = parents.last().map(Vec::as_slice);
                    if name.as_deref() == Some(b"loc") {
                        let of = match parent {
                            Some(b"url") => &mut self.pages,
                            Some(b"sitemap") => &mut self.sitemaps,
                            _ => continue,
                        };
                        of.push(address.trim().to_owned());
                        if self.pages.len() + self.sitemaps.len() >= MOST {
                            return Ok(());
                        }
                    }
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_further_sitemaps_are_read_and_pictures_are_not() {
        let text = "<?xml version='1.0'?><urlset xmlns='x' xmlns:image='y'>\
            <url><loc> https://e.com/a?x=1&amp;y=2 </loc><image:image><image:loc>https://e.com/a.jpg\
            </image:loc></image:image><lastmod>2026-01-01</lastmod></url>\
            <url><loc><![CDATA[https://e.com/b]]></loc></url></urlset>";
        let sitemap = Sitemap::parse(text);
        assert_eq!(
            sitemap.pages,
            ["https://e.com/a?x=1&y=2", "https://e.com/b"]
        );
        assert_eq!(sitemap.broken, None);
        let index =
            "<sitemapindex><sitemap><loc>https://e.com/s1.xml.gz</loc></sitemap></sitemapindex>";
        assert_eq!(Sitemap::parse(index).sitemaps, ["https://e.com/s1.xml.gz"]);
        assert_eq!(
            Sitemap::parse("https://e.com/1\n\nhttps://e.com/2\n")
                .pages
                .len(),
            2
        );
    }

    #[test]
    fn a_broken_or_hostile_one_gives_what_stands_before_the_fault() {
        let cut = "<urlset><url><loc>https://e.com/a</loc></url><url><loc>https://e.com/b</lo";
        let sitemap = Sitemap::parse(cut);
        assert_eq!(sitemap.pages, ["https://e.com/a"]);
        let laughs = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><urlset><url><loc>\
            https://e.com/&b;&b;</loc></url></urlset>";
        assert_eq!(Sitemap::parse(laughs).pages, ["https://e.com/"]);
        assert_eq!(Sitemap::parse(&"<a>".repeat(100_000)).pages.len(), 0);
        Sitemap::parse("<");
    }
}
