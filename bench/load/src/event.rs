//! What the program that started this one reads from its output.

/// Prints an event: one line of JSON.
pub fn print_event(event: &serde_json::Value) {
    // One write and a flush: a line is never seen in halves.
    println!("{event}");
}
