//! producer-emulator
