//! The document of the format agrees with what is written.
