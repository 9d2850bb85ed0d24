//! The routes of a service on a terminal.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use wasmscope_model::{Event, Recording, RouteTotals};

use super::display_name::{sanitized, without_middle};

/// Characters of a route's name.
const NAME_WIDTH: usize = 60;

/// What a route's requests took off the processor and on it, by [`Event`], in nanoseconds.
type Spent = BTreeMap<Event, u64>;

/// Writes a line for each route: those that took most CPU time first. Nothing where there are no requests.
pub(super) fn write_routes(recording: &Recording, mut out: impl Write) -> io::Result<()> {
    let Some(requests) = &recording.requests else {
        return Ok(());
    };
    let mut spent: BTreeMap<&str, Spent> = BTreeMap::new();
    for sample in &requests.samples {
        let group = requests.groups.get(sample.group as usize);
        let row = recording.profile.samples.get(sample.row as usize);
        if let (Some(group), Some(row)) = (group, row) {
            let sum = spent.entry(&group.route).or_default().entry(row.event).or_default();
            *sum = sum.saturating_add(sample.amount);
        }
    }
    let of = |route: &RouteTotals, event| spent.get(&*route.route).and_then(|it| it.get(&event)).copied().unwrap_or(0);
    let mut routes = requests.routes();
    routes.sort_by_key(|route| std::cmp::Reverse(of(route, Event::Cpu)));
    writeln!(
        out,
        "\n{:>9} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9}  route",
        "requests", "failed", "mean", "p50", "p90", "p99", "longest", "cpu each", "wait each"
    )?;
    for route in &routes {
        let RouteTotals { count, failed, mean, quantiles: [p50, p90, p99, longest], .. } = route;
        let each = |event| duration_text(Duration::from_nanos(of(route, event).checked_div(*count).unwrap_or(0)));
        let [mean, p50, p90, p99, longest] = [mean, p50, p90, p99, longest].map(|it| duration_text(*it));
        let name = sanitized(&route.route);
        writeln!(
            out,
            "{count:>9} {failed:>7} {mean:>8} {p50:>8} {p90:>8} {p99:>8} {longest:>8} {:>9} {:>9}  {}",
            each(Event::Cpu),
            each(Event::Wait),
            without_middle(&name, NAME_WIDTH)
        )?;
    }
    Ok(())
}

/// Three digits are what a sampled number is worth.
fn duration_text(duration: Duration) -> String {
    match duration.as_nanos() {
        0 => "0".to_owned(),
        1..1_000 => format!("{duration:.0?}"),
        _ => {
            let text = format!("{duration:?}");
            let whole = text.find('.').unwrap_or(3);
            format!("{duration:.*?}", 3usize.saturating_sub(whole).min(2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        let text = |nanos| duration_text(Duration::from_nanos(nanos));
        assert_eq!([text(0), text(7), text(999)], ["0", "7ns", "999ns"]);
        assert_eq!([text(1_234), text(45_678), text(345_678)], ["1.23µs", "45.7µs", "346µs"]);
        assert_eq!([text(20_000_000), text(1_500_000_000)], ["20ms", "1.50s"]);
    }
}
