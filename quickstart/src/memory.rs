//! What the C library's allocator keeps of freed memory.
//!
//! glibc gives each thread an arena and keeps what was freed there: after nineteen trainings 177 MB were
//! taken of which 43 MB were in use, 27 MB of them in one arena that only grew (the embedded broker's
//! messages: 5 MB a partition at most). With these settings it was 116 MB after as many.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Few arenas; what is larger than 128 kB goes back to the system at once. glibc raises the second by
/// itself where it is not set.
const SETTINGS: [(&str, &str); 3] = embedded::ALLOCATOR;

/// Sets the allocator of this program, which reads its settings once: the program is started anew in
/// the same process. Returns where they are set already, or do not matter.
pub fn bound() {
    let is_glibc = cfg!(all(target_os = "linux", target_env = "gnu"));
    let is_set = |name: &str| std::env::var_os(name).is_some();
    let has_settings = SETTINGS.iter().any(|(name, _)| is_set(name));
    if !is_glibc || has_settings || is_set("GLIBC_TUNABLES") {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut arguments = std::env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // Only a failure returns: it goes on with the allocator as it is.
    let error = again.args(arguments).envs(SETTINGS).exec();
    eprintln!("hedonic: cannot configure the allocator: {error}");
}
