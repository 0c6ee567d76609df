//! What plots share: their size, frame and axes. All of it is SVG in the page itself.

use std::fmt::Write as _;

use super::axis::Axis;
use super::markup::escape;

pub(super) const WIDTH: f64 = 320.0;
pub(super) const HEIGHT: f64 = 210.0;
/// Room for the names on the left axis, and below the lower one.
const LEFT: f64 = 46.0;
const BELOW: f64 = 24.0;
const TOP: f64 = 8.0;
const RIGHT: f64 = 14.0;
/// Half the width of a character, at least.
const HALF_CHAR: f64 = 3.6;

/// One colour each for what is drawn beside each other; distinct for eyes that see no red or green
/// too (Okabe & Ito 2008).
pub(super) const COLOURS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00",
];

/// A plot with its caption. `body` is drawn in a box of `WIDTH` and `height`.
pub(super) fn figure(caption: &str, height: f64, body: &str) -> String {
    let caption = escape(caption);
    format!(
        "<figure><svg role=\"img\" aria-label=\"{caption}\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\">{body}</svg><figcaption>{caption}</figcaption></figure>"
    )
}

/// A plot over two axes.
pub(super) struct Plot {
    x: Axis,
    y: Axis,
    body: String,
}

impl Plot {
    /// An empty plot with named axes.
    pub(super) fn new(x: Axis, y: Axis) -> Plot {
        let mut plot = Plot::without_names(x, y);
        for (value, name) in x.ticks() {
            plot.grid(plot.at_x(value), TOP, plot.at_x(value), HEIGHT - BELOW);
            plot.name_x(value, &name);
        }
        plot
    }

    /// The same without names on the lower axis.
    pub(super) fn without_names(x: Axis, y: Axis) -> Plot {
        let mut plot = Plot {
            x,
            y,
            body: String::new(),
        };
        for (value, name) in y.ticks() {
            let at = plot.at_y(value);
            plot.grid(LEFT, at, WIDTH - RIGHT, at);
            plot.text(LEFT - 5.0, at + 4.0, "end", &name);
        }
        plot
    }

    /// A name on the lower axis.
    pub(super) fn name_x(&mut self, value: f64, name: &str) {
        let half = HALF_CHAR * name.chars().count() as f64;
        let middle = self.at_x(value).clamp(half, (WIDTH - half).max(half));
        self.text(middle, HEIGHT - BELOW + 15.0, "middle", name);
    }

    pub(super) fn at_x(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - RIGHT - LEFT)
    }

    pub(super) fn at_y(&self, value: f64) -> f64 {
        HEIGHT - BELOW - self.y.place(value) * (HEIGHT - BELOW - TOP)
    }

    fn grid(&mut self, x1: f64, y1: f64, x2: f64, y2: f64) {
        self.draw(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#e3e8ee\"/>"
        ));
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, text: &str) {
        self.draw(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            escape(text)
        ));
    }

    fn draw(&mut self, shape: std::fmt::Arguments) {
        // Writing to a String cannot fail.
        let _ = self.body.write_fmt(shape);
    }

    /// A straight line between two points.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let (x1, y1) = (self.at_x(from.0), self.at_y(from.1));
        let (x2, y2) = (self.at_x(to.0), self.at_y(to.1));
        self.draw(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" \
             stroke=\"{colour}\" stroke-dasharray=\"5 3\"/>"
        ));
    }

    /// A line through points, with a mark at each.
    pub(super) fn path(&mut self, points: &[(f64, f64)], colour: &str) {
        self.curve(points, colour);
        for point in points {
            self.dot(*point, 2.6, colour, 1.0);
        }
    }

    /// A line through points.
    pub(super) fn curve(&mut self, points: &[(f64, f64)], colour: &str) {
        let places: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{:.1},{:.1}", self.at_x(*x), self.at_y(*y)))
            .collect();
        self.draw(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\"/>",
            places.join(" ")
        ));
    }

    /// A box between two corners.
    pub(super) fn area(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let (x, y) = (self.at_x(from.0), self.at_y(to.1));
        let (wide, high) = (self.at_x(to.0) - x, self.at_y(from.1) - y);
        self.draw(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" fill=\"{colour}\" \
             fill-opacity=\"0.45\"/>",
            high.max(0.5)
        ));
    }

    /// A round point.
    pub(super) fn dot(&mut self, at: (f64, f64), radius: f64, colour: &str, opacity: f64) {
        let (x, y) = (self.at_x(at.0), self.at_y(at.1));
        self.draw(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\" \
             fill-opacity=\"{opacity}\"/>"
        ));
    }

    /// A number on a round point: named by its position, where a colour stands for several.
    pub(super) fn number(&mut self, at: (f64, f64), number: usize, colour: &str) {
        self.dot(at, 8.0, colour, 1.0);
        let (x, y) = (self.at_x(at.0), self.at_y(at.1));
        self.draw(format_args!(
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" style=\"fill:#fff\">{number}</text>",
            y + 4.0
        ));
    }

    /// A box from the lower axis up to `high`, with what it stands for.
    pub(super) fn column(&mut self, from: f64, to: f64, high: f64, colour: &str, says: &str) {
        let (x1, x2) = (self.at_x(from), self.at_x(to));
        let (top, bottom) = (self.at_y(high), self.at_y(self.y.low));
        self.draw(format_args!(
            "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\">\
             <title>{}</title></rect>",
            x1 + 0.5,
            (x2 - x1 - 1.0).max(0.5),
            (bottom - top).max(0.0),
            escape(says)
        ));
    }

    /// Names of what is drawn in which colour, above the plot, in as many lines as they take.
    pub(super) fn legend(&mut self, names: &[&str]) {
        let (mut x, mut y) = (LEFT + 4.0, TOP);
        for (name, colour) in names.iter().zip(COLOURS.iter().cycle()) {
            let name: String = name.chars().take(18).collect();
            let width = 22.0 + 2.0 * HALF_CHAR * name.chars().count() as f64;
            if x + width > WIDTH - RIGHT && x > LEFT + 4.0 {
                (x, y) = (LEFT + 4.0, y + 13.0);
            }
            self.draw(format_args!(
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"9\" height=\"9\" fill=\"{colour}\"/>",
                y + 1.0
            ));
            self.text(x + 12.0, y + 9.5, "start", &name);
            x += width;
        }
    }

    /// The figure.
    pub(super) fn finish(self, caption: &str) -> String {
        figure(caption, HEIGHT, &self.body)
    }
}
