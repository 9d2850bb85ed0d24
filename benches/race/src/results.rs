//! Where results go, and what they say of the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

/// The folder for the results of one machine and day.
#[derive(Debug)]
pub struct Results {
    folder: PathBuf,
    machine: String,
    date: String,
}

impl Results {
    /// Makes the folder: the one that is given, or one named by date and machine.
    pub fn in_folder(folder: Option<PathBuf>) -> Result<Self> {
        let (machine, date) = (machine()?, today());
        let named = || {
            let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/bench");
            bench.join(format!("{date}-{}", reduced(&machine)))
        };
        let folder = folder.unwrap_or_else(named);
        fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
        Ok(Self { folder, machine, date })
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file of raw results.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
    }

    /// Prints a summary and writes it as Markdown, under a title and a line on how it was measured.
    pub fn summarize(&self, name: &str, title: &str, body: &str) -> Result<()> {
        println!("{body}");
        let how = format!("{}, {}, {}, wasmtime 48.0.8, wasmscope {}.", self.date, self.machine, kernel(), version());
        self.write(name, &format!("# {title}\n\n{how}\n\n{body}"))
    }
}

fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("Linux {}", release.trim())
}

/// Returns the model of the processor and how many of it there are; no names of hosts.
fn machine() -> Result<String> {
    let info = fs::read_to_string("/proc/cpuinfo").context("failed to read /proc/cpuinfo")?;
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let virtual_machine = if info.contains(" hypervisor") { " virtual" } else { "" };
    Ok(format!("{}, {cores}{virtual_machine} cores", model.trim_start_matches([' ', '\t', ':'])))
}

/// Returns a name for a folder: lower-case letters, digits and dashes.
fn reduced(machine: &str) -> String {
    let words = machine.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = civil_date(seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Converts days since 1970-01-01 to a date, by counting in eras of 400 years that begin in March.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil_date(0), (1970, 1, 1));
        assert_eq!(civil_date(11_016), (2000, 2, 29));
        assert_eq!(civil_date(20_782), (2026, 11, 25));
    }

    #[test]
    fn a_machine_becomes_a_folder_name() {
        assert_eq!(reduced("AMD EPYC (R) 7543, 2 virtual cores"), "amd-epyc-r-7543-2-virtual-cores");
    }
}
