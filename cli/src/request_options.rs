//! Which requests of a service are shown.

use anyhow::{Result, bail};
use clap::Args;
use wasmscope_model::{Event, LatencyClass, Recording, Requests};

/// Which requests of a service are shown.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Requests")]
pub struct RequestOptions {
    /// Show only what requests of this route took, such as 'GET /orders/{number}'.
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,

    /// Show only what the slowest requests of each route took, such as p99, or by p50 the faster half.
    #[arg(long, value_name = "CLASS")]
    class: Option<LatencyClass>,
}

impl RequestOptions {
    /// Returns the part of a recording that is of these requests, and what it is called; `None` if all is shown.
    pub fn part(&self, recording: &Recording) -> Result<Option<(Recording, String)>> {
        if self.route.is_none() && self.class.is_none() {
            return Ok(None);
        }
        let Some(requests) = &recording.requests else {
            bail!("it tells of no requests: `wasmscope serve --record` records by request");
        };
        if let Some(route) = &self.route
            && !requests.groups.iter().any(|group| group.route == *route)
        {
            let known: Vec<_> = requests.routes().into_iter().map(|known| known.route).collect();
            bail!("it tells of no requests of {route}; its routes are: {}", known.join(", "));
        }
        let groups = requests.select(self.route.as_deref(), self.class);
        let part = recording.of_requests(requests, &groups);
        let name = self.name(requests, &groups, &part);
        Ok(Some((part, name)))
    }

    fn name(&self, requests: &Requests, groups: &[u32], part: &Recording) -> String {
        let route = self.route.as_deref().unwrap_or("all routes");
        let class = match self.class {
            None => String::new(),
            Some(LatencyClass::Median) => ", the faster half".to_owned(),
            Some(LatencyClass::From(share)) => format!(", from p{} on", share * 100.0),
        };
        let count = requests.count(groups);
        let each = |event| part.total_amount(event) as f64 / count.max(1) as f64 / 1e6;
        let (cpu, wait) = (each(Event::Cpu), each(Event::Wait));
        format!("{route}{class}: {count} requests, {cpu:.2} ms of CPU time and {wait:.2} ms of waiting each")
    }
}
