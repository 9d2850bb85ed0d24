//! Guests that count themselves, checks of recordings against the truth, and the race runner.
//!
//! 1. [`guests`] finds the guests of the tests, and reads what they counted.
//! 2. [`exclusive`] keeps the tests of one process that sample apart.
//! 3. [`patience`] waits for what must come, and fails when it does not.
//! 4. [`edges`] holds the stacks of a recording against what the guest's own instructions permit.
//! 5. [`shares`] reads how much of the samples a function has from each kind of output.
//! 6. [`marked_modules`] makes modules whose stacks give away whether they were taken for other modules.
//! 7. [`race`] measures what a mode of running a guest costs, against the guest alone; [`statistics`] says how surely.
//!
//! Not for: running guests; there is no runtime in here.

pub mod cpu_clock;
pub mod edges;
pub mod exclusive;
pub mod guests;
pub mod marked_modules;
pub mod patience;
pub mod race;
pub mod shares;
pub mod statistics;
