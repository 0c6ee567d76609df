//! Processor time of this process.

/// Ticks of a second on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor seconds of this process so far, of all threads; none where the system does not count them as Linux does.
pub(crate) fn processor_seconds() -> Option<f64> {
    seconds(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Seconds in user and in kernel mode, the fields 14 and 15 of `/proc/PID/stat` (proc(5)).
fn seconds(stat: &str) -> Option<f64> {
    // The program's name, field 2, is in brackets and may have spaces.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11);
    let mut next = || ticks.next()?.parse::<f64>().ok();
    Some((next()? + next()?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_modes_are_added_up_whatever_the_name_of_the_program() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 250 51 0 0 20 0 2 0 99";
        assert_eq!(seconds(&format!("77 (a (b) c) {rest}")), Some(3.01));
        assert_eq!(seconds("77 (short) S 1 2"), None);
        assert_eq!(seconds(""), None);
    }
}
