//! model-application
