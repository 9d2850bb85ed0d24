//! Which function may call which, by the module's own instructions.

use std::collections::{HashMap, HashSet};

use crate::ModuleImage;
use crate::call_site::{Callee, call_sites};

/// The static call graph of a module: what a sampled edge from caller to callee can be checked against.
///
/// # Accuracy
///
/// Direct calls are exact. An indirect call is taken to reach any function.
#[derive(Clone, Debug)]
pub struct CallGraph {
    direct: HashMap<u32, HashSet<u32>>,
    indirect: HashSet<u32>,
}

impl CallGraph {
    /// Reads every function body of a module.
    pub fn of(image: &ModuleImage) -> Self {
        let mut graph = Self { direct: HashMap::default(), indirect: HashSet::default() };
        for (function, body) in image.bodies() {
            for (_, callee) in call_sites(image, body) {
                match callee {
                    Callee::Function(callee) => {
                        graph.direct.entry(function).or_default().insert(callee);
                    }
                    Callee::Indirect => {
                        graph.indirect.insert(function);
                    }
                    Callee::Runtime(_) => {}
                }
            }
        }
        graph
    }

    /// Tells whether `caller` holds an instruction that can call `callee`.
    pub fn permits(&self, caller: u32, callee: u32) -> bool {
        self.indirect.contains(&caller) || self.direct.get(&caller).is_some_and(|callees| callees.contains(&callee))
    }
}
