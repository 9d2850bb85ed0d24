//! The identity of code that survives stripping and packing.

use std::fmt;
use std::str::FromStr;

/// The SHA-256 of a core module's code section (its contents, without the section's id and size).
///
/// Stripping, adding custom sections and packing into a component leave the code section as it is, so a stripped
/// deployment and its unstripped build share this identity, and the same stack is the same on every machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeIdentity([u8; 32]);

impl CodeIdentity {
    /// Wraps a SHA-256 digest of a code section.
    pub const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Returns the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for CodeIdentity {
    /// Writes 64 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CodeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeIdentity({self})")
    }
}

/// The text was not 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a code identity is 64 hexadecimal digits")]
pub struct ParseIdentityError;

impl FromStr for CodeIdentity {
    type Err = ParseIdentityError;

    fn from_str(text: &str) -> Result<Self, ParseIdentityError> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(ParseIdentityError);
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16).ok_or(ParseIdentityError)?;
            let low = char::from(pair[1]).to_digit(16).ok_or(ParseIdentityError)?;
            *byte = (high * 16 + low) as u8;
        }
        Ok(Self(digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_reads_back_what_it_prints() {
        let identity = CodeIdentity::from_digest(std::array::from_fn(|i| i as u8 * 7));
        assert_eq!(identity.to_string().parse(), Ok(identity));
        assert_eq!("abc".parse::<CodeIdentity>(), Err(ParseIdentityError));
        assert_eq!("g".repeat(64).parse::<CodeIdentity>(), Err(ParseIdentityError));
    }
}
