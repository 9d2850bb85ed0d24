//! A machine tells which timers it allows, and is as it was afterwards.

use wasmscope_model::TimerKind;
use wasmscope_profiler::{CodeRegistry, Error, MachineReport, Sampler, SamplerConfig};

#[test]
fn probing_needs_the_signal_and_gives_it_back() {
    let running = Sampler::start(SamplerConfig::default(), CodeRegistry::new()).unwrap();
    assert_eq!(MachineReport::probe().unwrap_err(), Error::AlreadyRunning);
    drop(running);
    for _ in 0..2 {
        let report = MachineReport::probe().unwrap();
        let timers: Vec<_> = report.timers.iter().map(|probe| probe.timer).collect();
        assert_eq!(timers, TimerKind::OF_SIGNALS);
        assert!(report.best(99).is_some(), "a sampler could start above: {report:?}");
        assert!(report.timers.iter().all(|probe| probe.refused.is_none() || probe.refused_in_kernel.is_none()));
    }
    drop(Sampler::start(SamplerConfig::default(), CodeRegistry::new()).unwrap());
}
