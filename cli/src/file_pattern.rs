//! File names with placeholders: `%m` is the module's name, `%t` the time.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where a profile goes when nothing else is said.
pub const DEFAULT: &str = "profile-%m-%t.pb.gz";

/// Fills in the placeholders. `%%` is a percent sign; other uses of `%` stay as they are.
pub fn expand(pattern: &str, module: &str, now: SystemTime) -> PathBuf {
    let mut name = String::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            name.push(c);
            continue;
        }
        match rest.next() {
            Some('m') => name.push_str(&reduced(module)),
            Some('t') => name.push_str(&utc(now)),
            Some('%') => name.push('%'),
            other => {
                name.push('%');
                name.extend(other);
            }
        }
    }
    name.into()
}

/// Gives the default name, then numbered ones, for when the same guest is profiled twice within a second.
pub fn default_files(module: &str, now: SystemTime) -> impl Iterator<Item = PathBuf> {
    let numbered = (2..1000).map(|number| DEFAULT.replace(".pb.gz", &format!("-{number}.pb.gz")));
    std::iter::once(DEFAULT.to_owned()).chain(numbered).map(move |pattern| expand(&pattern, module, now))
}

/// Reduces a guest's name to what is harmless in a file name on every system.
fn reduced(module: &str) -> String {
    let stem = Path::new(module).file_stem().map_or(module.into(), |stem| stem.to_string_lossy());
    let reduced: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' })
        .take(100)
        .collect();
    if reduced.is_empty() { "guest".to_owned() } else { reduced }
}

/// Writes a time as `20261124T130509Z`.
fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Turns days since 1970 into year, month and day of the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted in eras of 400 years that begin on the first of March, so that the leap day comes last.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn placeholders_are_filled_in_and_hostile_names_reduced() {
        let leap_day = UNIX_EPOCH + Duration::from_secs(1_709_210_096);
        assert_eq!(expand("p-%m-%t.svg", "a/b c\u{1b}.wasm", leap_day), Path::new("p-b_c_-20240229T123456Z.svg"));
        assert_eq!(expand("100%%-%x%", "m", leap_day), Path::new("100%-%x%"));
        assert_eq!(expand("%m", "../..", leap_day), Path::new(".._.."));
        assert_eq!(utc(UNIX_EPOCH), "19700101T000000Z");
        let defaults: Vec<_> = default_files("g.wasm", UNIX_EPOCH).take(2).collect();
        assert_eq!(
            defaults,
            ["profile-g-19700101T000000Z.pb.gz", "profile-g-19700101T000000Z-2.pb.gz"].map(PathBuf::from)
        );
    }
}
