//! Which events are recorded and shown.

use clap::Args;
use wasmscope_model::Event;

/// Which events are recorded and shown.
#[derive(Args, Debug)]
pub struct EventOption {
    /// What to show: cpu, wait, ready, or several, such as wait,cpu.
    ///
    /// cpu is time on a CPU, in the guest and in host calls. wait is time blocked in a host call, or awaiting one, at the
    /// guest's stack. ready is time in which the guest could have run and did not. The table shows each; .svg and .folded
    /// show the first; .pb.gz and .json have all that was recorded.
    #[arg(
        short,
        long = "event",
        value_name = "EVENTS",
        default_value = "cpu,wait",
        value_delimiter = ',',
        value_parser = parse_event
    )]
    events: Vec<Event>,
}

/// Reads an event that recordings have.
pub fn parse_event(text: &str) -> Result<Event, String> {
    match Event::from_name(text) {
        Some(event @ (Event::Cpu | Event::Wait | Event::Ready)) => Ok(event),
        Some(other) => Err(format!("{other} is not recorded by this version; there are: cpu, wait, ready")),
        None => Err("there is no such event; there are: cpu, wait, ready".to_owned()),
    }
}

impl EventOption {
    /// Returns the events in the order in which they were named.
    pub fn all(&self) -> &[Event] {
        &self.events
    }

    /// Returns the event that a picture shows.
    pub fn first(&self) -> Event {
        self.events.first().copied().unwrap_or(Event::Cpu)
    }

    /// Tells whether time off the CPU is wanted.
    pub fn wants_waits(&self) -> bool {
        self.events.iter().any(|event| *event != Event::Cpu)
    }
}
