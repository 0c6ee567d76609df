//! Metrics of the emulator.

common::metrics! {
    SENT: Counter "hedonic_emulator_sent_total", "messages", ["topic"], "Delivered messages";
}
