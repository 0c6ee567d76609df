//! Reports as HTML pages: plots are inline SVG, nothing is fetched.

mod axis;
mod bars;
mod boxes;
mod calibration;
mod classified;
mod clusters_page;
mod columns;
mod data;
mod distribution;
mod evaluation_page;
mod judged;
mod markup;
mod members;
mod multiclass;
mod plot;
mod sweep_page;

pub use clusters_page::clusters_page;
pub use evaluation_page::evaluation_page;
pub use sweep_page::sweep_page;
