//! data-loader
