//! Logging: defmt on the board, nothing in tests.

#[cfg(target_arch = "arm")]
pub(crate) use defmt::error;
#[cfg(target_arch = "arm")]
pub(crate) use defmt::warn;

#[cfg(not(target_arch = "arm"))]
macro_rules! nothing {
    ($text:literal $(, $value:expr)* $(,)?) => {{
        $(let _ = &$value;)*
    }};
}

#[cfg(not(target_arch = "arm"))]
pub(crate) use nothing as error;
#[cfg(not(target_arch = "arm"))]
pub(crate) use nothing as warn;
