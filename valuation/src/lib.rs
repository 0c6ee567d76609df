//! valuation
