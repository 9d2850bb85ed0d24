//! Which units of a module are split.

use super::fuel::Fuel;
use super::sections;
use super::text::lossy;
use super::units::UnitList;
use crate::ModuleImage;
use crate::names::cut;

/// What stands in a module for a unit whose debug information lies elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Skeleton {
    /// The id that both have.
    pub(crate) id: u64,
    /// The file that the split unit was written to, a path from `folder` on; empty when unknown.
    pub(crate) file: String,
    /// The folder of the compilation; empty when unknown.
    pub(crate) folder: String,
}

/// Lists the skeletons of a module in order, and counts all of its units.
pub(crate) fn skeletons(image: &ModuleImage) -> (Vec<Skeleton>, usize) {
    let bytes = image.bytes().clone();
    let mut fuel = Fuel::for_bytes(image.debug_bytes());
    // Units that cannot be read are told of when places are looked up.
    let (list, _) = UnitList::read(sections(image, &bytes), &mut fuel);
    let mut skeletons = Vec::new();
    for unit in &list.units {
        let Some(id) = unit.skeleton_of else { continue };
        let text = |text| cut(&lossy(text)).to_owned();
        let file = unit.dwo_name.filter(|name| fuel.spend(name.len()).is_ok()).map(text).unwrap_or_default();
        let folder = unit.unit.comp_dir.filter(|folder| fuel.spend(folder.len()).is_ok()).map(text).unwrap_or_default();
        skeletons.push(Skeleton { id, file, folder });
    }
    (skeletons, list.units.len())
}
