//! Durations on the command line.

use std::time::Duration;

/// Reads a duration: a number with `ns`, `us`, `ms`, `s`, `m` or `h`; without a unit it is seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits_end);
    let seconds = match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unknown unit {unit:?}; there are ns, us, ms, s, m and h")),
    };
    let number: f64 =
        number.parse().map_err(|_| "a duration is a number with a unit, such as 10s or 1.5m".to_owned())?;
    let duration = Duration::try_from_secs_f64(number * seconds).map_err(|_| "that is too long".to_owned())?;
    if duration.is_zero() { Err("a duration must be more than zero".to_owned()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_nonsense_is_named() {
        assert_eq!(parse_duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(parse_duration("3"), Ok(Duration::from_secs(3)));
        for nonsense in ["", "s", "-1s", "0", "1.2.3", "5 parsecs", "1e99h", "nan"] {
            assert!(parse_duration(nonsense).is_err(), "{nonsense}");
        }
    }
}
