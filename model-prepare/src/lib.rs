//! model-prepare
